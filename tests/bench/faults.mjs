// The places in which faults are made, each with a server, Bugsink's stand-in and a sidecar of its own, and the faults.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import {ROOT, asUser, freePort, isRoot, makeDirectory, runNow, start, stop, treeOf, until, answers200} from './machine.mjs';
import {APP_TABLES, Mariadb, PASSWORD, Postgres, sqliteFile} from './databases.mjs';
import {serveCommand, writeConfig} from './peers.mjs';

const USER = 'www-data'; // where we are root: whom a file's mode may stop
const USED_CONNECTIONS = 24;
const here = path.join(ROOT, 'tests/bench/peers');

const startApp = async (name, databases) => {
    const port = await freePort();
    const child = start(['/usr/bin/python3', '/usr/bin/gunicorn', '--workers=2', '--timeout=0', `--bind=127.0.0.1:${port}`, '--log-level=error', '--no-sendfile', '--chdir', here,
        'bugsink:application'], {user: USER, log: `${name}-app.log`, env: {BENCH_DATABASES: JSON.stringify(databases), PYTHONDONTWRITEBYTECODE: '1'}});
    await until(`the app of ${name} answers`, () => answers200(port, '/check/'));
    return {port, child};
};

// The sidecar at its standard settings.
async function startBoth(name, databases, dsns) {
    const app = await startApp(name, databases), port = await freePort();
    const config = writeConfig({databases: dsns, app: {url: `http://127.0.0.1:${app.port}`}});
    const sidecar = start(serveCommand(config, port), {user: USER, log: `${name}-sidecar.log`});
    await until(`the sidecar of ${name} is ready`, () => answers200(port, '/health/ready/'));
    return {name, app, port, stop: () => Promise.all([stop(app.child), stop(sidecar)])};
}

// -- SQLite --

async function startSqlite(name) {
    const directory = makeDirectory(name), file = sqliteFile(directory, 'db.sqlite3', 'default.sql', APP_TABLES), queue = sqliteFile(directory, 'snappea.sqlite3', 'snappea.sql');
    if (isRoot)
        runNow(['chown', '-R', `${USER}:${USER}`, directory]);
    const database = (one) => ({ENGINE: 'django.db.backends.sqlite3', NAME: one});
    return {...await startBoth(name, {default: database(file), snappea: database(queue)}, {default: {dsn: file}, snappea: {dsn: queue}}), file, queue};
}

const unreadable = ({file}) => ({
    name: 'SQLite: the file may not be read', begin: () => fs.chmodSync(file, 0o000), end: () => fs.chmodSync(file, 0o644),
});

// Django makes a new, empty one.
const gone = ({file}) => ({
    name: 'SQLite: the file is gone',
    begin: () => fs.renameSync(file, `${file}.away`),
    end: () => {
        for (const one of [`${file}-wal`, `${file}-shm`])
            fs.rmSync(one, {force: true});
        fs.renameSync(`${file}.away`, file);
    },
});

function corrupt({file}) {
    const page = Buffer.alloc(4096);
    const write = (bytes) => {
        const fd = fs.openSync(file, 'r+');
        fs.writeSync(fd, bytes, 0, bytes.length, 0);
        fs.closeSync(fd);
    };
    return {
        name: 'SQLite: the first page is garbage',
        begin: () => {
            const fd = fs.openSync(file, 'r');
            fs.readSync(fd, page, 0, page.length, 0);
            fs.closeSync(fd);
            write(Buffer.alloc(page.length, 0x5a));
        },
        end: () => write(page),
    };
}

function locked({file}) {
    let writer;
    return {
        name: 'SQLite: one writer holds the write lock',
        begin: async () => {
            const [first, ...rest] = [...asUser(USER), 'sqlite3', file];
            writer = spawn(first, rest, {stdio: ['pipe', 'pipe', 'inherit']});
            const isHeld = new Promise((done) => writer.stdout.once('data', done));
            writer.stdin.write("PRAGMA busy_timeout = 3000; BEGIN IMMEDIATE; SELECT 'held';\n");
            await isHeld;
        },
        end: async () => {
            const ended = once(writer, 'exit');
            writer.stdin.end('ROLLBACK;\n');
            await ended;
        },
    };
}

// -- servers --

const ROLE = 'app';

async function startPostgres(name) {
    const server = await Postgres.start(name, USED_CONNECTIONS);
    server.admin(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'; GRANT ALL ON SCHEMA public TO ${ROLE}; GRANT ALL ON ALL TABLES IN SCHEMA public TO ${ROLE};`);
    server.roleDsn = server.tls.dsn.replace('//bugsink:', `//${ROLE}:`);
    const both = await startBoth(name, {default: {ENGINE: 'django.db.backends.postgresql', NAME: 'bugsink', USER: ROLE, PASSWORD, HOST: '127.0.0.1', PORT: String(server.port)}},
        {default: {dsn: server.roleDsn}});
    return {...both, server, ping: [[...server.isReady, '-t', '3'], server.tls.environment]};
}

// When it answers again, which is when the fault is over: what others take to see that counts from here.
async function restart(server, isUp) {
    let at;
    server.begin();
    await until('the server answers again', () => { at = performance.now(); return isUp(); }, 60_000, 50);
    return at;
}

const postgresStopped = ({server}) => ({
    name: 'PostgreSQL: stopped', begin: () => stop(server.child, 'SIGINT'), end: () => restart(server, () => server.admin('SELECT')),
});
const noLogin = ({server}) => ({
    name: 'PostgreSQL: NOLOGIN', begin: () => server.admin(`ALTER ROLE ${ROLE} NOLOGIN`), end: () => { server.admin(`ALTER ROLE ${ROLE} LOGIN`); },
});
const readOnly = ({server}) => ({
    name: 'PostgreSQL: read-only by ALTER DATABASE',
    begin: () => server.admin('ALTER DATABASE bugsink SET default_transaction_read_only = on', 'postgres'),
    end: () => { server.admin('ALTER DATABASE bugsink RESET default_transaction_read_only', 'postgres'); },
});

function full({server}) {
    let crowd;
    return {
        name: 'PostgreSQL: no connection is free',
        begin: async () => {
            crowd = start(['/usr/bin/python3', path.join(here, 'crowd.py'), server.roleDsn], {stdout: 'pipe', log: 'crowd.log'});
            await new Promise((done) => crowd.stdout.once('data', done));
            crowd.stdout.resume();
        },
        end: () => stop(crowd, 'SIGTERM'),
    };
}

async function startMariadb(name) {
    const server = await Mariadb.start(name);
    const both = await startBoth(name, {default: {ENGINE: 'django.db.backends.mysql', NAME: 'bugsink', USER: 'bugsink', PASSWORD, HOST: '127.0.0.1', PORT: String(server.port)}},
        {default: {dsn: server.dsn}});
    return {...both, server, ping: [server.ping, process.env]};
}

const mariadbStopped = ({server}) => ({
    name: 'MariaDB: stopped', begin: () => stop(server.child, 'SIGTERM'), end: () => restart(server, () => server.isUp()),
});
const setPassword = (server, password) => { server.admin(`ALTER USER bugsink@'%' IDENTIFIED BY '${password}'`); };
const passwordChanged = ({server}) => ({
    name: 'MariaDB: the password is changed', begin: () => setPassword(server, 'another'), end: () => setPassword(server, PASSWORD),
});

// -- Bugsink itself --

const signalApp = (app, signal) => treeOf(app.child.pid).forEach((pid) => process.kill(pid, signal));
const appStopped = ({app}) => ({
    name: 'Bugsink: stopped (SIGSTOP)', isDead: true, begin: () => signalApp(app, 'SIGSTOP'), end: () => signalApp(app, 'SIGCONT'),
});
const rename = (file, from, to) => { runNow([...asUser(USER), 'sqlite3', file], {input: `PRAGMA busy_timeout = 3000; ALTER TABLE ${from} RENAME TO ${to};`}); };
const appFails = ({file}) => ({
    name: 'Bugsink: 500 where it needs a table', begin: () => rename(file, 'bsmain_authtoken', 'away'), end: () => rename(file, 'away', 'bsmain_authtoken'),
});

// -- all --

// Each place has its faults in turn, all places at once.
export const listPlaces = (hasMysql) => [
    {start: () => startSqlite('sqlite-a'), faults: [unreadable, gone]},
    {start: () => startSqlite('sqlite-b'), faults: [corrupt, locked]},
    {start: () => startSqlite('app'), faults: [appStopped, appFails]},
    {start: () => startPostgres('postgres-a'), faults: [postgresStopped, noLogin]},
    {start: () => startPostgres('postgres-b'), faults: [readOnly, full]},
    ...hasMysql ? [{start: () => startMariadb('mariadb-a'), faults: [mariadbStopped, passwordChanged]}] : [],
];
