// Who is compared: this program and its peers, each as a command that serves one port, and the path that is asked.
import fs from 'node:fs';
import path from 'node:path';
import {BUILD, PROGRAM, ROOT, freePort, makeDirectory, newest, runTool, start, stop, tool, until, answers200} from './machine.mjs';
import {sqliteFile} from './databases.mjs';

const here = path.join(ROOT, 'tests/bench/peers');
const unpacked = (name) => path.join(BUILD, 'bench/debian', name);

// -- this program --

let configurations = 0;

// A configuration file; what is not named has its default.
export function writeConfig(settings) {
    const file = path.join(makeDirectory('configurations'), `${configurations++}.json`);
    fs.writeFileSync(file, JSON.stringify({directories: {}, ...settings}));
    return file;
}

export const serveCommand = (config, port, program = PROGRAM) => [program, 'serve', '--config', config, '--listen', `127.0.0.1:${port}`];

// Starts it and waits until every check has been run; `self` is enough where they never end.
export async function startSidecar(settings, awaited = '/health/started/') {
    const port = await freePort();
    const child = start(serveCommand(writeConfig(settings), port), {log: 'sidecar.log'});
    await until(`the sidecar answers at ${awaited}`, () => answers200(port, awaited));
    return {port, child, pid: child.pid, stop: () => stop(child)};
}

// Two SQLite files and settings, as Bugsink has them.
export function demoSettings() {
    const directory = makeDirectory('demo');
    const file = (name, sql) => fs.existsSync(path.join(directory, name)) ? path.join(directory, name) : sqliteFile(directory, name, sql);
    fs.copyFileSync(path.join(ROOT, 'config/demo/bugsink_conf.py'), path.join(directory, 'bugsink_conf.py'));
    return {databases: {default: {dsn: file('db.sqlite3', 'default.sql')}, snappea: {dsn: file('snappea.sqlite3', 'snappea.sql')}},
        settings: {path: path.join(directory, 'bugsink_conf.py')}};
}

export function postgresSettings(postgres) {
    const demo = demoSettings();
    return {...demo, databases: {...demo.databases, default: {dsn: postgres.tls.dsn}}};
}

// -- the peers --

function nginxCommand(port) {
    const directory = makeDirectory('nginx'), file = path.join(directory, `${port}.conf`);
    fs.writeFileSync(file, `daemon off; worker_processes 1; pid ${directory}/${port}.pid; error_log ${directory}/error.log;
events { worker_connections 2048; }
http { access_log off; default_type text/plain; keepalive_requests 1000000000;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
server { listen 127.0.0.1:${port}; location = /health/live/ { return 200 "OK\\n"; } } }\n`);
    return [unpacked('usr/sbin/nginx'), '-e', `${directory}/error.log`, '-p', directory, '-c', file];
}

function blackboxCommand(port) {
    const file = path.join(makeDirectory('blackbox'), 'blackbox.yml');
    fs.writeFileSync(file, 'modules:\n  tcp_connect:\n    prober: tcp\n');
    return [unpacked('usr/bin/prometheus-blackbox-exporter'), `--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'];
}

export async function buildGo() {
    const program = path.join(work(), 'go-server');
    await runTool(['go', 'build', '-o', program, path.join(here, 'server.go')],
        {env: {...process.env, GOCACHE: path.join(BUILD, 'bench/go-cache'), GO111MODULE: 'off', GOFLAGS: ''}, timeout: 300_000});
    return program;
}
const work = () => makeDirectory('go');

function gunicornCommand(port) {
    return ['/usr/bin/python3', '/usr/bin/gunicorn', '--workers=1', `--bind=127.0.0.1:${port}`, '--log-level=error', '--keep-alive=60', '--no-sendfile', '--chdir', here, 'app:application'];
}

// Each: its name in the tables, its command for a port, the path asked; probes: how many requests are enough for a round;
// isKept: false where a connection takes one request only.
export async function listPeers(postgres) {
    const goServer = await buildGo(), live = '/health/live/';
    const demo = writeConfig(demoSettings()), withPostgres = writeConfig(postgresSettings(postgres));
    const ours = {isOurs: true, awaited: '/health/ready/', path: live};
    return [
        {id: 'live', name: 'bugsink-health, `/health/live/`', command: (port) => serveCommand(demo, port), ...ours},
        {id: 'ready', name: 'bugsink-health, `/health/ready/`', command: (port) => serveCommand(demo, port), ...ours, path: '/health/ready/'},
        {id: 'postgres', name: 'bugsink-health with PostgreSQL', command: (port) => serveCommand(withPostgres, port), ...ours, path: '/health/ready/'},
        {id: 'raw', name: 'raw server on libevent', command: (port) => [tool('raw-server'), String(port)], path: live, isKept: false},
        {id: 'nginx', name: 'nginx, `return 200`', command: nginxCommand, path: live},
        {id: 'go', name: 'Go net/http', command: (port) => [goServer, String(port)], path: live},
        {id: 'blackbox', name: 'blackbox_exporter, `/-/healthy`', command: blackboxCommand, path: '/-/healthy'},
        {id: 'node', name: 'Node http', command: (port) => [process.execPath, path.join(here, 'server.mjs'), String(port)], path: live},
        {id: 'django', name: 'in the app: Django, gunicorn, SQLite', command: gunicornCommand, path: live, probes: 150, isKept: false, isSlow: true,
            env: {BENCH_SQLITE: demoSettings().databases.default.dsn}},
        {id: 'django_postgres', name: 'in the app: Django, gunicorn, PostgreSQL', command: gunicornCommand, path: live, probes: 100, isKept: false, isSlow: true,
            env: {BENCH_POSTGRES_PORT: String(postgres.port)}},
    ];
}

export async function startPeer(peer) {
    const port = await freePort();
    const child = start(peer.command(port), {env: {PYTHONDONTWRITEBYTECODE: '1', ...peer.env}, log: `${peer.id}.log`});
    await until(`${peer.name} answers`, () => answers200(port, peer.awaited ?? peer.path));
    return {port, child, pid: child.pid, stop: () => stop(child)};
}

export const versions = () => ({
    nginx: /nginx\/([\d.]+)/.exec(fs.readFileSync(unpacked('usr/sbin/nginx'), 'latin1'))?.[1],
    postgresql: newest('usr', 'lib', 'postgresql', '*')?.split('/').at(-1),
    node: process.versions.node,
});
