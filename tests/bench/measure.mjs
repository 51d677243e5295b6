// The measurements. Each returns plain figures; what they mean, and what they ought to be, stands in report.mjs.
import fs from 'node:fs';
import net from 'node:net';
import {delay, workersUs, freePort, get, makeDirectory, memoryOf, ownProcessorTimeUs, processorTime, runJson, runTool, start, stop, TICK_US, tool, treeOf, until,
    answers200} from './machine.mjs';
import {SilentServer} from './databases.mjs';
import {demoSettings, serveCommand, startPeer, startSidecar, writeConfig} from './peers.mjs';

const ask = (port, path, ...options) => runJson([tool('bench-client'), ...options.map(String), `127.0.0.1:${port}`, path], {mayFail: true});

// Probes at even intervals, whatever becomes of them, for so many seconds.
async function probeEvenly(port, rate, seconds) {
    const text = await runTool([tool('probe-client'), '-n', String(rate * seconds), '-d', String(seconds), '-t', '10000', `127.0.0.1:${port}`, '/health/live/'], {mayFail: true});
    const figures = Object.fromEntries(text.trim().split(' ').map((pair) => pair.split('=')));
    return {p50: Number(figures.took_p50_us), p99: Number(figures.took_p99_us), max: Number(figures.took_max_us), failed: figures.sent - figures.answered};
}

// -- servers: a probe's cost, throughput, memory --

const AT_ONCE = 16;

async function costOf(pids, count, work) {
    const before = processorTime(pids);
    const figures = await work();
    const after = processorTime(pids);
    if (figures.failed > 0)
        throw new Error(`${figures.failed} of ${figures.count} requests failed`);
    const each = (name) => (after[name] - before[name]) / figures.count;
    return {...figures, us: each('us'), user_us: each('user_us'), system_us: each('system_us')};
}

// One round of one peer, started for it.
export async function measurePeer(peer, size) {
    const server = await startPeer(peer);
    try {
        const count = Math.min(peer.probes ?? size.probes, size.probes), {port} = server;
        await delay(500); // its own start is over
        const idle = memoryOf(server.pid);
        await ask(port, peer.path, '-n', Math.min(200, count));
        const pids = treeOf(server.pid).slice(0, 2); // ours and nginx: two; what a check runs in comes and goes
        const single = await costOf(pids, count, () => ask(port, peer.path, '-n', count));
        const loaded = memoryOf(server.pid);
        const crowd = await ask(port, peer.path, '-n', peer.isSlow ? count : count * 3, '-c', peer.isSlow ? 2 : AT_ONCE);
        const kept = peer.isKept === false ? null : await costOf(pids, count, () => ask(port, peer.path, '-k', '-c', AT_ONCE, '-s', size.seconds, '-n', 2_000_000));
        return {us: single.us, user_us: single.user_us, system_us: single.system_us, p50: single.p50_us, p99: single.p99_us, p999: single.p999_us,
            rate: crowd.rate, ...kept && {kept_rate: kept.rate, kept_us: kept.us}, idle_pss: idle.pss, idle_dirty: idle.private_dirty,
            pss: loaded.pss, dirty: loaded.private_dirty};
    } finally {
        await server.stop();
    }
}

// -- start --

export async function measureStart(peer, tries) {
    const port = await freePort(), path = peer.isOurs ? '/health/self/' : peer.path;
    const env = {...process.env, PYTHONDONTWRITEBYTECODE: '1', ...peer.env};
    const all = await runJson([tool('bench-run'), 'first', String(port), path, String(tries), ...peer.command(port)], {env});
    return all.map((us) => ({ms: us / 1e3}));
}

// -- checks --

async function countersOf(sidecar) {
    const {text} = await get(sidecar.port, '/metrics');
    const value = (pattern) => [...text.matchAll(pattern)].reduce((sum, found) => sum + Number(found[1]), 0);
    return {
        at: performance.now(),
        runs: value(/^bugsink_health_check_duration_seconds_count\{.*\} (\S+)$/mg),
        failures: value(/^bugsink_health_check_failures_total\{.*\} (\S+)$/mg),
        children_us: value(/^bugsink_health_children_cpu_seconds_total (\S+)$/mg) * 1e6,
        checker_us: ownProcessorTimeUs(sidecar.pid),
        ticks_us: workersUs(sidecar.pid),
    };
}

// What one round of a check costs the running daemon: the checking process and what it runs, all but the answers to
// probes. The workers' time is our own word (by getrusage, to the millisecond), which the kernel must bear out.
export async function measureRounds(settings, seconds) {
    const sidecar = await startSidecar({interval: '300ms', timeout: '290ms', slow: '280ms', ...settings});
    try {
        await delay(500);
        const before = await countersOf(sidecar);
        await delay(seconds * 1000);
        const after = await countersOf(sidecar);
        const runs = after.runs - before.runs, children_us = after.children_us - before.children_us;
        if (after.failures > before.failures || runs < seconds)
            throw new Error(`${runs} runs, ${after.failures} failures: ${(await get(sidecar.port, '/health/')).text}`);
        if (Math.abs(after.ticks_us - before.ticks_us - children_us) > 3 * TICK_US)
            throw new Error(`workers used ${children_us} us by the metrics, ${after.ticks_us - before.ticks_us} us by the kernel`);
        return (after.checker_us - before.checker_us + children_us) / runs;
    } finally {
        await sidecar.stop();
    }
}

export async function measureTool(command, count, env = process.env) {
    const cost = await runJson([tool('bench-run'), 'times', String(count), ...command], {env});
    return cost.user_us + cost.system_us;
}

// One round of everything that is checked: ours, and the tool that one would have run instead.
export function checkMeasurements({postgres, mariadb}, size) {
    const one = (dsn, more = {}) => () => measureRounds({databases: {default: {dsn}}, ...more}, size.roundSeconds);
    const fresh = {reconnect: '0s', interval: '600ms', timeout: '580ms', slow: '570ms'};
    const instead = (command, env) => () => measureTool(command, size.runs, env);
    const sqlite = demoSettings().databases.default.dsn, {plain, tls} = postgres;
    return [
        ['sqlite', one(sqlite)], ['sqlite3', instead(['sqlite3', sqlite, 'SELECT 1'])],
        ['tls_kept', one(tls.dsn)], ['tls_login', one(tls.dsn, fresh)],
        ['tls_pg_isready', instead(postgres.isReady, tls.environment)], ['tls_psql', instead(postgres.psql, tls.environment)],
        ['kept', one(plain.dsn)], ['login', one(plain.dsn, fresh)],
        ['pg_isready', instead(postgres.isReady, plain.environment)], ['psql', instead(postgres.psql, plain.environment)],
        ...mariadb ? [['mysql_kept', one(mariadb.dsn)], ['mysql_login', one(mariadb.dsn, fresh)], ['mariadb_admin', instead(mariadb.ping)]] : [],
    ];
}

// -- many databases --

const many = (count, dsnOf) => Object.fromEntries(Array.from({length: count}, (_, i) => [`db${i}`, {dsn: dsnOf(i), role: 'plain'}]));

const copiesOf = (count) => {
    const directory = makeDirectory('copies'), first = demoSettings().databases.default.dsn;
    return (index) => {
        const file = `${directory}/${index % count}.sqlite3`;
        if (!fs.existsSync(file))
            fs.copyFileSync(first, file);
        return file;
    };
};

// So many databases: the time of the first round, counted from exec, in which all are looked at at once; memory; probes
// while the rounds that follow go on as they come, spread over the interval; and the processor time of such a round.
export async function measureMany(kind, count, postgres, size) {
    const dsnOf = kind === 'postgres' ? () => postgres.tls.dsn : copiesOf(count);
    const port = await freePort(), config = writeConfig({databases: many(count, dsnOf)});
    const begun = process.hrtime.bigint();
    const child = start(serveCommand(config, port), {log: 'many.log'});
    try {
        await until('every check has been run', () => answers200(port, '/health/started/'), 30_000, 5);
        const first_ms = Number(process.hrtime.bigint() - begun) / 1e6;
        await until('all is ready', () => answers200(port, '/health/ready/'), 60_000, 20);
        const sidecar = {port, pid: child.pid}, before = await countersOf(sidecar);
        const probes = await probeEvenly(port, 200, size.manySeconds);
        const after = await countersOf(sidecar);
        const busy_us = after.checker_us - before.checker_us + after.children_us - before.children_us;
        const memory = memoryOf(child.pid), runs = after.runs - before.runs;
        return {first_ms, round_cpu_ms: busy_us / 1e3 / runs * count, interval_s: (after.at - before.at) / 1e3 * count / runs, processes: treeOf(child.pid).length,
            pss: memory.pss, dirty: memory.private_dirty, ...probes};
    } finally {
        await stop(child);
    }
}

// -- while all databases hang --

// Clients that each send a byte of a request a second, and come back when they are thrown out; not all at one moment.
class SlowClients {
    constructor(port, count) {
        this.port = port;
        this.sockets = [];
        let next = 0, due = 0;
        const begun = Date.now();
        this.timer = setInterval(() => {
            for (due = (Date.now() - begun) * count / 1000; next < due; next++)
                this.drip(next % count);
        }, 5);
    }

    connect() {
        const socket = net.connect(this.port, '127.0.0.1');
        socket.setNoDelay(true).on('error', () => {}).resume();
        return socket;
    }

    drip(index) {
        const socket = this.sockets[index];
        this.sockets[index] = !socket || socket.destroyed || socket.readableEnded ? this.connect() : socket;
        this.sockets[index].write('G');
    }

    stop() {
        clearInterval(this.timer);
        for (const socket of this.sockets)
            socket.destroy();
    }
}

// Probes of several servers at once, so that what else the machine does meets them alike: while nobody else is there, and
// while 1,000 slow clients are connected to each.
async function probeBesideSlowClients(servers, size) {
    const probeAll = () => Promise.all(servers.map(({port}) => probeEvenly(port, 250, size.hangSeconds)));
    const undisturbed = await probeAll();
    const crowds = servers.map(({port}) => new SlowClients(port, 1000));
    await delay(1500);
    const disturbed = await probeAll();
    const connections = await Promise.all(servers.map(async ({port}) => Number(/^bugsink_health_http_connections (\d+)/m.exec((await get(port, '/metrics')).text)?.[1])));
    for (const crowd of crowds)
        crowd.stop();
    return servers.map((_, i) => ({p50: undisturbed[i].p50, p99: undisturbed[i].p99, max: undisturbed[i].max, slow_p50: disturbed[i].p50, slow_p99: disturbed[i].p99,
        slow_max: disturbed[i].max, failed: undisturbed[i].failed + disturbed[i].failed, ...connections[i] >= 0 && {connections: connections[i]}}));
}

// Ours while no database answers, and nginx, which has none.
export async function measureHang(nginx, hasMysql, size) {
    const silent = await SilentServer.start();
    const dsn = (scheme, name) => ({dsn: `${scheme}://bugsink:x@127.0.0.1:${silent.port}/${name}`});
    const ours = await startSidecar({databases: {default: dsn('postgresql', 'bugsink'), other: dsn('postgresql', 'other'), ...hasMysql && {mysql: dsn('mysql', 'bugsink')}}},
        '/health/self/');
    const theirs = await startPeer(nginx);
    try {
        await until('the first check has timed out', async () => (await get(ours.port, '/health/ready/')).text.includes('timeout'));
        const [first, second] = await probeBesideSlowClients([ours, theirs], size);
        return {ours: first, nginx: second};
    } finally {
        silent.stop();
        await Promise.all([ours.stop(), theirs.stop()]);
    }
}

export const measureFleet = () => runJson([tool('bench-fleet')]);
