// What it costs to idle: this program with one kind of check and with all, beside the same looks in a loop, another build, and its peers.
import {BASE, delay, freePort, get, ownTreeUs, start, tool, treeUs, treeWakeups, until, answers200} from './machine.mjs';
import {demoSettings, serveCommand, writeConfig} from './peers.mjs';

const SETTLED_S = 8; // its own start is over, and each check has been run

// Each: its name in the tables, and its part of a configuration.
export async function listKinds({postgres, mariadb}) {
    const appPort = await freePort();
    start([tool('raw-server'), String(appPort)]); // in Bugsink's place
    await until('the stand-in for Bugsink answers', () => answers200(appPort, '/health/ready'));
    const {databases, settings} = demoSettings(), app = {url: `http://127.0.0.1:${appPort}`};
    const one = (dsn) => ({databases: {default: {dsn}}});
    return [
        {id: 'all', name: 'two SQLite files, settings, Bugsink', settings: {databases, settings, app}},
        {id: 'sqlite', name: 'two SQLite files', settings: {databases}},
        {id: 'settings', name: 'settings', settings: {databases: {}, settings}},
        {id: 'app', name: 'Bugsink', settings: {databases: {}, app}},
        {id: 'postgres', name: 'PostgreSQL, TLS', settings: one(postgres.tls.dsn)},
        ...mariadb ? [{id: 'mysql', name: 'MariaDB', settings: one(mariadb.dsn)}] : [],
    ];
}

// Who idles with a kind of check: ours, the loops, the other build where there is one.
function listIdlers({id, settings}) {
    const config = writeConfig(settings), loop = [tool('bench-loop'), config];
    const serve = (program) => ({path: '/health/ready/', command: (port) => serveCommand(config, port, program)});
    return [
        {id: `${id} ours`, ...serve()},
        {id: `${id} loop`, command: () => loop},
        ...'databases' in settings && settings.databases.default?.dsn.startsWith('/') ? [{id: `${id} bare`, command: () => [...loop, '--bare']}] : [],
        ...BASE ? [{id: `${id} base`, ...serve(BASE), isBase: true}] : [],
    ];
}

async function begin(idler) {
    const port = await freePort();
    const child = start(idler.command(port), {env: {PYTHONDONTWRITEBYTECODE: '1', ...idler.env}, log: `idle-${idler.id.replace(' ', '-')}.log`});
    if (idler.path)
        await until(`${idler.name ?? idler.id} answers`, () => answers200(port, idler.awaited ?? idler.path));
    return {idler, child, port};
}

// An older build's checks may each end with a process, whose time /proc has in ticks alone.
async function childrenUs(port) {
    return 1e6 * Number(/^bugsink_health_children_cpu_seconds_total (\S+)$/m.exec((await get(port, '/metrics')).text)[1]);
}

const measure = async ({idler, child: {pid}, port}) => ({at: performance.now(), wakeups: treeWakeups(pid),
    us: idler.isBase ? ownTreeUs(pid) + await childrenUs(port) : treeUs(pid)});

function difference(before, after) {
    const seconds = (after.at - before.at) / 1e3;
    return {cpu_ms_per_minute: (after.us - before.us) / 1e3 * 60 / seconds, wakeups_per_s: (after.wakeups - before.wakeups) / seconds};
}

// All at once, side by side, for they idle; so many stretches of so many seconds, one after the other.
export async function measureIdle(peers, kinds, stretches, seconds, note, say) {
    const started = [];
    for (const idler of [...peers, ...kinds.flatMap(listIdlers)])
        await note(`${idler.id} idles`, idler.id, async () => { started.push(await begin(idler)); return []; });
    await delay(SETTLED_S * 1000);
    for (let stretch = 1; stretch <= stretches; stretch++) {
        say(`idle, stretch ${stretch} of ${stretches}, ${seconds} s`);
        const before = await Promise.all(started.map(measure));
        await delay(seconds * 1000);
        for (const [i, one] of started.entries())
            await note(`${one.idler.id} idles`, one.idler.id, async () => {
                if (one.child.exitCode !== null || one.child.signalCode !== null)
                    throw new Error('it has ended');
                return difference(before[i], await measure(one));
            });
    }
    for (const {child} of started)
        child.kill('SIGINT');
}
