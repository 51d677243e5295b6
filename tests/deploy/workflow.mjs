// The workflow of a release: as the forge's own parser reads it, and its shell as shellcheck does.
import assert from 'node:assert/strict';
import path from 'node:path';
import {test} from 'node:test';
import {BUILD, parseAll, readRoot, run} from './tools.mjs';

const FILE = '.github/workflows/release.yaml';
const {convertWorkflowTemplate, parseWorkflow, NoOperationTraceWriter} =
    await import(path.join(BUILD, 'node_modules/@actions/workflow-parser/dist/index.js'));

// What the parser has against a workflow: in its syntax, its keys, its expressions.
async function problemsOf(content) {
    const {context, value} = parseWorkflow({name: FILE, content}, new NoOperationTraceWriter());
    if (value)
        await convertWorkflowTemplate(context, value);
    return context.errors.getErrors().map((error) => error.message);
}

const steps = () => parseAll(readRoot(FILE))[0].jobs.release.steps;

test('the release workflow is one, by the forge\'s own parser', async () => {
    assert.deepEqual(await problemsOf(readRoot(FILE)), []);
});

test('the parser refuses what is misspelt', async () => {
    for (const [right, wrong] of [['runs-on:', 'run-on:'], ['steps:', 'step:'], ['permissions: {}', 'permission: {}'], ['packages: write', 'packages: push'],
        ['github.token }}', 'github.token }'], ['      id: image', '      identity: image']]) {
        const spoilt = readRoot(FILE).replace(right, wrong);
        assert.notEqual(spoilt, readRoot(FILE), right);
        assert.notDeepEqual(await problemsOf(spoilt), [], wrong);
    }
});

test('shellcheck finds nothing in its steps', () => {
    const scripts = steps().map((step) => step.run);
    assert.ok(scripts.length >= 5);
    scripts.forEach((script) => assert.equal(run('shellcheck', ['--shell=bash', '-'], {input: script}), ''));
});

test('it runs nobody else\'s action, and no text of a tag or a branch gets into a script', () => {
    for (const step of steps()) {
        assert.equal(step.uses, undefined);
        assert.doesNotMatch(step.run, /\$\{\{/, step.name);
    }
});

test('it makes the release with make, pushes to the owner\'s registry, and signs by digest', () => {
    const all = steps().map((step) => step.run).join('\n');
    assert.match(all, /make release\n/);
    assert.match(all, /ghcr\.io\/\$\{GITHUB_REPOSITORY_OWNER,,\}\/bugsink-health/);
    assert.match(all, /--preserve-digests/);
    assert.match(all, /cosign sign --yes/);
    assert.match(steps().find((step) => step.id === 'image').run, /name=\$image@\$\(cat digest\)/);
});
