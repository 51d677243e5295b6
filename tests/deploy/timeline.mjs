// Timelines, computed from the recipes' own numbers with the stand-in of kubelet.mjs: a hung sidecar, a hung Bugsink, a slow start, a
// rolling update. What docs/kubernetes.md says of them is compared with what comes out.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deletionOf, failsAt, graceOf, phases, preStopOf, startOf} from './kubelet.mjs';
import {configOf, environmentOf} from './program.mjs';
import {readRoot} from './tools.mjs';

// From the kill of a container to its program's first answer: 20 ms for the program, the rest for the runtime on a busy node.
const RESTART = 5;
// gunicorn's graceful_timeout: what requests in progress are given.
const GUNICORN = 30;
// How long a proxy may go on sending to a pod that was deleted: seen to be under 2 s in a small cluster.
const PROPAGATION = 4;
const REQUESTS_A_SECOND = 30;

const silent = () => undefined;
const range = (values) => ({least: Math.min(...values), most: Math.max(...values)});
const seconds = (text) => {
    const [, number, unit] = /^(\d+)(ms|s|m|h)$/.exec(text);
    return Number(number) * {ms: 0.001, s: 1, m: 60, h: 3600}[unit];
};

// What the sidecar of these manifests does by its own settings.
function settingsOf(docs, health) {
    const {settings} = configOf(environmentOf(docs, health), health.args);
    const {interval, timeout, fall, drain} = settings;
    const retry = seconds(settings.retry_interval);
    return {interval: seconds(interval), timeout: seconds(timeout), fall: Number(fall), drain: seconds(drain), retry: {least: retry, most: 1.4 * retry}};
}

// A sidecar that hangs at 0: whether Bugsink is given up before the sidecar is back, for every moment of both probes.
function hungSidecar(pod, app, health) {
    const back = phases(health.livenessProbe).map((phase) =>
        failsAt(health.livenessProbe, phase, silent) + graceOf(pod, health.livenessProbe) + RESTART);
    const {most: isBack} = range(back);
    const givenUp = phases(app.livenessProbe).map((phase) => failsAt(app.livenessProbe, phase, (at) => (at >= isBack ? true : undefined), 600));
    const unanswered = phases(app.livenessProbe).map((phase) => failsAt(app.livenessProbe, phase, silent));
    return {back: range(back), isRestarted: givenUp.some((at) => at !== null), patience: range(unanswered).least};
}

// A Bugsink that accepts connections and is silent from 0 on.
function hungApp(pod, app, {interval, timeout, fall, retry}) {
    const noticed = {
        least: timeout + (fall - 1) * (retry.least + timeout),
        most: interval + timeout + (fall - 1) * (retry.most + timeout),
    };
    const restarts = [noticed.least, noticed.most].flatMap((from) => phases(app.livenessProbe).map((phase) =>
        failsAt(app.livenessProbe, from + phase, () => false)));
    return {noticed, restarts: range(restarts), killed: range(restarts).most + graceOf(pod, app.livenessProbe)};
}

// A Bugsink that answers first after `seconds`: how much later it is ready, and how much after the sidecar says so.
function slowStart(app, {retry}, first) {
    const results = [0, retry.least / 2, retry.least, retry.most].flatMap((seen) => phases(app.startupProbe).map((phase) => {
        const start = startOf(app, phase, {listens: first, ready: first + seen});
        return start && {afterFirst: start.ready - first, afterVerdict: start.ready - Math.max(start.started, first + seen)};
    }));
    return results.includes(null) ? null
        : {afterFirst: range(results.map((one) => one.afterFirst)), afterVerdict: range(results.map((one) => one.afterVerdict))};
}

// Requests that still come to a deleted pod after Bugsink was told to stop are lost.
function lostInUpdate(pod, app) {
    const {appTold} = deletionOf(pod, app, GUNICORN);
    return Math.max(0, Math.ceil((PROPAGATION - appTold) * REQUESTS_A_SECOND));
}

const without = (object, key) => Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));

export function testTimelines(rendered, podOf, appOf, healthOf) {
    const each = (body) => Object.entries(rendered).forEach(([name, docs]) => body(docs, podOf(docs), appOf(docs), healthOf(docs), name));
    const says = (text) => assert.ok(readRoot('docs/kubernetes.md').includes(text), `docs/kubernetes.md does not say: ${text}`);
    const rounded = ({least, most}) => `${Math.floor(least)} to ${Math.ceil(most)} s`;

    test('a hung sidecar is back before a healthy Bugsink is given up', () => each((docs, pod, app, health, name) => {
        const {back, isRestarted, patience} = hungSidecar(pod, app, health);
        assert.equal(isRestarted, false, name);
        assert.ok(back.most < patience, `${name}: back after ${back.most} s, given up after ${patience} s`);
        says(`the sidecar is back after ${rounded(back)}`);
        says(`given up after ${Math.floor(patience)} s at the earliest`);
    }));

    test('each of the two numbers is needed for that: with the guide\'s 3 failures, or the pod\'s grace period, Bugsink is restarted', () =>
        each((docs, pod, app, health, name) => {
            const impatient = {...app, livenessProbe: {...app.livenessProbe, failureThreshold: 3}};
            assert.ok(hungSidecar(pod, impatient, health).isRestarted, name);
            const slow = {...health, livenessProbe: without(health.livenessProbe, 'terminationGracePeriodSeconds')};
            assert.ok(hungSidecar(pod, app, slow).isRestarted, name);
        }));

    test('a hung Bugsink leaves the Service, and is restarted', () => each((docs, pod, app, health, name) => {
        const {noticed, restarts} = hungApp(pod, app, settingsOf(docs, health));
        const unready = phases(app.readinessProbe).map((phase) => failsAt(app.readinessProbe, noticed.most + phase, () => false));
        assert.ok(range(unready).most <= 35, `${name}: ${range(unready).most}`);
        assert.ok(restarts.most <= 80, `${name}: ${restarts.most}`);
        says(`restarted after ${rounded(restarts)}`);
    }));

    test('a start of 60 s: ready within one probe period of the first 200, and no later than the look of the sidecar adds to that', () =>
        each((docs, pod, app, health, name) => {
            const settings = settingsOf(docs, health);
            const {afterFirst, afterVerdict} = slowStart(app, settings, 60);
            assert.ok(afterVerdict.most <= app.readinessProbe.periodSeconds, `${name}: ${afterVerdict.most}`);
            assert.ok(afterFirst.most <= settings.retry.most + app.readinessProbe.periodSeconds, `${name}: ${afterFirst.most}`);
            says(`ready ${rounded(afterFirst)} after its first answer`);
        }));

    test('with the guide\'s numbers every start would wait much longer', () => each((docs, pod, app, health) => {
        const guide = {...app, startupProbe: {...app.startupProbe, periodSeconds: 10},
            readinessProbe: {...app.readinessProbe, initialDelaySeconds: 15, periodSeconds: 10}};
        assert.ok(slowStart(guide, settingsOf(docs, health), 60).afterFirst.most > 20);
    }));

    test('a start may take 5 minutes, and no more', () => each((docs, pod, app, health) => {
        const settings = settingsOf(docs, health);
        assert.notEqual(slowStart(app, settings, 297), null);
        assert.equal(slowStart(app, settings, 301), null);
        const {periodSeconds, timeoutSeconds, failureThreshold} = app.startupProbe;
        assert.equal(periodSeconds * failureThreshold, 300);
        assert.ok(timeoutSeconds <= periodSeconds, 'a silent port takes no longer than a closed one');
    }));

    test('a rolling update loses no request, and without the hook it would', () => each((docs, pod, app, health, name) => {
        assert.equal(preStopOf(app), 5, name);
        assert.equal(lostInUpdate(pod, app), 0);
        assert.ok(lostInUpdate(pod, without(app, 'lifecycle')) > 0);
    }));

    test('an update adds a pod before it takes one away, where there may be two', () => {
        const {replicas, strategy: {rollingUpdate}} = rendered.postgres.find((doc) => doc.kind === 'Deployment').spec;
        assert.equal(replicas, 2);
        assert.deepEqual(rollingUpdate, {maxSurge: 1, maxUnavailable: 0});
    });

    test('the grace period holds the hook, what gunicorn gives requests, and the end of the sidecar', () => each((docs, pod, app, health, name) => {
        const {appGone, sidecarTold, killed} = deletionOf(pod, app, GUNICORN);
        if (name.startsWith('foreign')) { // theirs, and untouched: gunicorn has what the hook leaves of it
            assert.equal(pod.terminationGracePeriodSeconds, undefined);
            return;
        }
        const {drain} = settingsOf(docs, health);
        assert.ok(appGone <= killed, name);
        assert.ok(sidecarTold + drain <= killed, name);
        assert.equal(killed, preStopOf(app) + GUNICORN + 5, 'as the comment beside it says');
    }));

    test('a native sidecar answers until Bugsink is gone, and drains for nobody; an ordinary one is told with Bugsink, and drains', () =>
        each((docs, pod, app, health, name) => {
            const {appGone, sidecarTold} = deletionOf(pod, app, GUNICORN);
            const isNative = !name.endsWith('classic');
            assert.equal(sidecarTold, isNative ? appGone : 0, name);
            assert.equal(settingsOf(docs, health).drain, isNative ? 0 : 5, name);
        }));
}
