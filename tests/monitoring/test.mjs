// Tests of /metrics and deploy/monitoring: promtool's opinion, the rules' unit tests, and a real Prometheus that scrapes the real program.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {problemsOf} from './operator.mjs';
import {Prometheus, RULES, RULES_TEST, Sidecar, YAML, promtool, readRoot, until} from './tools.mjs';

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const NAME = /\b(?:bugsink_health|process)_[a-z_]+\b/g;

let sidecar;
before(async () => { sidecar = await Sidecar.start(); });
after(() => sidecar?.stop());

/* The names of all samples there can be, empty families too. */

const SUFFIXES = {histogram: ['_bucket', '_sum', '_count']};
const namesIn = (text) => new Set([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    .flatMap(([, name, type]) => (SUFFIXES[type] ?? ['']).map((suffix) => name + suffix)));
const rules = YAML.parse(fs.readFileSync(RULES, 'utf8'));
const expressions = rules.groups.flatMap((group) => group.rules).map(({expr}) => expr);

/* Both formats. */

test('promtool finds nothing to say about the text format', async () => {
    const {status, type, text} = await sidecar.metrics();
    assert.equal(status, 200);
    assert.equal(type, TEXT);
    assert.deepEqual(promtool(['check', 'metrics'], text), {status: 0, text: ''});
});

test('promtool would have said something', () => {
    assert.match(promtool(['check', 'metrics'], '# TYPE x counter\nx 1\n').text, /_total/);
});

test('OpenMetrics differs in type, names of families and end alone', async () => {
    sidecar.takeDatabase();
    await until('a failure is counted', async () => (await sidecar.metrics()).text.includes('code="file_missing"'));
    sidecar.returnDatabase();
    await sidecar.awaitReady();
    const plain = await sidecar.metrics();
    const open = await sidecar.metrics(OPENMETRICS);
    assert.equal(open.status, 200);
    assert.match(open.type, /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8$/);
    assert.ok(open.text.endsWith('\n# EOF\n'));
    assert.equal(open.text.indexOf('# EOF'), open.text.length - 6);
    assert.ok(!plain.text.includes('# EOF'));
    const samples = (text) => text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.replace(/ \S+$/, ''));
    assert.deepEqual(samples(open.text), samples(plain.text));
    // As promtool reads the text format alone: the same with the names of families as that has them is what it reads as text.
    const renamed = open.text.replace('# EOF\n', '')
        .replaceAll(/^# (HELP|TYPE) (\S+) (.*)$/gm, (line, what, name, rest) => {
            const type = new RegExp(`^# TYPE ${name} (\\S+)$`, 'm').exec(open.text)[1];
            const suffix = {counter: '_total', info: '_info'}[type] ?? '';
            return `# ${what} ${name}${suffix} ${what === 'TYPE' && type === 'info' ? 'gauge' : rest}`;
        });
    assert.deepEqual(promtool(['check', 'metrics'], renamed), {status: 0, text: ''});
});

/* The rules. */

test('promtool takes the rules', () => {
    const {status, text} = promtool(['check', 'rules', '--lint-fatal', RULES]);
    assert.equal(status, 0, text);
    assert.match(text, /SUCCESS: \d+ rules found/);
});

test('the unit tests of the rules pass', () => {
    const {status, text} = promtool(['test', 'rules', RULES_TEST]);
    assert.equal(status, 0, text);
});

// The tests of the rules, run against rules that were spoilt.
function testsPassWith(spoilt) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bugsink-rules-'));
    try {
        fs.writeFileSync(path.join(directory, 'rules.yaml'), YAML.stringify(spoilt));
        const tests = fs.readFileSync(RULES_TEST, 'utf8').replace(/^- .*bugsink-health\.rules\.yaml$/m, '- rules.yaml');
        fs.writeFileSync(path.join(directory, 'test.yaml'), tests);
        return promtool(['test', 'rules', path.join(directory, 'test.yaml')]).status === 0;
    } finally {
        fs.rmSync(directory, {recursive: true});
    }
}

for (const [i, {alert, for: wait}] of rules.groups[0].rules.entries())
    test(`${alert} has a unit test that fails where it never fires, and where it fires late`, () => {
        const spoil = (change) => {
            const copy = structuredClone(rules);
            Object.assign(copy.groups[0].rules[i], change);
            return copy;
        };
        assert.ok(testsPassWith(spoil({})));
        assert.ok(!testsPassWith(spoil({expr: 'vector(1) > 2'})), 'never');
        assert.ok(!testsPassWith(spoil({for: wait === undefined ? '1h' : `${parseInt(wait, 10) * 20}${wait.at(-1)}`})), 'late');
    });

test('every metric that a rule names is one of the program', async () => {
    const known = namesIn((await sidecar.metrics()).text);
    const used = expressions.flatMap((expr) => expr.match(NAME));
    assert.ok(used.length > 10);
    assert.deepEqual(used.filter((name) => !known.has(name)), []);
});

test('every value of a label that a rule names is one that the program can give', () => {
    const table = readRoot('docs/troubleshooting.md');
    for (const expr of expressions)
        for (const [, codes] of expr.matchAll(/code=~?"([^"]*)"/g))
            codes.split('|').forEach((code) => assert.ok(table.includes(`| \`${code}\` |`), code));
});

/* The documentation. */

test('docs/metrics.md names every metric of the program, and no other', async () => {
    const page = readRoot('docs/metrics.md');
    const names = [...(await sidecar.metrics()).text.matchAll(/^# TYPE (?:bugsink_health_)?(\S+) /gm)].map(([, name]) => name);
    const told = [...page.matchAll(/`([a-z_]+)(?:\{[a-z,]+\})?`/g)].map(([, name]) => name);
    assert.deepEqual(names.filter((name) => !told.includes(name)), []);
    assert.deepEqual(told.filter((name) => name.includes('_') && !names.includes(name)), ['bugsink_health_', '_created']);
});

/* The dashboard. */

const dashboard = JSON.parse(readRoot('deploy/monitoring/dashboard.json'));
const queries = dashboard.panels.flatMap((panel) => panel.targets.map(({expr}) => expr));

test('every metric that the dashboard names is one of the program', async () => {
    const known = namesIn((await sidecar.metrics()).text);
    const listed = dashboard.templating.list.map(({query}) => query?.query ?? '');
    const used = [...queries, ...listed].flatMap((query) => query.match(NAME) ?? []);
    assert.ok(used.length > 15);
    assert.deepEqual(used.filter((name) => !known.has(name)), []);
});

test('the panels of the dashboard have their own numbers and places', () => {
    const {panels} = dashboard;
    assert.equal(new Set(panels.map(({id}) => id)).size, panels.length);
    const cells = panels.flatMap(({gridPos: {x, y, w, h}}) => Array.from({length: w * h}, (_, i) => `${x + i % w},${y + Math.floor(i / w)}`));
    assert.equal(new Set(cells).size, cells.length);
    panels.forEach(({gridPos: {x, w}, title}) => assert.ok(x + w <= 24, title));
});

/* The operator's objects. */

const COMPONENTS = 'deploy/kubernetes/components';
const podMonitor = YAML.parse(readRoot(`${COMPONENTS}/monitoring/podmonitor.yaml`));

test('the PodMonitor is one, by the schemas of the Prometheus operator', () => {
    assert.deepEqual(problemsOf(podMonitor), []);
    const spoilt = structuredClone(podMonitor);
    spoilt.spec.podMetricsEndpoints[0].intervall = '1s';
    assert.notDeepEqual(problemsOf(spoilt), []);
    const wrong = structuredClone(podMonitor);
    wrong.spec.podMetricsEndpoints[0].interval = 'soon';
    assert.notDeepEqual(problemsOf(wrong), []);
});

test('the PodMonitor finds the pods and the port that the sidecar\'s component makes', () => {
    const {template} = YAML.parse(readRoot(`${COMPONENTS}/sidecar/make/sidecar.yaml`));
    const {ports} = template.spec.containers.find(({name}) => name === 'health');
    const [endpoint] = podMonitor.spec.podMetricsEndpoints;
    assert.equal(ports.find(({name}) => name === endpoint.port)?.containerPort, 8000);
    const pod = YAML.parse(readRoot(`${COMPONENTS}/sidecar/find/pod.yaml`)).spec.template;
    for (const [key, value] of Object.entries(podMonitor.spec.selector.matchLabels))
        assert.equal(pod.metadata.labels[key], value);
});

test('the rules make a PrometheusRule, which the monitoring component has', () => {
    const doc = YAML.parse(readRoot(`${COMPONENTS}/monitoring/prometheusrule.yaml`));
    assert.deepEqual(problemsOf(doc), []);
    assert.deepEqual(doc.spec.groups, rules.groups);
});

/* A real Prometheus. */

test('a real Prometheus scrapes it, and its alerts fire and are resolved', async (t) => {
    const prometheus = await Prometheus.start(sidecar.address);
    t.after(() => prometheus.stop());
    const isUp = async () => (await prometheus.values('up'))[0]?.value[1] === '1' || prometheus.ask('targets?state=active');
    await until('the target is up', isUp);
    await prometheus.awaitSilence();

    const metadata = await prometheus.ask('targets/metadata');
    assert.ok(metadata.some(({metric, type}) => metric === 'bugsink_health_build' && type === 'info'), 'it was read as OpenMetrics');
    await until('runs are counted', async () => (await prometheus.values(
        'histogram_quantile(0.9, sum by (le) (rate(bugsink_health_check_duration_seconds_bucket[10s]))) > 0')).length === 1);
    for (const query of queries) {
        const plain = query.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');
        assert.ok(Array.isArray(await prometheus.values(plain)), plain);
    }
    const panels = await prometheus.values('max by (instance, check) (bugsink_health_check_status)');
    assert.deepEqual(panels.map(({metric}) => metric.check).sort(), ['app_settings', 'default', 'snappea', 'spool']);

    sidecar.takeDatabase();
    await prometheus.awaitAlert('BugsinkNotReady');
    const [alert] = await prometheus.firing();
    assert.match(alert.annotations.description, /Failing: default \(file_missing\)\.$/);
    sidecar.returnDatabase();
    await prometheus.awaitSilence();

    sidecar.configure({interval: 'never'});
    sidecar.signal('SIGHUP');
    await prometheus.awaitAlert('BugsinkHealthReloadFailed');
    sidecar.configure();
    sidecar.signal('SIGHUP');
    await prometheus.awaitSilence();

    sidecar.signal('SIGSTOP');
    await prometheus.awaitAlert('BugsinkHealthStale');
    assert.deepEqual(await prometheus.values('bugsink_health_check_status'), [], 'nothing old is told');
    assert.equal((await prometheus.values('bugsink_health_ready'))[0].value[1], '0');
    sidecar.signal('SIGCONT');
    await prometheus.awaitSilence();

    assert.doesNotMatch(prometheus.log, /level=(warn|error)/);
});
