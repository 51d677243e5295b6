// One scene with one program, in a network and mount namespace of its own: the writer, the sidecar and its probes; what they saw, as JSON on stdout.
// `node failover_place.mjs SCENE PROGRAM`, by failover.mjs.
import fs from 'node:fs';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {answers200, delay, get, makeDirectory, runNow, start, tool, until, work} from './machine.mjs';
import {NameServer} from './failover_dns.mjs';
import {serveCommand, writeConfig} from './peers.mjs';
import {SCENES} from './failover_scenes.mjs';

const SIDECAR_PORT = 8000, PROBE_MS = 250, QUIET_S = 7; // beside a sound database, first: longer than an interval
const WRITER_LIMIT_MS = 2500;
const nowMs = () => Number(process.hrtime.bigint() / 1_000_000n); // the writer's clock

function cover(file, text) {
    const own = path.join(makeDirectory('etc'), path.basename(file));
    fs.writeFileSync(own, text);
    runNow(['mount', '--bind', own, file]);
}

async function enter() {
    runNow(['ip', 'link', 'set', 'lo', 'up']);
    cover('/etc/nsswitch.conf', 'hosts: files dns\npasswd: files\ngroup: files\n');
    cover('/etc/hosts', '127.0.0.1 localhost\n');
    cover('/etc/resolv.conf', 'nameserver 127.0.0.53\n');
    return NameServer.start('127.0.0.53');
}

function startWriter({writerDsn, dsn, limitMs = WRITER_LIMIT_MS, writerAs = []}, log) {
    const attempts = [], child = start([...writerAs, tool('failover-writer'), String(limitMs)], {env: {WRITER_DSN: writerDsn ?? dsn}, stdout: 'pipe', log});
    createInterface({input: child.stdout}).on('line', (line) => {
        const [begun, ended, what] = line.split(' ');
        attempts.push({begun: Number(begun), ended: Number(ended), what});
    });
    return {attempts};
}

const codesIn = (text) => {
    try {
        const {codes, code} = JSON.parse(text);
        return codes ? Object.entries(codes).map((pair) => pair.join(' ')).join(', ') : code ?? '';
    } catch {
        return text.trim().slice(0, 60);
    }
};

async function probeUntil(endMs, looks) {
    for (let due = nowMs(); due < endMs; due = Math.max(due + PROBE_MS, nowMs())) {
        await delay(Math.max(0, due - nowMs()));
        const at = nowMs(), answer = await get(SIDECAR_PORT, '/health/ready/').catch(() => null);
        looks.push({at, isReady: answer?.status === 200, says: codesIn(answer?.text ?? 'no answer')});
    }
}

async function act(scene, begunMs, notes) {
    for (const [atS, work] of scene.acts) {
        await delay(Math.max(0, begunMs + atS * 1000 - nowMs()));
        const from = nowMs();
        const said = await Promise.resolve().then(work).catch((error) => `failed: ${error.message.slice(0, 300)}`);
        notes.push({at: (from - begunMs) / 1000, took: (nowMs() - from) / 1000, ...said !== undefined && typeof said === 'string' && {said: said.slice(0, 300)}});
    }
}

const startSidecar = async (scene, program, log) => {
    const config = writeConfig({databases: {default: {dsn: scene.dsn}}, ...scene.settings});
    fs.chmodSync(config, 0o644);
    const child = start([...scene.sidecarAs ?? [], ...serveCommand(config, SIDECAR_PORT, program)], {log});
    if (scene.whenStarted)
        await scene.whenStarted(child);
    await until('the sidecar is ready', () => answers200(SIDECAR_PORT, '/health/ready/'), 60_000).catch((error) => { if (!scene.mayBeRed) throw error; });
    return child;
};

const [id, program] = process.argv.slice(2), log = `${id}-sidecar.log`;
const scene = await SCENES.find((one) => one.id === id).prepare({dns: await enter(), cover});
const writer = startWriter(scene, `${id}-writer.log`);
await until('the writer writes', () => writer.attempts.some(({what}) => what === 'written'), 60_000);
await startSidecar(scene, program, log);
await delay(Math.random() * 5000); // so that no fault keeps step with the looks
const begunMs = nowMs() + QUIET_S * 1000, notes = [], looks = [], endMs = begunMs + scene.seconds * 1000;
const linesBefore = fs.readFileSync(path.join(work, log), 'utf8').split('\n').length;
const acting = act(scene, begunMs, notes);
await probeUntil(endMs, looks);
await Promise.race([acting, delay(30_000)]);
await delay((scene.limitMs ?? WRITER_LIMIT_MS) + 500);
const lines = fs.readFileSync(path.join(work, log), 'utf8').split('\n');
process.stdout.write(JSON.stringify({begunMs, told: scene.told, looks, attempts: writer.attempts, notes, log: lines.slice(linesBefore - 1).filter(Boolean)}));
process.exit(0);
