// A stand-in for the kubelet: what it does with a pod's probes and hooks over time, computed from a manifest's own numbers.
// Times are seconds. Where the moment of a probe within its period is a matter of chance, all moments are tried.

const withDefaults = (probe) => ({initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3, ...probe});

// The moments within a period, in steps of a tenth of a second.
export const phases = (probe) => Array.from({length: withDefaults(probe).periodSeconds * 10}, (_, i) => i / 10);

// The probes one after the other, from `start` on: when each begins and when its result is there. `answers(at)` says what it would
// get: true or false at once, undefined for silence. A probe that is still waiting puts the next one off (one worker for each
// probe, a ticker that drops ticks).
function* probesFrom(start, probe, answers) {
    const {periodSeconds, timeoutSeconds, initialDelaySeconds} = withDefaults(probe);
    for (let begins = start + initialDelaySeconds; ;) {
        const answer = answers(begins);
        const ends = answer === undefined ? begins + timeoutSeconds : begins;
        yield {begins, ends, isSuccess: answer === true};
        const passed = Math.floor((ends - begins) / periodSeconds);
        begins += (passed + 1) * periodSeconds;
    }
}

// When the probe has failed as often in a row as it may; null if it succeeds before `until`, or has not failed by then.
export function failsAt(probe, phase, answers, until = 3600) {
    let failures = 0;
    for (const {begins, ends, isSuccess} of probesFrom(phase, probe, answers)) {
        if (begins > until)
            return null;
        failures = isSuccess ? 0 : failures + 1;
        if (failures === withDefaults(probe).failureThreshold)
            return ends;
    }
    return null;
}

// When the probe first succeeds.
export function succeedsAt(probe, start, answers, until = 3600) {
    for (const {begins, ends, isSuccess} of probesFrom(start, probe, answers)) {
        if (begins > until)
            return null;
        if (isSuccess)
            return ends;
    }
    return null;
}

// How long something that does not react to SIGTERM lives after its liveness has failed: the probe's own grace period, or the pod's.
// A preStop hook runs within it.
export const graceOf = (pod, probe) => probe.terminationGracePeriodSeconds ?? pod.terminationGracePeriodSeconds ?? 30;

export const preStopOf = ({lifecycle}) => lifecycle?.preStop?.sleep?.seconds ?? Number(lifecycle?.preStop?.exec?.command.at(-1) ?? 0);

// A container whose startupProbe has passed has its readiness asked at once, and then every period: prober_manager.go triggers a
// run by hand while a started container has no result. Returns when Bugsink has started and when it is ready, or null if the
// startupProbe gave up. `listens` and `ready` say from when on the port and the sidecar's readiness answer.
export function startOf(app, phase, {listens, ready}) {
    const {startupProbe, readinessProbe} = app;
    const answersAfter = (moment) => (at) => at >= moment;
    const startup = startupProbe ?? {periodSeconds: 1, failureThreshold: Infinity};
    const gaveUp = failsAt(startup, phase, answersAfter(listens));
    const started = startupProbe ? succeedsAt(startup, phase, answersAfter(listens)) : 0;
    if (gaveUp !== null && gaveUp < started)
        return null;
    return {started, ready: succeedsAt(readinessProbe, started, answersAfter(ready))};
}

// A deleted pod: traffic comes until every proxy has heard of it; the ordinary containers are told to stop after their hooks,
// all at once, and native sidecars when those are gone. Returns when each is told, and when the pod is killed.
export function deletionOf(pod, app, stopSeconds) {
    const told = preStopOf(app);
    const gone = told + stopSeconds;
    const isNative = pod.initContainers.some((one) => one.name === 'health');
    return {appTold: told, appGone: gone, sidecarTold: isNative ? gone : 0, killed: pod.terminationGracePeriodSeconds ?? 30};
}
