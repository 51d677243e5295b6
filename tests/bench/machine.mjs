// Processes, ports, /proc and medians: what each measurement stands on. BENCH_BUILD and BH_PROGRAM come from the Makefile.
import {execFile, execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BUILD = path.resolve(process.env.BENCH_BUILD);
export const PROGRAM = path.resolve(process.env.BH_PROGRAM);
export const BASE = process.env.BENCH_BASE && path.resolve(process.env.BENCH_BASE); // another build, to be compared with
export const tool = (name) => path.join(BUILD, name);
export const isRoot = process.getuid() === 0;

export const work = fs.mkdtempSync(path.join(os.tmpdir(), 'bugsink-health-bench-'));
fs.chmodSync(work, 0o755);
const running = new Set();

// However we end, nothing stays: each child has setpriv's death signal besides, for the case that we are killed.
process.on('exit', () => {
    for (const child of running)
        child.kill('SIGKILL');
    const logs = path.join(BUILD, 'bench/logs');
    fs.mkdirSync(logs, {recursive: true});
    for (const name of fs.readdirSync(work).filter((one) => one.endsWith('.log')))
        fs.copyFileSync(path.join(work, name), path.join(logs, name));
    fs.rmSync(work, {recursive: true, force: true});
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => process.exit(1));

export const delay = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits for what test() promises: a true value, which is returned.
export async function until(what, test, patience = 30_000, step = 20) {
    let last;
    for (const deadline = Date.now() + patience; Date.now() < deadline; await delay(step)) {
        last = await Promise.resolve().then(test).catch((error) => { last = error; return false; });
        if (last)
            return last;
    }
    throw new Error(`waited too long until ${what}`);
}

// Ports are given out from below the range that the kernel takes clients' ports from, and the tests theirs; each once.
let nextPort = 10000 + process.pid % 5000;
const isFree = (port) => new Promise((done) => {
    const server = net.createServer().once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
});

export async function freePort() {
    for (;;) {
        const port = nextPort; // taken before anything is awaited: others ask meanwhile
        nextPort = nextPort >= 19000 ? 10000 : nextPort + 1;
        if (await isFree(port))
            return port;
    }
}

export const makeDirectory = (name) => {
    const directory = path.join(work, name);
    fs.mkdirSync(directory, {recursive: true, mode: 0o755});
    return directory;
};

export const newest = (...parts) => parts.reduce((found, part) => found.flatMap((directory) =>
    part === '*' ? (fs.existsSync(directory) ? fs.readdirSync(directory) : []).map((name) => path.join(directory, name))
        : [path.join(directory, part)]), ['/']).filter((file) => fs.existsSync(file)).sort().at(-1);

// The words that run a command as another user, where that is root's to do; servers of databases refuse to be root.
export const asUser = (user) => isRoot && user
    ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--pdeathsig=KILL'] : ['setpriv', '--pdeathsig=KILL'];

export function start(command, {env = {}, user, log = 'log', cwd = work, stdin = 'ignore', stdout} = {}) {
    const file = fs.openSync(path.join(work, log), 'a');
    const [first, ...rest] = [...asUser(user), ...command];
    const child = spawn(first, rest, {cwd, stdio: [stdin, stdout ?? file, file], env: {PATH: process.env.PATH, LANG: 'C', ...env}});
    fs.closeSync(file);
    running.add(child);
    child.once('exit', () => running.delete(child));
    child.once('error', (error) => { running.delete(child); throw error; });
    return child;
}

export async function stop(child, signal = 'SIGINT') {
    if (child.exitCode !== null || child.signalCode !== null)
        return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
}

// One of our own programs, or another, to its end: what it printed.
export const runTool = (command, options = {}) => new Promise((done, fail) => {
    const [first, ...rest] = command;
    const child = execFile(first, rest, {encoding: 'utf8', timeout: 120_000, maxBuffer: 1 << 24, ...options},
        (error, stdout, stderr) => error && !options.mayFail ? fail(new Error(`${command.join(' ')}: ${error.message}${stderr}`)) : done(stdout));
    running.add(child);
    child.once('exit', () => running.delete(child));
});
export const runJson = async (command, options) => JSON.parse(await runTool(command, options));
export const runNow = (command, options = {}) => execFileSync(command[0], command.slice(1), {encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], ...options});

export function get(port, target) {
    return new Promise((done, fail) => {
        const request = http.get({host: '127.0.0.1', port, path: target, agent: false, timeout: 10_000}, async (answer) => {
            let text = '';
            for await (const part of answer.setEncoding('utf8'))
                text += part;
            done({status: answer.statusCode, text});
        });
        request.on('timeout', () => request.destroy(new Error('no answer')));
        request.on('error', fail);
    });
}
export const answers200 = async (port, target) => (await get(port, target)).status === 200;

// -- /proc --

const read = (file) => { try { return fs.readFileSync(file, 'utf8'); } catch { return ''; } };

const childrenOf = (pid) => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
export const treeOf = (pid) => [pid, ...childrenOf(pid).flatMap(treeOf)];

// None of one that has ended meanwhile.
const threadsOf = (pid) => { try { return fs.readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`); } catch { return []; } };

// Nanoseconds on a processor of all threads of a process, by the scheduler: exact, where ticks are not.
const busyNs = (pid) => {
    let sum = 0;
    for (const thread of threadsOf(pid))
        sum += Number(read(`${thread}/schedstat`).split(' ')[0]);
    return sum;
};
const TICK_US = 1e6 / Number(runNow(['getconf', 'CLK_TCK']));

// Processor time of processes, in microseconds, without that of children that have ended. user and system: in ticks.
export function processorTime(pids) {
    const sum = {us: 0, user_us: 0, system_us: 0};
    for (const pid of pids) {
        const [user, system] = read(`/proc/${pid}/stat`).replace(/^.*\) /, '').split(' ').slice(11, 13);
        sum.us += busyNs(pid) / 1e3;
        sum.user_us += Number(user) * TICK_US;
        sum.system_us += Number(system) * TICK_US;
    }
    return sum;
}

// The same of one alone.
export const ownProcessorTimeUs = (pid) => busyNs(pid) / 1e3;

// Of children that have ended and were waited for: in ticks.
export const endedChildrenUs = (pid) => {
    const [user, system] = read(`/proc/${pid}/stat`).replace(/^.*\) /, '').split(' ').slice(13, 15);
    return (Number(user ?? 0) + Number(system ?? 0)) * TICK_US;
};

// Of its workers, and whatever else it runs besides the responder: those that live, and those that have ended.
export const workersUs = (pid) => treeOf(pid).slice(1).filter((one) => read(`/proc/${one}/comm`).trim() !== 'bh-responder')
    .reduce((sum, one) => sum + busyNs(one) / 1e3 + endedChildrenUs(one), endedChildrenUs(pid));
// Of a whole tree, with those of its processes that have ended: exact for those that live, in ticks for the others.
export const treeUs = (pid) => treeOf(pid).reduce((sum, one) => sum + busyNs(one) / 1e3 + endedChildrenUs(one), 0);

// Of a sidecar without what its checks run in, which it tells itself (bugsink_health_children_cpu_seconds_total): to the
// millisecond also where a process ends with each look.
export const ownTreeUs = (pid) => treeOf(pid).filter((one) => one === pid || ['bh-responder', 'bh-nursery'].includes(read(`/proc/${one}/comm`).trim()))
    .reduce((sum, one) => sum + busyNs(one) / 1e3, 0);

// The times that one of its threads has slept and goes on, of those that live.
export const treeWakeups = (pid) => treeOf(pid).flatMap(threadsOf)
    .reduce((sum, thread) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(read(`${thread}/status`))?.[1] ?? 0), 0);
export {TICK_US};

// KiB of all processes of a tree.
export function memoryOf(pid) {
    const sum = {pss: 0, private_dirty: 0};
    for (const one of treeOf(pid)) {
        const text = read(`/proc/${one}/smaps_rollup`);
        sum.pss += Number(/^Pss: +(\d+)/m.exec(text)?.[1] ?? 0);
        sum.private_dirty += Number(/^Private_Dirty: +(\d+)/m.exec(text)?.[1] ?? 0);
    }
    return sum;
}

// -- many figures --

export const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// The figures of all rounds, by name: series.add('us', 35); what was measured in no round is NaN.
export class Series {
    constructor(values = {}) { this.values = values; }

    add(figures) {
        for (const [name, value] of Object.entries(figures))
            (this.values[name] ??= []).push(value);
    }

    median(name) { return this.values[name]?.length ? median(this.values[name]) : NaN; }

    spread(name) { return this.values[name]?.length ? [Math.min(...this.values[name]), Math.max(...this.values[name])] : null; }
}
