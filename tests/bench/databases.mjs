// The databases that are looked at: PostgreSQL and MariaDB in a directory of their own, SQLite files, and servers that say nothing.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {ROOT, freePort, isRoot, makeDirectory, newest, runNow, runTool, asUser, start, until} from './machine.mjs';

export const CONNECTIONS_MAX = 700;
const PASSWORD = 'bench';

// What Bugsink's migrations leave, as far as it is asked for.
const TABLES = (time, key) => `
CREATE TABLE django_migrations (id ${key} PRIMARY KEY, app varchar(255), name varchar(255), applied ${time});
INSERT INTO django_migrations VALUES (1, 'phonehome', '0001_b_squashed_initial', CURRENT_TIMESTAMP);
CREATE TABLE phonehome_installation (id char(32) PRIMARY KEY, created_at ${time}, email_quota_usage text, next_quota_check integer NOT NULL DEFAULT 0,
    quota_exceeded_until ${time}, quota_exceeded_reason varchar(255) NOT NULL DEFAULT 'null');
INSERT INTO phonehome_installation (id, created_at) VALUES ('5f0c3c1f8a5e4b0c9d7e6a1b2c3d4e5f', CURRENT_TIMESTAMP);
`;

const own = (directory, user) => isRoot && runNow(['chown', `${user}:${user}`, directory]);
const as = (user, command) => [...asUser(user), ...command];

export class Postgres {
    static async start() {
        const server = new Postgres();
        const programs = newest('usr', 'lib', 'postgresql', '*', 'bin');
        const root = makeDirectory('postgres'), data = path.join(root, 'data');
        own(root, 'postgres');
        fs.writeFileSync(path.join(root, '..', 'postgres.password'), `${PASSWORD}\n`, {mode: 0o644});
        await runTool(as('postgres', [path.join(programs, 'initdb'), '-D', data, '-U', 'bugsink', '-A', 'scram-sha-256', '--no-sync', '-E', 'UTF8', '--locale=C',
            `--pwfile=${path.join(root, '..', 'postgres.password')}`]), {cwd: root});
        server.port = await freePort();
        server.directory = root;
        server.child = start([path.join(programs, 'postgres'), '-D', data, '-p', String(server.port), '-k', root, '-c', 'listen_addresses=127.0.0.1',
            '-c', `max_connections=${CONNECTIONS_MAX}`, '-c', 'fsync=off', '-c', 'shared_buffers=32MB'], {user: 'postgres', cwd: root, log: 'postgres.log'});
        server.dsn = `postgresql://bugsink:${PASSWORD}@127.0.0.1:${server.port}/bugsink`;
        server.environment = {...process.env, PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'bugsink', PGPASSWORD: PASSWORD, PGDATABASE: 'bugsink'};
        await until('PostgreSQL answers', () => runNow([path.join(programs, 'psql'), '-d', 'postgres', '-c', 'CREATE DATABASE bugsink'], {env: server.environment}), 60_000, 200);
        runNow([path.join(programs, 'psql'), '-q'], {env: server.environment, input: TABLES('timestamptz', 'bigint')});
        // Debian's own pg_isready and psql are scripts in Perl, which would make our peers look slower than they are.
        server.isReady = [path.join(programs, 'pg_isready'), '-q'];
        server.psql = [path.join(programs, 'psql'), '-X', '-q', '-A', '-t', '-c', 'SELECT 1'];
        return server;
    }
}

export class Mariadb {
    static async start() {
        const server = new Mariadb();
        const root = makeDirectory('mariadb'), data = path.join(root, 'data'), small = ['--innodb-buffer-pool-size=8M', '--innodb-log-file-size=4M'];
        own(root, 'mysql');
        await runTool(as('mysql', ['mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve',
            ...small]), {cwd: root});
        server.port = await freePort();
        const socket = path.join(root, 'socket');
        server.child = start(['mariadbd', '--no-defaults', `--datadir=${data}`, `--socket=${socket}`, `--pid-file=${root}/pid`, `--port=${server.port}`, '--bind-address=127.0.0.1', ...small],
            {user: 'mysql', cwd: root, log: 'mariadb.log'});
        await until('MariaDB answers', () => runNow(['mariadb-admin', '--no-defaults', `--socket=${socket}`, '-u', 'root', 'ping']), 60_000, 200);
        runNow(['mariadb', '--no-defaults', `--socket=${socket}`, '-u', 'root'], {input: `CREATE USER bugsink@'%' IDENTIFIED BY '${PASSWORD}'; CREATE DATABASE bugsink;
            GRANT ALL ON bugsink.* TO bugsink@'%'; USE bugsink; ${TABLES('datetime(6)', 'bigint')}`});
        server.dsn = `mysql://bugsink:${PASSWORD}@127.0.0.1:${server.port}/bugsink`;
        server.ping = ['mariadb-admin', '--no-defaults', '-h', '127.0.0.1', '-P', String(server.port), '-u', 'bugsink', `-p${PASSWORD}`, '-s', 'ping'];
        return server;
    }
}

export const sqliteFile = (directory, name, sql) => {
    const file = path.join(directory, name);
    runNow(['sqlite3', file], {input: fs.readFileSync(path.join(ROOT, 'config/demo', sql))});
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
