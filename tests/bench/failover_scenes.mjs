// What befalls a database between its application and itself, each scene once: where the DSN leads, and what is done at which second.
import {delay, runTool, stop, until} from './machine.mjs';
import {NameServer} from './failover_dns.mjs';
import {Haproxy, PG_PORT, MY_PORT, POOL_PORT, PROXY_PORT, Pgbouncer, dropTo, filter, freeze, mariadbAt, mariadbDsn, postgresAt, postgresDsn, sqlOf, standbyOf, thaw}
    from './failover_servers.mjs';
import {galeraScenes} from './failover_galera.mjs';
import {ownerScenes} from './failover_owners.mjs';

const A = '127.0.1.1', B = '127.0.1.2', NOBODY = '127.0.1.9', NAME = 'db.test';
const FAULT_S = 30; // as long as most faults last
const TWO_HOSTS = `${A}:${PG_PORT},${B}:${PG_PORT}`;

const PATIENT_MS = 3500; // of a writer that needs two seconds for the first of two hosts, and more on a busy machine

// A fault from second 0 on, its end, and what remains to be seen then.
const during = (begin, end, lasts = FAULT_S, rest = 25) => ({acts: [[0, begin], [lasts, end]], seconds: lasts + rest});
const listeners = async () => { await runTool(['sh', '-c', 'echo 1 > /proc/sys/net/core/somaxconn']); }; // of this namespace alone

// -- two hosts, the first frozen --

const frozenFirst = (seconds, isDropped) => async () => {
    if (!isDropped)
        await listeners();
    const first = await postgresAt(A);
    await postgresAt(B);
    return {dsn: postgresDsn(TWO_HOSTS, `&connect_timeout=${seconds}`), ...seconds < 3 && {limitMs: PATIENT_MS},
        ...isDropped ? during(() => dropTo(A), () => filter()) : during(() => freeze(first.child), () => thaw(first.child))};
};

// -- names and kept connections --

const mariadbMoves = async ({dns}) => {
    const first = await mariadbAt(A);
    await mariadbAt(B);
    dns.names[NAME] = [A];
    return {dsn: mariadbDsn(NAME), acts: [[0, () => freeze(first.child)], [25, () => { dns.names[NAME] = [B]; }]], seconds: 60};
};

const startServer = {postgres: postgresAt, mariadb: mariadbAt};
const dsnOf = {postgres: (host) => postgresDsn(`${host}:${PG_PORT}`), mariadb: (host) => mariadbDsn(host)};

const nameBecomes = (kind, becomes) => async ({dns}) => {
    await startServer[kind](A);
    dns.names[NAME] = [A];
    return {dsn: dsnOf[kind](NAME), ...during(() => { dns.names[NAME] = becomes; }, () => { dns.names[NAME] = [A]; })};
};

const again = async (server) => { await stop(server.child); server.begin(); };

// Sessions that are open stay, and nobody is let in; it ends with the last of them, and is started again.
const smartShutdown = async () => {
    const server = await postgresAt(A);
    return {dsn: dsnOf.postgres(A), ...during(async () => {
        const from = performance.now(), ended = new Promise((done) => server.child.once('exit', done));
        server.child.kill('SIGTERM');
        await Promise.race([ended, delay(60_000)]);
        return `shut down after ${((performance.now() - from) / 1000).toFixed(1)} s`;
    }, () => again(server), FAULT_S, 20)};
};

const proxied = {postgres: () => postgresDsn(`127.0.0.1:${PROXY_PORT}`), mariadb: () => mariadbDsn('127.0.0.1', PROXY_PORT)};
const PORTS = {postgres: PG_PORT, mariadb: MY_PORT};

const proxyWithout = (kind) => async () => {
    await startServer[kind](A);
    const proxy = await Haproxy.start([{name: 'a', at: `${A}:${PORTS[kind]}`}]);
    return {dsn: proxied[kind](), ...during(() => proxy.set('a', 'maint'), () => proxy.set('a', 'ready'))};
};

const idleProxy = (kind) => async () => {
    await startServer[kind](A);
    await Haproxy.start([{name: 'a', at: `${A}:${PORTS[kind]}`}], '3s');
    return {dsn: proxied[kind](), acts: [], seconds: 50};
};

// -- PgBouncer --

const pooled = (settings, makeActs, options = {}) => async () => {
    const server = await postgresAt(A), pooler = await Pgbouncer.start(settings);
    return {dsn: postgresDsn(`127.0.0.1:${POOL_PORT}`), seconds: 60, acts: makeActs(pooler, server), ...options};
};
const paused = (pooler) => [
    [20, async () => { const from = performance.now(); await pooler.say('PAUSE'); return `paused after ${((performance.now() - from) / 1000).toFixed(1)} s`; }],
    [35, () => pooler.say('RESUME')]];
const now = (command) => (pooler) => [10, 20, 30].map((at) => [at, () => pooler.say(command)]);
const serverGone = (_, server) => [[5, () => stop(server.child)], [30, () => server.begin()]];
const SESSIONS = ['pool_mode = session'], TINY = [...SESSIONS, 'default_pool_size = 1'];

// -- blocked --

const held = (kind, sql) => async () => {
    const server = await startServer[kind](A);
    let holder;
    return {dsn: dsnOf[kind](A), told: 'blocked', ...during(() => { holder = sqlOf(server).hold(sql); }, () => stop(holder, 'SIGKILL'))};
};

// -- resolvers --

const silentResolver = (kind) => async ({dns, cover}) => {
    await startServer[kind](A);
    dns.names[NAME] = [A];
    const first = await NameServer.start('127.0.0.52', dns.names);
    cover('/etc/resolv.conf', 'nameserver 127.0.0.52\nnameserver 127.0.0.53\n');
    return {dsn: dsnOf[kind](NAME), limitMs: 8000, ...during(() => { first.isSilent = true; }, () => { first.isSilent = false; })};
};

// -- servers that end, and those that take over --

const ends = (kind, signal) => async () => {
    const server = await startServer[kind](A);
    return {dsn: dsnOf[kind](A), ...during(() => stop(server.child, signal), () => server.begin(), 20)};
};

// The primary ends, and its standby takes over 5 s later; by a switchover the first comes back as the standby's standby, which nobody is led to.
const takesOver = (dsn, signal, lead) => async ({dns}) => {
    const primary = await postgresAt(A), standby = await standbyOf(primary, B), led = lead ? await lead(dns) : undefined;
    return {dsn, acts: [[0, () => stop(primary.child, signal)], [5, async () => { await sqlOf(standby).run('SELECT pg_promote(true, 20)'); await led?.(); }]], seconds: 40};
};
const byName = (dns) => { dns.names[NAME] = [A]; return () => { dns.names[NAME] = [B]; }; };
const byProxy = async () => {
    const proxy = await Haproxy.start([{name: 'a', at: `${A}:${PG_PORT}`, words: 'on-marked-down shutdown-sessions'}, {name: 'b', at: `${B}:${PG_PORT}`}]);
    await proxy.set('b', 'maint');
    return () => proxy.set('b', 'ready');
};
const WAYS = [['two hosts', postgresDsn(TWO_HOSTS, '&target_session_attrs=read-write')], ['one name', dsnOf.postgres(NAME), byName], ['HAProxy', proxied.postgres(), byProxy]];

// The same of MariaDB, whose replica is a server of its own here; a frozen one's sessions are ended by the proxy, which gives it up.
const mariadbTakesOver = (befalls, lead) => async ({dns}) => {
    const first = await mariadbAt(A);
    await mariadbAt(B);
    const led = await lead(dns);
    return {dsn: led.dsn, acts: [[0, () => befalls(first.child)], [5, led.work]], seconds: 40};
};
const mariadbByName = (dns) => { dns.names[NAME] = [A]; return {dsn: mariadbDsn(NAME), work: () => { dns.names[NAME] = [B]; }}; };
const mariadbByProxy = async () => {
    const proxy = await Haproxy.start([{name: 'a', at: `${A}:${MY_PORT}`}, {name: 'b', at: `${B}:${MY_PORT}`}]);
    await proxy.set('b', 'maint');
    return {dsn: proxied.mariadb(), work: async () => { await proxy.set('a', 'maint'); await proxy.say('shutdown sessions server db/a'); await proxy.set('b', 'ready'); }};
};
const killed = (child) => stop(child, 'SIGKILL');

// One that leads nowhere, and one that serves; a name behind search domains.
const unreachable = (kind) => async ({dns}) => {
    await startServer[kind](A);
    await runTool(['ip', 'route', 'add', 'unreachable', '192.0.2.1/32']);
    dns.names[NAME] = ['192.0.2.1', A];
    return {dsn: dsnOf[kind](NAME), acts: [], seconds: 40};
};
const searched = (kind) => async ({dns, cover}) => {
    await startServer[kind](A);
    cover('/etc/resolv.conf', 'nameserver 127.0.0.53\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n');
    dns.names['db.ns.svc.cluster.local'] = [A];
    return {dsn: dsnOf[kind]('db'), ...during(() => { dns.names['db.ns.svc.cluster.local'] = 'NXDOMAIN'; }, () => { dns.names['db.ns.svc.cluster.local'] = [A]; }, 15)};
};

const MOVES = [['moved to where nobody is', 'nobody', [NOBODY]], ['no longer resolves (NXDOMAIN)', 'nxdomain', 'NXDOMAIN'], ['no longer resolves (SERVFAIL)', 'servfail', 'SERVFAIL']];
const KINDS = [['postgres', 'PostgreSQL'], ['mariadb', 'MariaDB']];
const forBoth = (make) => KINDS.flatMap(([kind, word]) => make(kind, word));
const scene = (id, name, prepare) => ({id, name, prepare});

export const SCENES = [
    scene('frozen-2', 'two hosts, the first frozen with a full listen queue, `connect_timeout=2`', frozenFirst(2, false)),
    scene('frozen-5', 'two hosts, the first frozen, `connect_timeout=5`, for which the writer has no time', frozenFirst(5, false)),
    scene('lost-2', 'two hosts, the first lost behind a filter, `connect_timeout=2`', frozenFirst(2, true)),
    scene('mariadb-moves', 'MariaDB frozen 25 s, the name moved to a promoted replica', mariadbMoves),
    ...forBoth((kind, word) => MOVES.map(([what, id, becomes]) => scene(`${kind}-${id}`, `${word}: the name ${what}`, nameBecomes(kind, becomes)))),
    scene('smart', 'PostgreSQL: smart shutdown', smartShutdown),
    ...forBoth((kind, word) => [scene(`${kind}-proxy`, `${word}: HAProxy has no server for new logins`, proxyWithout(kind))]),
    scene('pool-of-one', 'PgBouncer, session pooling, a pool of one; PAUSE for 15 s', pooled(TINY, paused)),
    ...galeraScenes,
    scene('ftwrl', '`FLUSH TABLES WITH READ LOCK`, 30 s', held('mariadb', 'FLUSH TABLES WITH READ LOCK;')),
    scene('block-commit', '`BACKUP STAGE BLOCK_COMMIT`, 30 s',
        held('mariadb', 'BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT;')),
    ...ownerScenes,
    ...forBoth((kind, word) => [scene(`${kind}-resolver`, `${word}: the first of two resolvers is silent`, silentResolver(kind))]),
    ...forBoth((kind, word) => [scene(`${kind}-killed`, `${word}: killed, started again after 20 s`, ends(kind, kind === 'postgres' ? 'SIGQUIT' : 'SIGKILL')),
        scene(`${kind}-stopped`, `${word}: fast stop, started again after 20 s`, ends(kind, kind === 'postgres' ? 'SIGINT' : 'SIGTERM'))]),
    ...WAYS.flatMap(([way, dsn, lead]) => [
        scene(`promote-${way.replace(' ', '-')}`, `PostgreSQL: killed, the standby promoted; ${way}`, takesOver(dsn, 'SIGQUIT', lead)),
        scene(`switch-${way.replace(' ', '-')}`, `PostgreSQL: switchover; ${way}`, takesOver(dsn, 'SIGINT', lead))]),
    scene('mariadb-promote-name', 'MariaDB: killed, a replica promoted; one name', mariadbTakesOver(killed, mariadbByName)),
    scene('mariadb-promote-HAProxy', 'MariaDB: killed, a replica promoted; HAProxy', mariadbTakesOver(killed, mariadbByProxy)),
    scene('mariadb-frozen-HAProxy', 'MariaDB: frozen, a replica promoted; HAProxy, which ends its sessions', mariadbTakesOver(freeze, mariadbByProxy)),
    ...forBoth((kind, word) => [scene(`${kind}-idle`, `${word}: HAProxy with an idle timeout of 3 s`, idleProxy(kind))]),
    scene('pool-reload', 'PgBouncer: RELOAD', pooled(SESSIONS, now('RELOAD'))),
    scene('pool-reconnect', 'PgBouncer: RECONNECT', pooled(SESSIONS, now('RECONNECT'))),
    scene('pool-reserve', 'PgBouncer: reserve pool', pooled([...TINY, 'reserve_pool_size = 1', 'reserve_pool_timeout = 1'], () => [])),
    scene('pool-lifetime', 'PgBouncer: server_lifetime=2', pooled([...SESSIONS, 'server_lifetime = 2'], () => [])),
    scene('pool-idle', 'PgBouncer: client_idle_timeout=3', pooled([...SESSIONS, 'client_idle_timeout = 3'], () => [])),
    scene('pool-transaction', 'PgBouncer: transaction pooling, a pool of one', pooled(['pool_mode = transaction', 'default_pool_size = 1'], () => [])),
    scene('pool-gone', 'PgBouncer: the server behind it is gone for 25 s', pooled(SESSIONS, serverGone)),
    ...forBoth((kind, word) => [scene(`${kind}-unreachable`, `${word}: the first of two addresses is unreachable`, unreachable(kind)),
        scene(`${kind}-search`, `${word}: a name behind search domains, which is gone for 15 s`, searched(kind))]),
];
