// The program as a container of a manifest would run it: its arguments, its environment, and what it then says and uses.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import {PROGRAM} from './tools.mjs';

// What a Secret that is not in the manifests holds, such as the one of the chart's own PostgreSQL.
const ELSEWHERE = {
    DATABASE_URL: 'postgresql://bugsink:an-example@errors-postgresql:5432/bugsink',
    SECRET_KEY: 'an-example-of-fifty-characters-or-more-0123456789-abcdef',
};

const contentsOf = (docs, kind, name) => {
    const found = docs.find((doc) => doc.kind === kind && doc.metadata.name === name);
    if (!found)
        throw new Error(`there is no ${kind} ${name}`);
    return {...found.data, ...found.stringData};
};

export function environmentOf(docs, container) {
    const env = {};
    for (const from of container.envFrom ?? [])
        Object.assign(env, from.configMapRef ? contentsOf(docs, 'ConfigMap', from.configMapRef.name)
            : contentsOf(docs, 'Secret', from.secretRef.name));
    for (const {name, value, valueFrom} of container.env ?? [])
        env[name] = valueFrom ? ELSEWHERE[name] : value;
    return env;
}

// `bugsink-health config` for that container: exit status, error text, and the settings in force as an object.
export function configOf(env, args = []) {
    const flags = args.filter((arg) => arg !== 'serve');
    const {status, stdout, stderr} = spawnSync(PROGRAM, ['config', ...flags], {env, encoding: 'utf8', timeout: 20_000});
    const lines = stdout.split('\n').map((line) => /^(\S+) += (.*?) {2,}\(.*\)$/.exec(line)).filter(Boolean);
    return {status, stderr, settings: Object.fromEntries(lines.map(([, key, value]) => [key, value]))};
}

export const runProgram = (args, env) => spawnSync(PROGRAM, args, {env, encoding: 'utf8', timeout: 30_000});

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const {port} = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

async function until(what, test) {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await new Promise((done) => setTimeout(done, 50))) {
        if (await test().catch(() => false))
            return;
    }
    throw new Error(`waited too long until ${what}`);
}

// Serves on a free port while `work` is done; `work` gets the address and the process id.
export async function whileServing(env, work) {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const child = spawn(PROGRAM, ['serve'], {env: {...env, BUGSINK_HEALTH_LISTEN: `127.0.0.1:${port}`}, stdio: 'ignore'});
    try {
        await until('all checks have run', async () => {
            const answer = await (await fetch(`${base}/health/`)).json();
            return Object.values(answer.checks).every((check) => check.status !== 'starting');
        });
        return await work(base, child.pid);
    } finally {
        child.kill('SIGINT');
        if (child.exitCode === null && child.signalCode === null)
            await once(child, 'exit');
    }
}

const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

const kib = (pid, field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// What the two processes have used at most, in MiB; shared libraries count twice, which errs on the safe side.
export function peakMemory(pid) {
    const responder = childrenOf(pid)[0];
    return (kib(pid, 'VmHWM') + kib(responder, 'VmHWM')) / 1024;
}

export const makeDatabase = (file, sql) => execFileSync('sqlite3', [file], {input: fs.readFileSync(sql)});
