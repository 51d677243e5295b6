// Tests of deploy/kubernetes: rendering against golden files, Kubernetes' schemas, and what is wired to what.
// With DEPLOY_GOLDEN=write the golden files are written anew instead of compared.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {configOf, environmentOf, makeDatabase, peakMemory, runProgram, whileServing} from './program.mjs';
import {problemsOf} from './schema.mjs';
import {ROOT, canonical, inTemporaryDirectory, kustomizeByDebian, kustomizeCopy, nameOf, parseAll, readRoot, renderAll, renderByHelm,
    renderByScript} from './tools.mjs';

const rendered = renderAll();
const OVERLAYS = Object.keys(rendered);
const WITH_KUSTOMIZE = {base: 'base', sqlite: 'overlays/sqlite', postgres: 'overlays/postgres', classic: 'overlays/classic'};
const PLAIN = Object.keys(WITH_KUSTOMIZE);

const UID = 14237;
const HEALTH_PORT = 8000;
const APP_PORT = 9000;
const DECLARED = { // who declares which probe, and with which numbers
    liveness: {path: '/health/live/', initialDelaySeconds: 30, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3},
    readiness: {path: '/health/ready/', initialDelaySeconds: 15, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3},
    self: {path: '/health/self/', periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3},
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

for (const name of PLAIN)
    test(`${name} is rendered the same by Debian's kubectl`, () => {
        assert.equal(canonical(parseAll(kustomizeByDebian(WITH_KUSTOMIZE[name]))), canonical(rendered[name]));
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
    const env = environmentOf(docs, container(docs, 'bugsink'));
    assert.deepEqual(env, {BASE_URL: 'https://errors.example.com', BEHIND_HTTPS_PROXY: 'true', PORT: '9000',
        SECRET_KEY: Buffer.from('an-example').toString('base64')});
    ours(docs).forEach((one) => assert.match(one.image, /^registry\.example\.com\/bugsink-health:/));
});

/* Wiring. */

test('the app listens on 9000, the Service leads there, and to nothing else', () => forEach(OVERLAYS, (docs) => {
    const app = container(docs, 'bugsink');
    assert.equal(environmentOf(docs, app).PORT, String(APP_PORT));
    assert.deepEqual(app.ports, [{name: 'http', containerPort: APP_PORT}]);
    const {spec} = only(docs, 'Service');
    assert.deepEqual(spec.ports.map((port) => port.targetPort), ['http']);
    const labels = only(docs, 'Deployment').spec.template.metadata.labels;
    Object.entries(spec.selector).forEach(([key, value]) => assert.equal(labels[key], value));
}));

test('the program, with the sidecar\'s arguments and environment, listens where the probes ask, and asks where the app is', () =>
    forEach(OVERLAYS, (docs) => {
        const health = container(docs, 'health');
        const {status, stderr, settings} = configOf(environmentOf(docs, health), health.args);
        assert.equal(status, 0, stderr);
        assert.equal(settings.listen, `[::]:${HEALTH_PORT}`);
        assert.deepEqual(health.ports, [{name: 'health', containerPort: HEALTH_PORT}]);
        assert.equal(new URL(settings['app.url']).host, `127.0.0.1:${APP_PORT}`);
        assert.equal(settings['settings.path'], 'env');
        const app = container(docs, 'bugsink');
        for (const probe of [app.livenessProbe, app.readinessProbe, health.livenessProbe])
            assert.equal(probe.httpGet.port, HEALTH_PORT);
    }));

test('each overlay checks the database that it is for', () => {
    const dsn = (name) => configOf(environmentOf(rendered[name], container(rendered[name], 'health'))).settings['databases.default.dsn'];
    assert.deepEqual(OVERLAYS.map((name) => dsn(name).split(':')[0]),
        ['sqlite', 'sqlite', 'postgresql', 'sqlite', 'postgresql', 'mysql']);
});

test('the program refuses the same environment with the sidecar\'s own port as the app\'s', () => {
    const env = environmentOf(rendered.sqlite, container(rendered.sqlite, 'health'));
    assert.equal(configOf({...env, BUGSINK_HEALTH_APP_URL: `http://127.0.0.1:${HEALTH_PORT}`}).status, 2);
});

test('Bugsink declares liveness and readiness, the sidecar its own liveness, with the numbers of the guide', () =>
    forEach(OVERLAYS, (docs) => {
        const app = container(docs, 'bugsink');
        const health = container(docs, 'health');
        assert.deepEqual(readProbe(app.livenessProbe), DECLARED.liveness);
        assert.deepEqual(readProbe(app.readinessProbe), DECLARED.readiness);
        assert.deepEqual(readProbe(health.livenessProbe), DECLARED.self);
        assert.deepEqual(app.startupProbe, {tcpSocket: {port: APP_PORT}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 30});
        assert.equal(health.startupProbe, undefined);
        assert.equal(health.readinessProbe, undefined);
    }));

test('the sidecar is native, and in the classic overlay an ordinary container that is otherwise the same', () => {
    forEach(OVERLAYS, (docs, name) => {
        const health = container(docs, 'health');
        const isInit = podOf(docs).initContainers.some((one) => one.name === 'health');
        assert.equal(isInit, name !== 'classic');
        assert.equal(health.restartPolicy, name === 'classic' ? undefined : 'Always');
        assert.equal(podOf(docs).initContainers[0].name, 'wait-for-databases');
    });
    const mountsSorted = (one) => ({...one, volumeMounts: [...one.volumeMounts].sort((a, b) => a.mountPath.localeCompare(b.mountPath))});
    const {restartPolicy, ...native} = container(rendered.sqlite, 'health');
    assert.equal(restartPolicy, 'Always');
    assert.deepEqual(mountsSorted(container(rendered.classic, 'health')), mountsSorted(native));
});

test('the sidecar that the chart is given is that of the base, but for what it copies from Bugsink\'s container', () => {
    const fixed = ({env, envFrom, volumeMounts, args, ...rest}) => rest;
    for (const name of ['helm-bundled', 'helm-external']) {
        assert.deepEqual(fixed(container(rendered[name], 'health')), fixed(container(rendered.base, 'health')));
        assert.deepEqual(fixed(container(rendered[name], 'wait-for-databases')), fixed(container(rendered.base, 'wait-for-databases')));
        assert.deepEqual(podOf(rendered[name]).initContainers.map((one) => one.name), ['wait-for-databases', 'health']);
    }
});

test('everybody runs as Bugsink\'s user, without privileges', () => forEach(OVERLAYS, (docs) => {
    const pod = podOf(docs);
    assert.deepEqual(pod.securityContext, {runAsNonRoot: true, runAsUser: UID, runAsGroup: UID, fsGroup: UID,
        fsGroupChangePolicy: 'OnRootMismatch', seccompProfile: {type: 'RuntimeDefault'}});
    assert.equal(pod.automountServiceAccountToken, false);
    for (const one of containersOf(pod)) {
        assert.equal(one.securityContext.allowPrivilegeEscalation, false);
        assert.deepEqual(one.securityContext.capabilities, {drop: ['ALL']});
        assert.equal(one.securityContext.runAsUser, undefined);
    }
    ours(docs).forEach((one) => assert.equal(one.securityContext.readOnlyRootFilesystem, true));
}));

test('our containers see the environment and the volumes of Bugsink\'s', () => forEach(OVERLAYS, (docs) => {
    const app = container(docs, 'bugsink');
    const mounts = (one) => one.volumeMounts.map((mount) => `${mount.mountPath}=${mount.name}${mount.readOnly ? ' read-only' : ''}`).sort();
    for (const one of ours(docs)) {
        assert.deepEqual(one.envFrom, app.envFrom);
        assert.equal(environmentOf(docs, one).DATABASE_URL, environmentOf(docs, app).DATABASE_URL);
        assert.deepEqual(mounts(one), mounts(app));
    }
}));

test('every volume that is mounted exists, and every one that exists is mounted', () => forEach(OVERLAYS, (docs) => {
    const mounted = containersOf(podOf(docs)).flatMap((one) => one.volumeMounts.map((mount) => mount.name));
    const names = podOf(docs).volumes.map((volume) => volume.name);
    assert.deepEqual([...new Set(mounted)].sort(), names.sort());
    for (const {persistentVolumeClaim: claim} of podOf(docs).volumes.filter((volume) => volume.persistentVolumeClaim))
        assert.equal(only(docs, 'PersistentVolumeClaim').metadata.name, claim.claimName);
}));

test('every file and directory that the program looks at is on a shared volume', () =>
    forEach(OVERLAYS.filter((name) => name !== 'base'), (docs, name) => {
        const health = container(docs, 'health');
        const {settings} = configOf(environmentOf(docs, health), health.args);
        const looked = Object.entries(settings).filter(([key]) => /^databases\..*\.dsn$|^directories\..*\.path$/.test(key))
            .map(([, value]) => value.replace(/^sqlite:\/\/\//, '')).filter((value) => value.startsWith('/'));
        assert.ok(looked.length >= 3, `${name} looks at ${looked}`);
        for (const file of looked)
            assert.ok(health.volumeMounts.some((mount) => file.startsWith(`${mount.mountPath}/`)), `${name}: ${file}`);
    }));

test('SQLite has one replica and no second one during an update; the others have a queue for each pod', () => {
    for (const name of ['sqlite', 'classic']) {
        const {replicas, strategy} = only(rendered[name], 'Deployment').spec;
        assert.deepEqual({replicas, strategy}, {replicas: 1, strategy: {type: 'Recreate'}});
    }
    assert.equal(only(rendered.postgres, 'Deployment').spec.replicas, 2);
    forEach(OVERLAYS, (docs) => {
        assert.deepEqual(podOf(docs).volumes.find((volume) => volume.name === 'tmp'), {name: 'tmp', emptyDir: {}});
    });
    assert.ok(!rendered.postgres.some((doc) => doc.kind === 'PersistentVolumeClaim'));
});

test('selectors choose the pod', () => forEach(PLAIN, (docs) => {
    const {labels} = only(docs, 'Deployment').spec.template.metadata;
    const selectors = docs.filter((doc) => doc.spec?.podSelector ?? doc.spec?.selector?.matchLabels)
        .map((doc) => (doc.spec.podSelector ?? doc.spec.selector).matchLabels);
    assert.ok(selectors.length >= 2);
    selectors.forEach((selector) => assert.deepEqual(selector, labels));
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
    forEach(OVERLAYS, (docs) => ours(docs).forEach((one) => assert.equal(one.image, `bugsink-health:${version}`)));
    assert.match(readRoot('deploy/kubernetes/overlays/helm/plugin.yaml'), new RegExp(`^version: ${version}$`, 'm'));
});

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
            .flatMap((one) => [one.livenessProbe, one.readinessProbe]).filter(Boolean).map((probe) => probe.httpGet.path));
        assert.equal(paths.size, 3);
        for (const asked of paths) {
            assert.equal(await status(asked), 200, asked);
            assert.equal(await status(asked.replace('/health/', '/healthz/')), 404);
        }
    })));

test('the memory limit holds the measured use and one check that runs away; the request holds the measured use', () =>
    withDemo((env) => whileServing(env, async (base, pid) => {
        const [, runaway] = /MEMORY_MAX = (\d+) \* 1024 \* 1024/.exec(readRoot('src/checks/child.c'));
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
    assert.match(refused.stdout, /app_settings: error: invalid_setting/);
    assert.equal(wait(env.SECRET_KEY).status, 0);
}));
