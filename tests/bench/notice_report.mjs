// The table of how fast faults are noticed.
import {median} from './machine.mjs';
import {head, plain, row} from './table.mjs';

const seconds = (ms) => plain(ms / 1e3, 1);

// "1.4, 4.9": the median and the worst of those that were seen; how many were not.
function spread(occasions, observer, which) {
    const all = occasions.map(({figures}) => figures[observer]?.[which]).filter((ms) => ms !== undefined), seen = all.filter((ms) => ms !== null);
    if (!all.length)
        return '-';
    if (!seen.length)
        return which === 'to' ? 'never' : '-';
    const missed = which === 'to' && seen.length < all.length ? `; not in ${all.length - seen.length} of ${all.length}` : '';
    return `${seconds(median(seen))}, ${seconds(Math.max(...seen))}${missed}`;
}

const mostOf = (words) => [...new Set(words)].sort((a, b) => words.filter((one) => one === b).length - words.filter((one) => one === a).length)[0];

// What should not have been, beside what it says.
function remarks({occasions, isDead}) {
    const relapsed = occasions.filter(({relapses}) => relapses > 0).length, dead = isDead ? 0 : occasions.filter(({isAlive}) => !isAlive).length;
    return `${relapsed ? `; said well in between in ${relapsed}` : ''}${dead ? `; **called dead in ${dead}**` : ''}`;
}

export function noticeTable({notice, sections}) {
    if (!notice)
        return 'Not measured: `make bench BENCH_ONLY=notice`.\n';
    let text = `Each fault ${notice.count} times, at a moment by chance, for 12 s or until it is noticed, at standard settings: seconds from the fault to 503, and from its end to 200, median and worst. The app's
own check is a Django view that asks each database \`SELECT 1\`, with a connection for each request; it and the sidecar have a probe every 5 s. The server's ping is \`pg_isready\` or
\`mariadb-admin ping\`, every 10 s. All places of faults at once; load average ${sections.notice?.load} at the start.\n\n`;
    text += head('fault', 'to 503', 'back to 200', 'ours by a probe: to', 'back', 'a check in the app: to', 'back', 'the server\'s ping: to', 'what it says');
    for (const fault of notice.faults) {
        const {occasions, name} = fault, cell = (observer, which) => spread(occasions, observer, which);
        text += row(name, cell('page', 'to'), cell('page', 'back'), cell('probe', 'to'), cell('probe', 'back'), cell('app', 'to'), cell('app', 'back'), cell('ping', 'to'),
            `${mostOf(occasions.map(({says}) => says)) ?? '-'}${remarks(fault)}`);
    }
    return text;
}
