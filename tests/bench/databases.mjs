// The databases that are looked at: PostgreSQL and MariaDB in a directory of their own, SQLite files, and servers that say nothing.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {ROOT, freePort, isRoot, makeDirectory, newest, runNow, runTool, asUser, start, until} from './machine.mjs';

const CONNECTIONS_MAX = 300;
export const PASSWORD = 'bench';

// What our stand-in for Bugsink looks up when it is asked what only its database can answer (peers/bugsink.py).
export const APP_TABLES = `
CREATE TABLE bsmain_authtoken (id integer PRIMARY KEY, token varchar(40));
CREATE TABLE projects_project (id integer PRIMARY KEY, sentry_key varchar(32));
`;

// What Bugsink's migrations leave, as far as it is asked for.
const TABLES = (time, key) => `
CREATE TABLE django_migrations (id ${key} PRIMARY KEY, app varchar(255), name varchar(255), applied ${time});
INSERT INTO django_migrations VALUES (1, 'phonehome', '0001_b_squashed_initial', CURRENT_TIMESTAMP);
CREATE TABLE phonehome_installation (id char(32) PRIMARY KEY, created_at ${time}, email_quota_usage text, next_quota_check integer NOT NULL DEFAULT 0,
    quota_exceeded_until ${time}, quota_exceeded_reason varchar(255) NOT NULL DEFAULT 'null');
INSERT INTO phonehome_installation (id, created_at) VALUES ('5f0c3c1f8a5e4b0c9d7e6a1b2c3d4e5f', CURRENT_TIMESTAMP);
${APP_TABLES}`;

const own = (directory, user) => isRoot && runNow(['chown', `${user}:${user}`, directory]);
const as = (user, command) => [...asUser(user), ...command];

// Of a certificate authority of its own, which is the certificate itself.
function makeCertificate(directory, user) {
    const file = (name) => path.join(directory, name);
    runNow(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost',
        '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('server.key'), '-out', file('server.crt')]);
    fs.chmodSync(file('server.key'), 0o600);
    fs.chmodSync(file('server.crt'), 0o644);
    own(file('server.key'), user);
    return {key: file('server.key'), certificate: file('server.crt')};
}

// A server with the database bugsink of the superuser bugsink.
export class Postgres {
    // At an address of loopback, and a port: a free one, unless it is named; with settings beyond ours.
    static async start(name = 'postgres', connections = CONNECTIONS_MAX, {address = '127.0.0.1', port, settings = []} = {}) {
        const server = new Postgres();
        const programs = newest('usr', 'lib', 'postgresql', '*', 'bin'), program = (one) => path.join(programs, one);
        const root = makeDirectory(name), data = path.join(root, 'data'), password = path.join(root, 'password');
        own(root, 'postgres');
        fs.writeFileSync(password, `${PASSWORD}\n`, {mode: 0o644});
        await runTool(as('postgres', [program('initdb'), '-D', data, '-U', 'bugsink', '-A', 'scram-sha-256', '--no-sync', '-E', 'UTF8', '--locale=C', `--pwfile=${password}`]),
            {cwd: root});
        const {key, certificate} = makeCertificate(root, 'postgres');
        server.port = port ?? await freePort();
        server.name = name;
        server.root = root;
        server.data = data;
        server.command = [program('postgres'), '-D', data, '-p', String(server.port), '-k', root, '-c', `listen_addresses=${address}`, '-c', `max_connections=${connections}`,
            '-c', 'fsync=off', '-c', 'shared_buffers=32MB', '-c', 'ssl=on', '-c', `ssl_key_file=${key}`, '-c', `ssl_cert_file=${certificate}`, ...settings.flatMap((one) => ['-c', one])];
        const environment = {...process.env, PGHOST: address, PGPORT: String(server.port), PGUSER: 'bugsink', PGPASSWORD: PASSWORD, PGDATABASE: 'bugsink'};
        const base = `postgresql://bugsink:${PASSWORD}@${address}:${server.port}/bugsink`;
        server.plain = {dsn: `${base}?sslmode=disable`, environment: {...environment, PGSSLMODE: 'disable'}};
        server.tls = {dsn: `${base}?sslmode=verify-full&sslrootcert=${certificate}`, environment: {...environment, PGSSLMODE: 'verify-full', PGSSLROOTCERT: certificate}};
        server.certificate = certificate;
        // Debian's own pg_isready and psql are scripts in Perl, which would make our peers look slower than they are.
        server.isReady = [program('pg_isready'), '-q'];
        server.psql = [program('psql'), '-X', '-q', '-A', '-t', '-c', 'SELECT 1'];
        server.interactive = [program('psql'), '-X', '-q', '-v', 'ON_ERROR_STOP=1'];
        server.begin();
        await until('PostgreSQL answers', () => server.admin('CREATE DATABASE bugsink', 'postgres'), 60_000, 200);
        server.admin(TABLES('timestamptz', 'bigint'));
        return server;
    }

    begin() { this.child = start(this.command, {user: 'postgres', cwd: this.root, log: `${this.name}.log`}); }

    admin(sql, database = 'bugsink') {
        runNow([...this.interactive, '-d', database], {env: this.plain.environment, input: sql, timeout: 10_000});
        return true;
    }
}

export class Mariadb {
    static async start(name = 'mariadb', {address = '127.0.0.1', port, settings = []} = {}) {
        const server = new Mariadb();
        const root = makeDirectory(name), data = path.join(root, 'data'), small = ['--innodb-buffer-pool-size=8M', '--innodb-log-file-size=4M'];
        own(root, 'mysql');
        await runTool(as('mysql', ['mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve',
            ...small]), {cwd: root});
        server.port = port ?? await freePort();
        server.name = name;
        server.root = root;
        server.socket = path.join(root, 'socket');
        server.command = ['mariadbd', '--no-defaults', `--datadir=${data}`, `--socket=${server.socket}`, `--pid-file=${root}/pid`, `--port=${server.port}`, `--bind-address=${address}`,
            ...small, ...settings];
        server.begin();
        await until('MariaDB answers', () => server.isUp(), 60_000, 200);
        server.admin(`CREATE USER bugsink@'%' IDENTIFIED BY '${PASSWORD}'; CREATE DATABASE bugsink;
            GRANT ALL ON bugsink.* TO bugsink@'%'; USE bugsink; ${TABLES('datetime(6)', 'bigint')}`);
        server.dsn = `mysql://bugsink:${PASSWORD}@${address}:${server.port}/bugsink`;
        server.ping = ['mariadb-admin', '--no-defaults', '-h', address, '-P', String(server.port), '-u', 'bugsink', `-p${PASSWORD}`, '-s', 'ping'];
        return server;
    }

    begin() { this.child = start(this.command, {user: 'mysql', cwd: this.root, log: `${this.name}.log`}); }

    isUp() {
        runNow(['mariadb-admin', '--no-defaults', `--socket=${this.socket}`, '-u', 'root', 'ping'], {timeout: 10_000});
        return true;
    }

    admin(sql) {
        runNow(['mariadb', '--no-defaults', `--socket=${this.socket}`, '-u', 'root'], {input: sql, timeout: 10_000});
        return true;
    }
}

export const sqliteFile = (directory, name, sql, more = '') => {
    const file = path.join(directory, name);
    runNow(['sqlite3', file], {input: fs.readFileSync(path.join(ROOT, 'config/demo', sql), 'utf8') + more});
    return file;
};

// Accepts connections, and says nothing.
export class SilentServer {
    static async start() {
        const one = new SilentServer();
        one.sockets = new Set();
        one.server = net.createServer((socket) => {
            one.sockets.add(socket);
            socket.on('error', () => {}).on('close', () => one.sockets.delete(socket)).resume();
        });
        one.port = await freePort();
        await new Promise((done) => one.server.listen(one.port, '127.0.0.1', done));
        return one;
    }

    stop() {
        this.server.close();
        for (const socket of this.sockets)
            socket.destroy();
    }
}
