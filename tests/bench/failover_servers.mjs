// What stands between an application and its database, and what befalls them: a pooler, a proxy, frozen and lost servers. All in a network namespace.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {asUser, isRoot, makeDirectory, newest, runNow, runTool, start, treeOf, until} from './machine.mjs';
import {Mariadb, PASSWORD, Postgres} from './databases.mjs';

export const PG_PORT = 5432, MY_PORT = 3306, PROXY_PORT = 7000, POOL_PORT = 6432;
const WRITES = 'CREATE TABLE writes (at text);';

// -- databases, each at an address of its own --

export async function postgresAt(address, settings = []) {
    const server = await Postgres.start(`postgres-${address}`, 60, {address, port: PG_PORT, settings});
    server.admin(WRITES);
    return server;
}

// A standby in recovery, which follows the primary.
export async function standbyOf(primary, address) {
    const standby = new Postgres(), root = makeDirectory(`postgres-${address}`), data = path.join(root, 'data'), environment = primary.plain.environment;
    runNow(['chown', 'postgres:postgres', root]);
    await runTool([...asUser('postgres'), path.join(newest('usr', 'lib', 'postgresql', '*', 'bin'), 'pg_basebackup'), '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
        {env: environment, cwd: root});
    const command = primary.command.map((word) => word === primary.data ? data : word === primary.root ? root : word);
    Object.assign(standby, primary, {root, data, name: `postgres-${address}`, command: [...command, '-c', `listen_addresses=${address}`],
        plain: {environment: {...environment, PGHOST: address}}});
    standby.begin();
    await until('the standby answers', () => standby.admin('SELECT'), 60_000, 200);
    return standby;
}

export const postgresDsn = (host, options = '') => `postgresql://bugsink:${PASSWORD}@${host}/bugsink?sslmode=disable${options}`;

export async function mariadbAt(address, settings = []) {
    const server = await Mariadb.start(`mariadb-${address}`, {address, port: MY_PORT, settings});
    server.admin(`USE bugsink; ${WRITES}`);
    return server;
}

export const mariadbDsn = (host, port = MY_PORT) => `mysql://bugsink:${PASSWORD}@${host}:${port}/bugsink`;

// Statements that take their time, or hold what they took: without waiting for them, here.
export const sqlOf = (server) => {
    const [command, env] = server instanceof Postgres ? [[...server.interactive, '-d', 'bugsink'], server.plain.environment]
        : [['mariadb', '--no-defaults', `--socket=${server.socket}`, '-u', 'root', 'bugsink'], process.env];
    return {run: (sql) => runTool([...command, server instanceof Postgres ? '-c' : '-e', sql], {env}),
        hold: (sql) => { const child = start(command, {env, stdin: 'pipe', log: 'sql.log'}); child.stdin.write(`${sql}\n`); return child; }};
};

// -- processes and packets --

export const signalAll = (child, signal) => treeOf(child.pid).forEach((pid) => process.kill(pid, signal));
export const freeze = (child) => signalAll(child, 'SIGSTOP');
export const thaw = (child) => signalAll(child, 'SIGCONT');

// What the packet filter does with packets that come in, in nft's language; '' lets all pass.
export const filter = (rules = '') => runTool(['nft', `flush ruleset; table inet t { chain in { type filter hook input priority 0; ${rules || 'policy accept'}; }; }`]);
export const dropTo = (address) => filter(`ip daddr ${address} drop`);

// -- HAProxy, with a socket by which its servers are taken out and put back --

export class Haproxy {
    static async start(servers, idle = '1h', more = '') {
        const proxy = new Haproxy(), directory = makeDirectory('haproxy'), config = path.join(directory, 'haproxy.cfg');
        proxy.socket = path.join(directory, 'socket');
        fs.writeFileSync(config, `global
  stats socket ${proxy.socket} mode 600 level admin
defaults
  mode tcp
  timeout connect 2s
  timeout client ${idle}
  timeout server ${idle}
listen db
  bind 127.0.0.1:${PROXY_PORT}
${servers.map(({name, at, words = ''}) => `  server ${name} ${at} check inter 500ms fall 2 rise 1 ${words}\n`).join('')}${more}\n`);
        start(['haproxy', '-db', '-f', config], {log: 'haproxy.log'});
        await until('HAProxy answers', () => proxy.say('show info'));
        return proxy;
    }

    say(command) {
        return new Promise((done, fail) => {
            let text = '';
            net.connect(this.socket).on('error', fail).on('data', (part) => { text += part; }).on('end', () => done(text)).end(`${command}\n`);
        });
    }

    set(name, state) { return this.say(`set server db/${name} state ${state}`); }
}

// -- PgBouncer --

export class Pgbouncer {
    static async start(settings) {
        const pooler = new Pgbouncer(), directory = makeDirectory('pgbouncer'), file = (name) => path.join(directory, name);
        fs.writeFileSync(file('users'), `"bugsink" "${PASSWORD}"\n`);
        fs.writeFileSync(file('ini'), `[databases]\nbugsink = host=127.0.1.1 port=${PG_PORT}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${POOL_PORT}\nunix_socket_dir =
auth_type = scram-sha-256\nauth_file = ${file('users')}\nadmin_users = bugsink\nignore_startup_parameters = extra_float_digits\n${settings.join('\n')}\n`);
        if (isRoot)
            runNow(['chown', '-R', 'postgres:postgres', directory]);
        pooler.child = start(['/usr/sbin/pgbouncer', file('ini')], {user: 'postgres', log: 'pgbouncer.log'});
        await until('PgBouncer answers', () => pooler.say('SHOW VERSION'));
        return pooler;
    }

    say(command) {
        const psql = path.join(newest('usr', 'lib', 'postgresql', '*', 'bin'), 'psql');
        return runTool([psql, '-X', '-q', '-h', '127.0.0.1', '-p', String(POOL_PORT), '-U', 'bugsink', '-d', 'pgbouncer', '-c', command], {env: {...process.env, PGPASSWORD: PASSWORD}});
    }
}
