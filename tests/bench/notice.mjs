// How fast a fault is noticed, and its end: by the sidecar's page, by a probe of it, by a check in the app under the same probe, by the server's own ping.
import {get, delay, until} from './machine.mjs';
import {Observer, command, probe} from './observer.mjs';
import {listPlaces} from './faults.mjs';

const PAGE_MS = 25; // the page itself is looked at so often
const PROBE_MS = 5000; // deploy/kubernetes: periodSeconds and timeoutSeconds of readiness
const PING_MS = 10_000;
const HOLD_MS = PING_MS + 2000; // a fault lasts until everyone has looked at it,
const PROBED_MS = PROBE_MS + 1000; // and the probe at the page that says so
const PATIENCE_MS = 90_000;

const startObservers = (place) => ({
    page: new Observer('page', PAGE_MS, probe(place.port, '/health/ready/', PROBE_MS)),
    probe: new Observer('probe', PROBE_MS, probe(place.port, '/health/ready/', PROBE_MS)),
    app: new Observer('app', PROBE_MS, probe(place.app.port, '/check/', PROBE_MS)),
    ...place.ping && {ping: new Observer('ping', PING_MS, command(...place.ping))},
});

async function waitFor(test) {
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await delay(10))
        if (test())
            return true;
    return false;
}

async function codesOf(port) {
    const {text} = await get(port, '/health/ready/');
    try {
        const {codes, code} = JSON.parse(text);
        return codes ? Object.entries(codes).map((pair) => pair.join(' ')).join(', ') : code ?? '';
    } catch {
        return text.trim().slice(0, 100);
    }
}

// One fault, once. Each observer: {to, back} in ms; null where it saw nothing.
async function makeFault(place, fault, observers) {
    const all = Object.values(observers);
    await until('everyone calls all well', () => all.every(({isWell}) => isWell), PATIENCE_MS);
    await delay(Math.random() * PROBE_MS);
    const begun = performance.now();
    await fault.begin();
    await waitFor(() => {
        const ill = observers.page.firstIll(begun), now = performance.now();
        return ill && now - begun > HOLD_MS && (observers.probe.firstIll(begun) || now - ill > PROBED_MS);
    });
    const says = await codesOf(place.port), isAlive = (await get(place.port, '/health/live/')).status === 200, relapses = observers.page.relapses(begun);
    const to = Object.fromEntries(Object.entries(observers).map(([name, one]) => [name, one.firstIll(begun)]));
    const ending = performance.now(), ended = await fault.end() ?? ending;
    const saw = Object.keys(observers).filter((name) => to[name]);
    await waitFor(() => saw.every((name) => observers[name].wellSince(ending)));
    const back = (name) => { const at = observers[name].wellSince(ending); return to[name] && at ? Math.max(0, at - ended) : null; };
    return {says, isAlive, relapses, figures: Object.fromEntries(Object.keys(observers).map((name) => [name, {to: to[name] ? to[name] - begun : null, back: back(name)}]))};
}

async function runPlace({start: startPlace, faults}, count, say, fail) {
    const place = await startPlace(), observers = startObservers(place);
    const results = faults.map((make) => ({fault: make(place), occasions: []}));
    for (let turn = 1; turn <= count; turn++)
        for (const {fault, occasions} of results) {
            try {
                occasions.push(await makeFault(place, fault, observers));
            } catch (error) {
                fail(`${fault.name}: ${error.message}`);
            }
            say(`${fault.name}, ${turn} of ${count}: ${JSON.stringify(occasions.at(-1))}`);
        }
    for (const one of Object.values(observers))
        await one.stop();
    await place.stop();
    return results.map(({fault, occasions}) => ({name: fault.name, isDead: fault.isDead === true, occasions}));
}

export async function measureNotice(count, hasMysql, say, fail) {
    const places = listPlaces(hasMysql).map((place) => runPlace(place, count, say, fail).catch((error) => { fail(`faults: ${error.message}`); return []; }));
    return {count, faults: (await Promise.all(places)).flat()};
}
