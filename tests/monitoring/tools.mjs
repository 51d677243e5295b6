// Where things are, and how the tests run promtool, a Prometheus and the program. MONITORING_BUILD and BH_PROGRAM come from the Makefile.
import assert from 'node:assert/strict';
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import {createRequire} from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BUILD = path.resolve(process.env.MONITORING_BUILD);
export const requireBuilt = createRequire(path.join(BUILD, 'package.json'));
export const YAML = requireBuilt('yaml');
export const RULES = path.join(ROOT, 'deploy/monitoring/bugsink-health.rules.yaml');
export const RULES_TEST = path.join(ROOT, 'tests/monitoring/rules.test.yaml');
const PROGRAM = path.resolve(process.env.BH_PROGRAM);
const BIN = path.join(BUILD, 'debian/usr/bin');
const DEMO = path.join(ROOT, 'config/demo');

export const readRoot = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');

// Exit status, and all that was said.
export function promtool(args, input = '') {
    const {status, stdout, stderr} = spawnSync(path.join(BIN, 'promtool'), args, {input, encoding: 'utf8', timeout: 30_000});
    return {status, text: stdout + stderr};
}

export async function until(what, test, patience = 30_000) {
    let last;
    for (const deadline = Date.now() + patience; Date.now() < deadline; await new Promise((done) => setTimeout(done, 100))) {
        last = await test().catch((error) => { last = error; });
        if (last === true)
            return;
    }
    throw new Error(`waited too long until ${what}; the last seen: ${JSON.stringify(last)}`);
}

// A connection for each request: while promtool runs, nobody here would see that a kept one was closed.
export async function get(url, headers = {}) {
    const request = http.get(url, {agent: false, headers, timeout: 10_000});
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url}`)));
    const [answer] = await once(request, 'response');
    answer.setEncoding('utf8');
    let text = '';
    for await (const part of answer)
        text += part;
    return {status: answer.statusCode, type: answer.headers['content-type'], text};
}

async function freePort() {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const {port} = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

// Ends a process that was started here, and waits for that.
async function end(child, signal) {
    if (child.exitCode !== null || child.signalCode !== null)
        return;
    child.kill('SIGCONT');
    child.kill(signal);
    await once(child, 'exit');
}

const makeDatabase = (file, sql) => execFileSync('sqlite3', [file], {input: fs.readFileSync(path.join(DEMO, sql))});

// A daemon on a free port, over databases of its own in a directory that goes with it.
export class Sidecar {
    static async start() {
        const one = new Sidecar();
        one.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bugsink-health-'));
        one.database = path.join(one.directory, 'db.sqlite3');
        one.config = path.join(one.directory, 'config.json');
        makeDatabase(one.database, 'default.sql');
        makeDatabase(path.join(one.directory, 'snappea.sqlite3'), 'snappea.sql');
        fs.copyFileSync(path.join(DEMO, 'bugsink_conf.py'), path.join(one.directory, 'bugsink_conf.py'));
        one.configure();
        one.address = `127.0.0.1:${await freePort()}`;
        one.process = spawn(PROGRAM, ['serve'], {stdio: 'ignore', env: {BUGSINK_HEALTH_LISTEN: one.address, BUGSINK_HEALTH_CONFIG: one.config}});
        await one.awaitReady();
        return one;
    }

    configure(more = {}) {
        const databases = {default: {dsn: this.database}, snappea: {dsn: path.join(this.directory, 'snappea.sqlite3')}};
        fs.writeFileSync(this.config, JSON.stringify({interval: '1s', timeout: '800ms', retry_interval: '200ms', databases,
            directories: {spool: {path: this.directory, role: 'plain'}}, settings: {path: path.join(this.directory, 'bugsink_conf.py')}, ...more}));
    }

    awaitReady() {
        return until('the sidecar is ready', async () => (await get(`http://${this.address}/health/ready/`)).status === 200);
    }

    metrics(accept = '*/*') {
        return get(`http://${this.address}/metrics`, {accept});
    }

    takeDatabase() { fs.renameSync(this.database, `${this.database}.away`); }

    returnDatabase() { fs.renameSync(`${this.database}.away`, this.database); }

    signal(name) { this.process.kill(name); }

    async stop() {
        await end(this.process, 'SIGINT');
        fs.rmSync(this.directory, {recursive: true});
    }
}

// The rules with every `for` made two seconds: what is tested with them is that they fire and are resolved; when, rules.test.yaml tests.
const hurried = (rules) => rules.replaceAll(/^( +for): \S+$/gm, '$1: 2s');

export class Prometheus {
    static async start(target) {
        const one = new Prometheus();
        const file = (name, text) => fs.writeFileSync(path.join(one.directory, name), text);
        one.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bugsink-prometheus-'));
        file('rules.yaml', hurried(fs.readFileSync(RULES, 'utf8')));
        file('prometheus.yaml', YAML.stringify({
            global: {scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms'},
            rule_files: ['rules.yaml'],
            scrape_configs: [{job_name: 'bugsink', static_configs: [{targets: [target]}]}],
        }));
        one.address = `127.0.0.1:${await freePort()}`;
        one.process = spawn(path.join(BIN, 'prometheus'), [`--config.file=${one.directory}/prometheus.yaml`,
            `--storage.tsdb.path=${one.directory}/data`, `--web.listen-address=${one.address}`], {stdio: ['ignore', 'ignore', 'pipe']});
        one.log = '';
        one.process.stderr.on('data', (bytes) => { one.log += bytes; });
        await until('Prometheus is ready', async () => (await get(`http://${one.address}/-/ready`)).status === 200);
        return one;
    }

    async ask(query) {
        const {status, text} = await get(`http://${this.address}/api/v1/${query}`);
        assert.equal(status, 200, text);
        return JSON.parse(text).data;
    }

    async values(expression) {
        return (await this.ask(`query?query=${encodeURIComponent(expression)}`)).result;
    }

    async firing() {
        const {alerts} = await this.ask('alerts');
        return alerts.filter(({state}) => state === 'firing');
    }

    awaitAlert(name) {
        return until(`${name} fires`, async () => (await this.firing()).some(({labels}) => labels.alertname === name) || this.firing());
    }

    // But of the disk of the machine, on which others may write at that moment; rules.test.yaml tests that alert.
    async noise() {
        return (await this.ask('alerts')).alerts.filter(({labels}) => labels.alertname !== 'BugsinkDiskFillsUp');
    }

    awaitSilence() {
        return until('no alert fires', async () => (await this.noise()).length === 0 || this.noise());
    }

    async stop() {
        await end(this.process, 'SIGTERM');
        fs.rmSync(this.directory, {recursive: true});
    }
}
