// Tests of deploy/kubernetes: rendering against golden files, Kubernetes' schemas, and what is wired to what.
// With DEPLOY_GOLDEN=write the golden files are written anew instead of compared.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {configOf, environmentOf, makeDatabase, peakMemory, runProgram, whileServing} from './program.mjs';
import {problemsOf} from './schema.mjs';
import {testTimelines} from './timeline.mjs';
import './workflow.mjs';
import {BUILDS, IMAGE, KUBECTL, OLDEST_KUBECTL, ROOT, canonical, inTemporaryDirectory, kustomizeCopy, kustomizeWith, nameOf, parseAll, readRoot,
    renderAll, renderByHelm, renderByScript, run, withKubectl} from './tools.mjs';

const rendered = renderAll();
const OVERLAYS = Object.keys(rendered);
const PLAIN = ['sqlite', 'postgres', 'sqlite-classic', 'postgres-classic', 'sqlite-exec'];
const CLASSIC = ['sqlite-classic', 'postgres-classic', 'foreign-classic'];
const EXEC = ['sqlite-exec', 'foreign-classic'];
const isForeign = (name) => name.startsWith('foreign');

const UID = 14237;
const HEALTH_PORT = 8000;
const APP_PORT = 9000;
const DECLARED = { // who declares which probe, and with which numbers
    startup: {tcpSocket: {port: APP_PORT}, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 150},
    liveness: {path: '/health/live/', periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6},
    readiness: {path: '/health/ready/', periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3},
    self: {path: '/health/self/', periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3, terminationGracePeriodSeconds: 1},
    exec: {exec: {command: ['bugsink-health', 'probe', 'ready']}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3},
};

const only = (docs, kind) => {
    const found = docs.filter((doc) => doc.kind === kind);
    assert.equal(found.length, 1, `one ${kind}`);
    return found[0];
};
const podOf = (docs) => only(docs, 'Deployment').spec.template.spec;
const containersOf = (pod) => [...pod.initContainers ?? [], ...pod.containers];
const container = (docs, name) => {
    const found = containersOf(podOf(docs)).filter((one) => one.name === name);
    assert.equal(found.length, 1, `one container ${name}`);
    return found[0];
};
const isBugsink = ({image}) => /\/bugsink:/.test(image);
const appOf = (docs) => {
    const found = podOf(docs).containers.filter(isBugsink);
    assert.equal(found.length, 1, 'one container of Bugsink');
    return found[0];
};
const ours = (docs) => ['wait-for-databases', 'health'].map((name) => container(docs, name));
const forEach = (names, body) => names.forEach((name) => body(rendered[name], name));
const readProbe = ({httpGet, ...numbers}) => ({path: httpGet.path, ...numbers});
const mib = (quantity) => {
    const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity);
    return Number(number) * (unit === 'Gi' ? 1024 : 1);
};

/* Rendering. */

for (const name of OVERLAYS)
    test(`${name} is rendered as its golden file has it`, () => {
        const file = path.join(ROOT, 'tests/deploy/golden', `${name}.yaml`);
        if (process.env.DEPLOY_GOLDEN === 'write')
            fs.writeFileSync(file, canonical(rendered[name]));
        assert.equal(canonical(rendered[name]), fs.readFileSync(file, 'utf8'));
    });

for (const [name, kustomization] of Object.entries(BUILDS))
    test(`${name} is rendered the same by kubectl 1.29`, () => {
        assert.equal(canonical(parseAll(kustomizeWith(kustomization, OLDEST_KUBECTL))), canonical(rendered[name]));
    });

for (const database of ['bundled', 'external'])
    test(`the post-renderer as Helm 3 calls it gives what Helm 4's plugin gives (${database})`, () => {
        const {plain, patched} = renderByHelm(database);
        assert.equal(canonical(parseAll(renderByScript(plain))), canonical(parseAll(patched)));
        assert.notEqual(canonical(parseAll(plain)), canonical(parseAll(patched)));
    });

test('the post-renderer leaves everything but the Deployment as the chart has it', () => {
    const {plain, patched} = renderByHelm('bundled');
    const others = (text) => canonical(parseAll(text).filter((doc) => doc.kind !== 'Deployment'));
    assert.equal(others(patched), others(plain));
});

test('the post-renderer fails, and prints nothing, when it is given no Deployment to work on', () => {
    assert.throws(() => renderByScript('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lonely}\n'), {status: 1, stdout: ''});
});

/* Kubernetes' schemas. */

test('every rendered object passes strict validation', () => {
    const docs = Object.values(rendered).flat();
    problemsOf(docs).forEach((problems, i) => assert.deepEqual(problems, [], nameOf(docs[i])));
});

// Keys below these are the user's, not Kubernetes'.
const FREE = new Set(['labels', 'matchLabels', 'annotations', 'data', 'stringData', 'requests', 'limits', 'selector']);
const isFree = (key, value) => FREE.has(key) && Object.values(value).every((one) => typeof one === 'string');

// The paths of all fields, each with the object and the key to spoil.
function* fieldsOf(value, at = '') {
    if (value === null || typeof value !== 'object')
        return;
    for (const [key, inner] of Object.entries(value)) {
        const here = Array.isArray(value) ? `${at}[]` : `${at}.${key}`;
        if (!Array.isArray(value))
            yield {here, holder: value, key};
        if (!isFree(key, inner ?? ''))
            yield* fieldsOf(inner, here);
    }
}

// One copy of the document for each of its fields, with that field misspelt; fields seen before are left out.
function misspellings(docs) {
    const spoilt = new Map();
    for (const doc of docs)
        for (const {here} of fieldsOf(doc)) {
            const id = doc.kind + here;
            if (spoilt.has(id) || here === '.apiVersion' || here === '.kind')
                continue;
            const copy = structuredClone(doc);
            const {holder, key} = [...fieldsOf(copy)].find((field) => field.here === here);
            holder[`${key}x`] = holder[key];
            delete holder[key];
            spoilt.set(id, copy);
        }
    return spoilt;
}

test('every single field, misspelt, is refused', () => {
    const spoilt = misspellings(Object.values(rendered).flat());
    const fields = [...spoilt.keys()];
    assert.ok(fields.length > 100, `${fields.length} fields`);
    const accepted = problemsOf([...spoilt.values()]).map((problems, i) => (problems.length ? null : fields[i]));
    assert.deepEqual(accepted.filter(Boolean), []);
});

test('wrong values, wrong kinds and misplaced fields are refused', () => {
    const spoil = (change) => {
        const copy = structuredClone(only(rendered.sqlite, 'Deployment'));
        change(copy.spec.template.spec, copy);
        return copy;
    };
    const spoilt = [
        spoil((pod) => { pod.containers[0].livenessProbe.periodSeconds = 'ten'; }),
        spoil((pod) => { pod.containers[0].livenessProbe.timeoutSeconds = 2.5; }),
        spoil((pod) => { pod.containers[0].resources.requests.memory = '32 Megs'; }),
        spoil((pod) => { pod.securityContext.runAsUser = 'bugsink'; }),
        spoil((pod) => { pod.containers[0].runAsUser = UID; }),
        spoil((pod) => { pod.containers = {}; }),
        spoil((pod, doc) => { doc.spec.replicas = '2'; }),
        spoil((pod, doc) => { doc.apiVersion = 'apps/v2'; }),
        spoil((pod, doc) => { doc.kind = 'Deploiment'; }),
    ];
    problemsOf(spoilt).forEach((problems, i) => assert.notEqual(problems.length, 0, `spoilt document ${i} was accepted`));
});

/* The README. */

test('the README\'s own kustomization gives a valid set-up, with the reader\'s image, address and secrets', () => {
    const [, kustomization] = /```yaml\n(.*?)```/s.exec(readRoot('deploy/kubernetes/README.md'));
    const docs = parseAll(kustomizeCopy((directory) => {
        fs.writeFileSync(path.join(directory, 'kustomization.yaml'), kustomization);
        fs.writeFileSync(path.join(directory, 'secret.env'), 'SECRET_KEY=an-example\n');
    }));
    problemsOf(docs).forEach((problems, i) => assert.deepEqual(problems, [], nameOf(docs[i])));
    const env = environmentOf(docs, appOf(docs));
    assert.deepEqual(env, {BASE_URL: 'https://errors.example.com', BEHIND_HTTPS_PROXY: 'true', PORT: '9000',
        SECRET_KEY: Buffer.from('an-example').toString('base64')});
    ours(docs).forEach((one) => assert.match(one.image, /^ghcr\.io\/acme\/bugsink-health:/));
});

test('docs/kubernetes.md: the component over a Deployment of one\'s own, and the patch that does without the wait, work as they stand there', () => {
    const blocks = [...readRoot('docs/kubernetes.md').matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);
    assert.equal(blocks.length, 2);
    const build = (text) => parseAll(inTemporaryDirectory((directory) => {
        fs.cpSync(path.join(ROOT, 'deploy'), path.join(directory, 'bugsink-health/deploy'), {recursive: true});
        fs.cpSync(path.join(ROOT, 'tests/deploy/foreign'), directory, {recursive: true});
        fs.writeFileSync(path.join(directory, 'kustomization.yaml'), text);
        return run(KUBECTL, ['kustomize', directory]);
    }));
    const docs = build(blocks[0]);
    ours(docs).forEach((one) => assert.match(one.image, /^ghcr\.io\/acme\/bugsink-health:/));
    const without = build(blocks.join(''));
    assert.deepEqual(podOf(without).initContainers.map((one) => one.name), ['own-the-volume', 'health']);
    assert.deepEqual(container(without, 'health'), container(docs, 'health'));
});

test('each component that is listed after an overlay changes what it is for, and nothing else', () => {
    const overlay = rendered.sqlite;
    const build = (component) => parseAll(kustomizeCopy((directory) => fs.writeFileSync(path.join(directory, 'kustomization.yaml'),
        `resources: [overlays/sqlite]\ncomponents: [components/${component}]\n`)));
    const changes = {
        'prestop-exec': (docs) => { appOf(docs).lifecycle.preStop = {exec: {command: ['sleep', '5']}}; },
        'readiness-exec': (docs) => { container(docs, 'health').readinessProbe = DECLARED.exec; },
        'read-write-once': (docs) => { only(docs, 'PersistentVolumeClaim').spec.accessModes = ['ReadWriteOnce']; },
    };
    for (const [component, change] of Object.entries(changes)) {
        const wanted = structuredClone(overlay);
        change(wanted);
        assert.equal(canonical(build(component)), canonical(wanted), component);
    }
});

// Runs commands of a page as a reader would, in an empty directory; only `git clone` is played, with this tree.
function runAsReader(commands) {
    return inTemporaryDirectory((directory) => {
        const bin = path.join(directory, 'bin');
        const empty = path.join(directory, 'empty');
        fs.mkdirSync(bin);
        fs.mkdirSync(empty);
        fs.writeFileSync(path.join(bin, 'git'),
            `#!/bin/sh\n[ "$1" = clone ] || exit 1\nmkdir -p "$(basename "$2")" && cp -r "${ROOT}/deploy" "$(basename "$2")"\n`, {mode: 0o755});
        const env = withKubectl();
        run('sh', ['-eu', '-c', commands], {cwd: empty, env: {...env, PATH: `${bin}:${env.PATH}`}});
        return fs.readFileSync(path.join(empty, 'bugsink-health/deploy/kubernetes/bugsink.yaml'), 'utf8');
    });
}

// A command is a line at the margin, but for what a here-document holds.
const commandsOf = (text) => text.replaceAll(/<<'END'[^\n]*\n.*?^END$/gms, '').split('\n').filter((line) => line.trim());

test('from an empty folder to a valid manifest with one\'s own image: at most five commands, copied from README.md', () => {
    const [, commands] = /```sh\n(git clone .*?)```/s.exec(readRoot('README.md'));
    const list = commandsOf(commands);
    assert.ok(list.length <= 5, list.join('\n'));
    assert.ok(list.every((line) => !/[;&|]/.test(line)), 'one command a line');
    const docs = parseAll(runAsReader(commands));
    assert.ok(docs.length >= 5);
    problemsOf(docs).forEach((problems, i) => assert.deepEqual(problems, [], nameOf(docs[i])));
    ours(docs).forEach((one) => assert.match(one.image, /^ghcr\.io\/acme\/bugsink-health:/));
    assert.ok(Buffer.from(environmentOf(docs, appOf(docs)).SECRET_KEY, 'base64').toString().length >= 50);
});

test('one command gives all recipes and pages the reader\'s image', () => inTemporaryDirectory((directory) => {
    const copy = path.join(directory, 'copy');
    const tracked = run('git', ['ls-files'], {cwd: ROOT}).trim().split('\n').filter((file) => fs.existsSync(path.join(ROOT, file)));
    for (const file of tracked)
        fs.cpSync(path.join(ROOT, file), path.join(copy, file));
    run('scripts/image-name.sh', ['ghcr.io/acme/bugsink-health'], {cwd: copy});
    const left = tracked.filter((file) => fs.readFileSync(path.join(copy, file), 'latin1').includes(IMAGE));
    assert.deepEqual(left, []);
    const docs = parseAll(run(KUBECTL, ['kustomize', path.join(copy, 'deploy/kubernetes/overlays/sqlite')]));
    ours(docs).forEach((one) => assert.equal(one.image, `ghcr.io/acme/bugsink-health:${readRoot('VERSION').trim()}`));
    for (const wrong of ['', 'Acme/bugsink-health', 'a b', 'acme/bugsink-health:1.0'])
        assert.throws(() => run('scripts/image-name.sh', [wrong], {cwd: copy}), {status: 2}, wrong);
}));

/* Wiring. */

// The number that a Service's port leads to.
const targetOf = (pod, {port, targetPort}) => (typeof targetPort === 'string'
    ? pod.containers.flatMap((one) => one.ports ?? []).find(({name}) => name === targetPort)?.containerPort : targetPort ?? port);

test('the app listens on 9000, and every Service that led to it still does', () => forEach(OVERLAYS, (docs, name) => {
    const app = appOf(docs);
    assert.equal(environmentOf(docs, app).PORT, String(APP_PORT));
    assert.equal(app.env.filter((one) => one.name === 'PORT').length, 1);
    assert.deepEqual(app.ports.map((port) => port.containerPort), [APP_PORT]);
    const services = docs.filter((doc) => doc.kind === 'Service');
    const targets = services.flatMap(({spec}) => spec.ports.map((port) => targetOf(podOf(docs), port)));
    assert.deepEqual(targets, isForeign(name) ? [4180, APP_PORT, APP_PORT] : [APP_PORT]);
    const labels = only(docs, 'Deployment').spec.template.metadata.labels;
    services.forEach(({spec}) => Object.entries(spec.selector).forEach(([key, value]) => assert.equal(labels[key], value)));
}));

test('the program, with the sidecar\'s arguments and environment, listens where the probes ask, and asks where the app is', () =>
    forEach(OVERLAYS, (docs, name) => {
        const health = container(docs, 'health');
        const {status, stderr, settings} = configOf(environmentOf(docs, health), health.args);
        assert.equal(status, 0, stderr);
        assert.equal(settings.listen, `[::]:${HEALTH_PORT}`);
        assert.deepEqual(health.ports, [{name: 'health', containerPort: HEALTH_PORT}]);
        assert.equal(new URL(settings['app.url']).host, `127.0.0.1:${APP_PORT}`);
        assert.equal(settings['settings.path'], 'env');
        assert.equal(settings.drain, CLASSIC.includes(name) ? '5s' : '0s');
        const app = appOf(docs);
        for (const probe of [app.livenessProbe, app.readinessProbe, health.livenessProbe])
            assert.equal(probe.httpGet.port, HEALTH_PORT);
    }));

test('each overlay checks the database that it is for', () => {
    const dsn = (name) => configOf(environmentOf(rendered[name], container(rendered[name], 'health'))).settings['databases.default.dsn'];
    assert.deepEqual(Object.fromEntries(OVERLAYS.map((name) => [name, dsn(name).split(':')[0]])), {
        'sqlite': 'sqlite', 'postgres': 'postgresql', 'sqlite-classic': 'sqlite', 'postgres-classic': 'postgresql', 'sqlite-exec': 'sqlite',
        'foreign': 'sqlite', 'foreign-classic': 'sqlite', 'helm-bundled': 'postgresql', 'helm-external': 'mysql'});
    assert.equal(dsn('foreign'), 'sqlite:////storage/bugsink.sqlite3');
});

test('the program refuses the same environment with the sidecar\'s own port as the app\'s', () => {
    const env = environmentOf(rendered.sqlite, container(rendered.sqlite, 'health'));
    assert.equal(configOf({...env, BUGSINK_HEALTH_APP_URL: `http://127.0.0.1:${HEALTH_PORT}`}).status, 2);
});

test('Bugsink declares startup, liveness and readiness, the sidecar its own liveness, with the documented numbers', () =>
    forEach(OVERLAYS, (docs, name) => {
        const app = appOf(docs);
        const health = container(docs, 'health');
        assert.deepEqual(readProbe(app.livenessProbe), DECLARED.liveness);
        assert.deepEqual(readProbe(app.readinessProbe), DECLARED.readiness);
        assert.deepEqual(readProbe(health.livenessProbe), DECLARED.self);
        assert.deepEqual(app.startupProbe, DECLARED.startup);
        assert.equal(health.startupProbe, undefined);
        assert.deepEqual(health.readinessProbe, EXEC.includes(name) ? DECLARED.exec : undefined);
    }));

test('the sidecar is native, and in the classic overlays an ordinary container that is otherwise the same', () => {
    forEach(OVERLAYS, (docs, name) => {
        const isInit = podOf(docs).initContainers.some((one) => one.name === 'health');
        assert.equal(isInit, !CLASSIC.includes(name), name);
        assert.equal(container(docs, 'health').restartPolicy, isInit ? 'Always' : undefined);
        assert.equal(only(docs, 'Deployment').spec.template.metadata.annotations['kubectl.kubernetes.io/default-container'], appOf(docs).name);
    });
    for (const database of ['sqlite', 'postgres']) {
        const {restartPolicy, env, ...native} = container(rendered[database], 'health');
        const {env: ordinaryEnv, ...ordinary} = container(rendered[`${database}-classic`], 'health');
        assert.deepEqual(ordinary, native);
        assert.deepEqual(env.filter((one) => one.name !== 'BUGSINK_HEALTH_DRAIN'), ordinaryEnv);
    }
});

test('our containers are the same everywhere, but for what they copy from Bugsink\'s', () => {
    const fixed = ({env, envFrom, volumeMounts, restartPolicy, readinessProbe, securityContext: {runAsUser, runAsNonRoot, ...rights}, ...rest}) =>
        ({...rest, rights});
    forEach(OVERLAYS, (docs) => ['health', 'wait-for-databases'].forEach((name) =>
        assert.deepEqual(fixed(container(docs, name)), fixed(container(rendered.sqlite, name)))));
});

test('what goes on shows in `kubectl describe pod`: a refused configuration is the last line of what the program says', () => {
    forEach(OVERLAYS, (docs) => ours(docs).forEach((one) => assert.equal(one.terminationMessagePolicy, 'FallbackToLogsOnError')));
    const {status, stderr} = runProgram(['serve'], {BUGSINK_HEALTH_INTERVAL: 'soon'});
    assert.equal(status, 2);
    assert.match(stderr.trimEnd().split('\n').at(-1), /BUGSINK_HEALTH_INTERVAL/);
});

/* Over a Deployment that is none of ours. */

test('whatever was there before stays: names, order, volumes, limits and hooks', () => {
    const [was] = parseAll(readRoot('tests/deploy/foreign/deployment.yaml'));
    const {foreign} = rendered;
    const before = was.spec.template.spec;
    const after = podOf(foreign);
    assert.deepEqual(after.containers.map((one) => one.name), ['login', 'web']);
    assert.deepEqual(podOf(rendered['foreign-classic']).containers.map((one) => one.name), ['login', 'web', 'health']);
    assert.deepEqual(after.initContainers.map((one) => one.name), ['own-the-volume', 'wait-for-databases', 'health']);
    assert.deepEqual(after.containers[0], before.containers[0]);
    assert.deepEqual(after.initContainers[0], before.initContainers[0]);
    const [, app] = before.containers;
    const now = appOf(foreign);
    for (const key of ['name', 'image', 'imagePullPolicy', 'command', 'args', 'securityContext', 'resources'])
        assert.deepEqual(now[key], app[key], key);
    assert.deepEqual(now.lifecycle.postStart, app.lifecycle.postStart);
    for (const mount of app.volumeMounts)
        assert.ok(now.volumeMounts.some((one) => one.name === mount.name && one.mountPath === mount.mountPath));
    for (const volume of before.volumes)
        assert.deepEqual(after.volumes.find((one) => one.name === volume.name), volume);
    assert.deepEqual(now.env.filter((one) => one.name !== 'PORT'), app.env.filter((one) => one.name !== 'PORT'));
    assert.deepEqual(only(foreign, 'Deployment').spec.selector, was.spec.selector);
    assert.deepEqual(only(foreign, 'Deployment').spec.strategy, was.spec.strategy);
    assert.deepEqual({...only(foreign, 'Deployment').metadata}, was.metadata);
});

test('the sidecar keeps nothing of Bugsink\'s container but environment, volumes and user', () => {
    for (const one of ours(rendered.foreign)) {
        assert.equal(one.command, undefined);
        assert.equal(one.imagePullPolicy, undefined);
        assert.equal(one.lifecycle, undefined);
        assert.equal(one.securityContext.runAsUser, UID);
        assert.deepEqual(one.securityContext.capabilities, {drop: ['ALL']});
        assert.ok(!one.env.some(({name}) => name === 'PORT'));
        assert.ok(one.env.some(({name, valueFrom}) => name === 'SECRET_KEY' && valueFrom.secretKeyRef.key === 'django'));
    }
});

const foreignWith = (change, components = ['components/sidecar']) => kustomizeCopy((copy) => {
    const [deployment] = parseAll(readRoot('tests/deploy/foreign/deployment.yaml'));
    const files = change(deployment) ?? [deployment];
    files.forEach((doc, i) => fs.writeFileSync(path.join(copy, `own${i}.yaml`), JSON.stringify(doc)));
    fs.writeFileSync(path.join(copy, 'kustomization.yaml'),
        JSON.stringify({resources: files.map((_, i) => `own${i}.yaml`), components}));
});

test('Bugsink\'s container is found by its image, whatever registry, name, tag and digest that has', () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    for (const image of ['bugsink', 'bugsink/bugsink', 'docker.io/bugsink/bugsink:2', 'localhost:5000/my-bugsink:1.2', `x/bugsink@${digest}`,
        `x/bugsink:2@${digest}`]) {
        const docs = parseAll(foreignWith((deployment) => { deployment.spec.template.spec.containers[1].image = image; }));
        assert.equal(podOf(docs).containers.find((one) => one.image === image).startupProbe.failureThreshold, 150, image);
    }
});

test('a Deployment without a container of Bugsink, or two Deployments, end the build with a reason', () => {
    const imageOf = (image) => () => foreignWith((deployment) => { deployment.spec.template.spec.containers[1].image = image; });
    for (const image of ['registry.corp.example/errors:1', 'bugsink-health:1', 'bugsink/other:1', 'x/y:bugsink'])
        assert.throws(imageOf(image), /is missing for replacement source Deployment/, image);
    assert.throws(() => foreignWith((deployment) => [deployment, {...deployment, metadata: {name: 'other'}}]), /multiple matches/);
});

test('bare Deployments are served too: no environment, no ports, no volumes, a port of another number, a readiness of its own', () => {
    const bare = (more) => parseAll(foreignWith((deployment) => {
        deployment.spec.template.spec = {containers: [{name: 'one', image: 'bugsink/bugsink:2', ...more}]};
    }));
    for (const more of [{}, {env: null}, {env: [{name: 'PORT', valueFrom: {configMapKeyRef: {name: 'x', key: 'y'}}}]},
        {ports: [{containerPort: 8080, name: 'web'}]}, {readinessProbe: {tcpSocket: {port: 8000}, initialDelaySeconds: 20}},
        {volumeMounts: [{name: 'scratch', mountPath: '/tmp'}]}]) {
        const docs = bare(more);
        problemsOf(docs).forEach((problems) => assert.deepEqual(problems, []));
        const app = appOf(docs);
        assert.deepEqual(app.env.filter((one) => one.name === 'PORT'), [{name: 'PORT', value: '9000'}]);
        assert.deepEqual(app.ports, [{...more.ports?.[0], containerPort: APP_PORT}]);
        assert.deepEqual(readProbe(app.readinessProbe), DECLARED.readiness);
        assert.deepEqual(app.volumeMounts, [{name: 'tmp', mountPath: '/tmp'}]);
    }
});

test('everybody runs as Bugsink\'s user, without privileges', () => forEach(OVERLAYS, (docs, name) => {
    const pod = podOf(docs);
    for (const one of ours(docs)) {
        const {allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities, seccompProfile} = one.securityContext;
        assert.deepEqual({allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities, seccompProfile}, {allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true, capabilities: {drop: ['ALL']}, seccompProfile: {type: 'RuntimeDefault'}});
    }
    if (isForeign(name))
        return;
    assert.deepEqual(pod.securityContext, {runAsNonRoot: true, runAsUser: UID, runAsGroup: UID, fsGroup: UID,
        fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: {type: 'RuntimeDefault'}});
    assert.equal(pod.automountServiceAccountToken, false);
    for (const one of containersOf(pod)) {
        assert.equal(one.securityContext.allowPrivilegeEscalation, false);
        assert.deepEqual(one.securityContext.capabilities, {drop: ['ALL']});
        assert.equal(one.securityContext.runAsUser, undefined);
    }
}));

test('our containers see the environment and the volumes of Bugsink\'s', () => forEach(OVERLAYS, (docs) => {
    const app = appOf(docs);
    const mounts = (one) => one.volumeMounts.map((mount) => `${mount.mountPath}=${mount.name}${mount.readOnly ? ' read-only' : ''}`).sort();
    for (const one of ours(docs)) {
        assert.deepEqual(one.envFrom, app.envFrom);
        assert.equal(environmentOf(docs, one).DATABASE_URL, environmentOf(docs, app).DATABASE_URL);
        assert.deepEqual(mounts(one), mounts(app));
    }
}));

test('every volume that is mounted exists, and every one that exists is mounted', () => forEach(OVERLAYS, (docs, name) => {
    const mounted = containersOf(podOf(docs)).flatMap((one) => (one.volumeMounts ?? []).map((mount) => mount.name));
    const names = podOf(docs).volumes.map((volume) => volume.name);
    assert.deepEqual([...new Set(mounted)].sort(), names.sort());
    for (const {persistentVolumeClaim: claim} of podOf(docs).volumes.filter((volume) => volume.persistentVolumeClaim))
        assert.equal(isForeign(name) ? 'error-tracker' : only(docs, 'PersistentVolumeClaim').metadata.name, claim.claimName);
}));

test('every file and directory that the program looks at is on a shared volume', () =>
    forEach(OVERLAYS, (docs, name) => {
        const health = container(docs, 'health');
        const {settings} = configOf(environmentOf(docs, health), health.args);
        const looked = Object.entries(settings).filter(([key]) => /^databases\..*\.dsn$|^directories\..*\.path$/.test(key))
            .map(([, value]) => value.replace(/^sqlite:\/\/\//, '')).filter((value) => value.startsWith('/'));
        assert.ok(looked.length >= 3, `${name} looks at ${looked}`);
        for (const file of looked)
            assert.ok(health.volumeMounts.some((mount) => file.startsWith(`${mount.mountPath}/`)), `${name}: ${file}`);
    }));

test('SQLite has one replica, one at an update, and a volume for one pod; the others have a queue for each pod', () => {
    for (const name of ['sqlite', 'sqlite-classic']) {
        const {replicas, strategy} = only(rendered[name], 'Deployment').spec;
        assert.deepEqual({replicas, strategy}, {replicas: 1, strategy: {type: 'Recreate'}});
    }
    assert.deepEqual(only(rendered.sqlite, 'PersistentVolumeClaim').spec.accessModes, ['ReadWriteOncePod']);
    assert.deepEqual(only(rendered['sqlite-classic'], 'PersistentVolumeClaim').spec.accessModes, ['ReadWriteOnce']);
    assert.equal(only(rendered.postgres, 'Deployment').spec.replicas, 2);
    forEach(OVERLAYS, (docs) => {
        assert.deepEqual(podOf(docs).volumes.find((volume) => volume.name === 'tmp'), {name: 'tmp', emptyDir: {sizeLimit: '1Gi'}});
    });
    assert.ok(!rendered.postgres.some((doc) => doc.kind === 'PersistentVolumeClaim'));
});

test('storage: the spool has room for a thousand of the largest events, the pod\'s limit for spool and logs, and no limit is ours', () => {
    const LARGEST_EVENT_MIB = 1; // Bugsink's MAX_EVENT_SIZE
    const LOG_MIB = 5 * 10; // the kubelet's containerLogMaxFiles times containerLogMaxSize
    forEach(OVERLAYS, (docs, name) => {
        const spool = mib(podOf(docs).volumes.find((volume) => volume.name === 'tmp').emptyDir.sizeLimit);
        assert.ok(spool >= 1000 * LARGEST_EVENT_MIB);
        ours(docs).forEach(({resources}) => {
            assert.equal(resources.limits['ephemeral-storage'], undefined, 'the kubelet would hold it against the whole pod');
            assert.ok(mib(resources.requests['ephemeral-storage']) >= LOG_MIB);
        });
        const limits = containersOf(podOf(docs)).map((one) => one.resources?.limits?.['ephemeral-storage']).filter(Boolean);
        assert.equal(limits.length, PLAIN.includes(name) ? 1 : 0);
        limits.forEach((limit) => assert.ok(mib(limit) >= spool + containersOf(podOf(docs)).length * LOG_MIB));
    });
});

test('selectors choose the pod', () => forEach(PLAIN, (docs) => {
    const {labels} = only(docs, 'Deployment').spec.template.metadata;
    const selectors = docs.filter((doc) => doc.spec?.podSelector ?? doc.spec?.selector?.matchLabels)
        .map((doc) => (doc.spec.podSelector ?? doc.spec.selector).matchLabels);
    assert.ok(selectors.length >= 2);
    selectors.forEach((selector) => Object.entries(selector).forEach(([key, value]) => assert.equal(labels[key], value)));
}));

test('the NetworkPolicy opens the app to all and the health port to monitoring alone', () => forEach(PLAIN, (docs) => {
    const {policyTypes, ingress} = only(docs, 'NetworkPolicy').spec;
    assert.deepEqual(policyTypes, ['Ingress']);
    const from = (port) => ingress.filter((rule) => rule.ports.some((one) => one.port === port)).map((rule) => rule.from);
    assert.deepEqual(from(APP_PORT), [undefined]);
    assert.deepEqual(from(HEALTH_PORT), [[{namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': 'monitoring'}}}]]);
}));

test('the image is that of this version', () => {
    const version = readRoot('VERSION').trim();
    forEach(OVERLAYS, (docs) => ours(docs).forEach((one) => assert.equal(one.image, `${IMAGE}:${version}`)));
    assert.match(readRoot('deploy/kubernetes/overlays/helm/plugin.yaml'), new RegExp(`^version: ${version}$`, 'm'));
});

test('the post-renderer takes the image from BUGSINK_HEALTH_IMAGE, in Helm 4 and 3', () => {
    const imagesOf = (text) => ours(parseAll(text)).map((one) => one.image);
    const version = readRoot('VERSION').trim();
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const {plain, patched} = renderByHelm('bundled', {BUGSINK_HEALTH_IMAGE: 'ghcr.io/acme/bugsink-health:7'});
    assert.deepEqual(imagesOf(patched), Array(2).fill('ghcr.io/acme/bugsink-health:7'));
    for (const [image, expected] of [['localhost:5000/bh', `localhost:5000/bh:${version}`], ['localhost:5000/bh:7', 'localhost:5000/bh:7'],
        [`ghcr.io/acme/bh@${digest}`, `ghcr.io/acme/bh@${digest}`]])
        assert.deepEqual(imagesOf(renderByScript(plain, {BUGSINK_HEALTH_IMAGE: image})), Array(2).fill(expected));
});

/* Monitoring, Ingress, Gateway. */

test('the monitoring component finds the pods of every Deployment, and has the rules of deploy/monitoring', () => {
    const file = 'deploy/kubernetes/components/monitoring/prometheusrule.yaml';
    const rules = readRoot('deploy/monitoring/bugsink-health.rules.yaml');
    const head = readRoot(file).split(/^spec:$/m)[0];
    if (process.env.DEPLOY_GOLDEN === 'write')
        fs.writeFileSync(path.join(ROOT, file), `${head}spec:\n${rules.replaceAll(/^(?=.)/gm, '  ')}`);
    const [rule] = parseAll(readRoot(file));
    assert.deepEqual(rule.spec, parseAll(rules)[0]);
    const {selector, podMetricsEndpoints: [endpoint]} = only(rendered['sqlite-exec'], 'PodMonitor').spec;
    forEach(OVERLAYS, (docs) => {
        const {labels} = only(docs, 'Deployment').spec.template.metadata;
        Object.entries(selector.matchLabels).forEach(([key, value]) => assert.equal(labels[key], value));
        assert.equal(container(docs, 'health').ports.find(({name}) => name === endpoint.port).containerPort, HEALTH_PORT);
    });
});

for (const name of ['ingress', 'httproute'])
    test(`the example ${name}.yaml is valid, and leads to a port of Bugsink's Service`, () => {
        const [doc] = parseAll(readRoot(`deploy/kubernetes/examples/${name}.yaml`));
        assert.deepEqual(problemsOf([doc]), [[]]);
        const {metadata, spec} = only(rendered.sqlite, 'Service');
        const backend = doc.kind === 'Ingress' ? doc.spec.rules[0].http.paths[0].backend.service : doc.spec.rules[0].backendRefs[0];
        assert.equal(backend.name, metadata.name);
        const [wanted] = doc.kind === 'Ingress' ? [backend.port.name] : [backend.port];
        assert.ok(spec.ports.some((port) => port.name === wanted || port.port === wanted));
    });

/* What the numbers come to. */

testTimelines(rendered, podOf, appOf, (docs) => container(docs, 'health'));

/* With the program at work. */

// The demo's databases, and the settings that Bugsink would accept.
function withDemo(work) {
    const directory = fs.mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'bugsink-health-'));
    const env = {
        DATABASE_PATH: path.join(directory, 'db.sqlite3'), BUGSINK_HEALTH_QUEUE: path.join(directory, 'snappea.sqlite3'),
        SECRET_KEY: 'an-example-of-fifty-characters-or-more-0123456789-abcdef',
    };
    makeDatabase(env.DATABASE_PATH, path.join(ROOT, 'config/demo/default.sql'));
    makeDatabase(env.BUGSINK_HEALTH_QUEUE, path.join(ROOT, 'config/demo/snappea.sql'));
    return Promise.resolve(work(env)).finally(() => fs.rmSync(directory, {recursive: true}));
}

test('the running program has every path that a probe asks for, and no others', () => withDemo((env) =>
    whileServing(env, async (base) => {
        const status = async (asked) => (await fetch(base + asked)).status;
        const paths = new Set(OVERLAYS.flatMap((name) => containersOf(podOf(rendered[name])))
            .flatMap((one) => [one.livenessProbe, one.readinessProbe]).filter((probe) => probe?.httpGet).map((probe) => probe.httpGet.path));
        assert.equal(paths.size, 3);
        for (const asked of paths) {
            assert.equal(await status(asked), 200, asked);
            assert.equal(await status(asked.replace('/health/', '/healthz/')), 404);
        }
    })));

test('the memory limit holds the measured use and one check that runs away; the request holds the measured use', () =>
    withDemo((env) => whileServing(env, async (base, pid) => {
        const [, runaway] = /MEMORY_MAX = (\d+) \* 1024 \* 1024/.exec(readRoot('src/run/child_work.c'));
        const used = peakMemory(pid);
        assert.ok(used > 1);
        forEach(OVERLAYS, (docs) => ours(docs).forEach(({resources}) => {
            assert.ok(mib(resources.requests.memory) >= used, `${used} MiB used`);
            assert.ok(mib(resources.limits.memory) >= used + Number(runaway), `${used} MiB used, and ${runaway}`);
        }));
    })));

test('the init container\'s command ends well on a new volume, where Bugsink is yet to make its files', () => {
    forEach(OVERLAYS, (docs) => inTemporaryDirectory((directory) => {
        const env = {DATABASE_PATH: path.join(directory, 'db.sqlite3'), BUGSINK_HEALTH_QUEUE: path.join(directory, 'snappea.sqlite3')};
        const {status, stderr} = runProgram(container(docs, 'wait-for-databases').args, env);
        assert.equal(status, 0, stderr);
    }));
});

test('the placeholder of SECRET_KEY cannot go live: the init container waits for another', () => withDemo((env) => {
    const {args, ...rest} = container(rendered.sqlite, 'wait-for-databases');
    const impatient = args.map((arg) => (arg === '0s' ? '1s' : arg));
    const wait = (key) => runProgram(impatient, {...environmentOf(rendered.sqlite, rest), ...env, SECRET_KEY: key});
    const refused = wait(environmentOf(rendered.sqlite, rest).SECRET_KEY);
    assert.equal(refused.status, 1);
    assert.match(refused.stdout, /waiting for app_settings: invalid_setting/);
    assert.equal(wait(env.SECRET_KEY).status, 0);
}));
