// `make bench`: this program and its peers in turn, round after round; the medians and ratios go to BENCH_BUILD/bench.md.
import fs from 'node:fs';
import path from 'node:path';
import {BUILD, Series, freePort, start, tool} from './machine.mjs';
import {Mariadb, Postgres} from './databases.mjs';
import {demoSettings, listPeers, serveCommand, writeConfig} from './peers.mjs';
import {checkMeasurements, measureFleet, measureHang, measureIdle, measureMany, measurePeer, measureStart} from './measure.mjs';
import {describeMachine, render} from './report.mjs';

const number = (name, usual) => Number(process.env[name] || usual);
const rounds = number('BENCH_ROUNDS', 5);
const size = {probes: number('BENCH_PROBES', 3000), seconds: 1, roundSeconds: 5, runs: 50, manySeconds: 6, hangSeconds: 6, idleSeconds: number('BENCH_IDLE_SECONDS', 60), starts: 5};
const COUNTS = [1, 4, 16, 100];

const begun = Date.now();
const say = (text) => process.stderr.write(`bench: ${String(Math.round((Date.now() - begun) / 1000)).padStart(4)} s: ${text}\n`);

const seriesOf = (series, name) => series[name] ??= new Series();

// What fails once has no figure of that round, and is told; the others go on.
const problems = [];
async function note(what, series, work) {
    try {
        for (const figures of [await work()].flat())
            series.add(figures);
    } catch (error) {
        problems.push(`${what}: ${error.message.replace(/\s+/g, ' ').slice(0, 300)}`);
        say(problems.at(-1));
    }
}

async function inRounds(what, count, work) {
    for (let round = 1; round <= count; round++) {
        say(`${what}, round ${round} of ${count}`);
        await work();
    }
}

const machine = describeMachine(rounds);
say('starting PostgreSQL and MariaDB, building the Go peer');
const postgres = await Postgres.start();
const mariadb = process.env.BENCH_MYSQL === 'yes' ? await Mariadb.start() : null;
const peers = await listPeers(postgres);
const results = {machine, peers: {}, starts: {}, checks: new Series(), many: {}, hang: new Series(), idle: {}, fleet: await measureFleet()};

await inRounds('servers', rounds, async () => {
    for (const peer of peers)
        await note(peer.name, seriesOf(results.peers, peer.id), () => measurePeer(peer, size));
});
await inRounds('starts', rounds, async () => {
    for (const peer of peers)
        await note(`start of ${peer.name}`, seriesOf(results.starts, peer.id), () => measureStart(peer, peer.isSlow ? 1 : size.starts));
});
await inRounds('checks', rounds, async () => {
    for (const [name, work] of checkMeasurements({postgres, mariadb}, size))
        await note(name, results.checks, async () => ({[name]: await work()}));
});
await inRounds('many databases', Math.min(rounds, 3), async () => {
    for (const kind of ['postgres', 'sqlite'])
        for (const count of COUNTS)
            await note(`${count} ${kind} databases`, seriesOf(results.many, `${kind} ${count}`), () => measureMany(kind, count, postgres, size));
});
await inRounds('hung databases', Math.min(rounds, 3), () => note('hung databases', results.hang, () => measureHang(postgres, mariadb, size)));
say(`idle, ${size.idleSeconds} s`);
const appPort = await freePort();
start([tool('raw-server'), String(appPort)]); // in Bugsink's place
const withApp = writeConfig({...demoSettings(), app: {url: `http://127.0.0.1:${appPort}`}});
const idlers = [...peers.filter(({id}) => id !== 'ready'), {id: 'app', name: 'the sidecar with app', path: '/health/ready/', command: (port) => serveCommand(withApp, port)}];
await measureIdle(idlers, size.idleSeconds, (peer, work) => note(`${peer.name}, idle`, seriesOf(results.idle, peer.id), work));
results.idle.ready = results.idle.live; // the same program

results.problems = problems;
results.seconds = Math.round((Date.now() - begun) / 1000);
fs.writeFileSync(path.join(BUILD, 'bench.json'), JSON.stringify(results, null, 1));
const {page, summary} = render(results, peers);
fs.writeFileSync(path.join(BUILD, 'bench.md'), page);
fs.writeFileSync(path.join(BUILD, 'bench-summary.md'), summary);
process.stdout.write(page);
process.exit(problems.length ? 1 : 0); // which ends the servers
