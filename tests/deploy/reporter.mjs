// Prints node's test events as one line a test, the reasons of failures, and the count at the end.

const COUNTED = {'test:pass': 'passed', 'test:fail': 'failed'};

export default async function* report(events) {
    const count = {passed: 0, failed: 0};
    for await (const {type, data} of events) {
        const verdict = COUNTED[type];
        if (!verdict)
            continue;
        count[verdict]++;
        yield `${verdict === 'passed' ? 'ok  ' : 'FAIL'} ${data.name}\n`;
        if (verdict === 'failed')
            yield `     ${String(data.details.error.cause?.message ?? data.details.error).replaceAll('\n', '\n     ')}\n`;
    }
    yield `${count.passed} passed, ${count.failed} failed\n`;
}
