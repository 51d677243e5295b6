// `make bench`: this program and its peers in turn, round after round; the medians and ratios go to BENCH_BUILD/bench.md.
// BENCH_ONLY=SECTION,... measures those alone, and leaves the others as they were.
import fs from 'node:fs';
import path from 'node:path';
import {BUILD, Series} from './machine.mjs';
import {Mariadb, Postgres} from './databases.mjs';
import {listPeers} from './peers.mjs';
import {checkMeasurements, measureFleet, measureHang, measureMany, measurePeer, measureStart} from './measure.mjs';
import {listKinds, measureIdle} from './idle.mjs';
import {measureNotice} from './notice.mjs';
import {describeMachine, render} from './report.mjs';

const number = (name, usual) => Number(process.env[name] || usual);
const rounds = number('BENCH_ROUNDS', 5);
const size = {probes: number('BENCH_PROBES', 3000), seconds: 1, roundSeconds: 4, runs: 50, manySeconds: 10, hangSeconds: 6, idleSeconds: number('BENCH_IDLE_SECONDS', 40), starts: 5};
const COUNTS = [1, 4, 16, 100];

const begun = Date.now();
const say = (text) => process.stderr.write(`bench: ${String(Math.round((Date.now() - begun) / 1000)).padStart(4)} s: ${text}\n`);

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

// Figures by name, each a series that comes to be when it is asked for.
const grouped = () => {
    const group = {};
    return {group, of: (name) => group[name] ??= new Series()};
};

// -- the sections: each returns what stands in the results under its name --

const SECTIONS = {
    async servers({peers}) {
        const {group, of} = grouped();
        await inRounds('servers', rounds, async () => {
            for (const peer of peers)
                await note(peer.name, of(peer.id), () => measurePeer(peer, size));
        });
        return group;
    },

    async starts({peers}) {
        const {group, of} = grouped();
        await inRounds('starts', rounds, async () => {
            for (const peer of peers)
                await note(`start of ${peer.name}`, of(peer.id), () => measureStart(peer, peer.isSlow ? 1 : size.starts));
        });
        return group;
    },

    async checks(world) {
        const checks = new Series();
        await inRounds('checks', rounds, async () => {
            for (const [name, work] of checkMeasurements(world, size))
                await note(name, checks, async () => ({[name]: await work()}));
        });
        return checks;
    },

    async many({postgres}) {
        const {group, of} = grouped();
        await inRounds('many databases', Math.min(rounds, 2), async () => {
            for (const kind of ['sqlite', 'postgres'])
                for (const count of COUNTS)
                    await note(`${count} ${kind} databases`, of(`${kind} ${count}`), () => measureMany(kind, count, postgres, size));
        });
        return group;
    },

    async hang({peers, mariadb}) {
        const {group, of} = grouped();
        await inRounds('hung databases', Math.min(rounds, 3), async () => {
            await note('hung databases', of('ours'), async () => {
                const both = await measureHang(peers.find(({id}) => id === 'nginx'), mariadb !== null, size);
                of('nginx').add(both.nginx);
                return both.ours;
            });
        });
        return group;
    },

    async idle(world) {
        const {group, of} = grouped(), kinds = await listKinds(world);
        const peers = world.peers.filter(({id}) => id !== 'ready'); // the same program as `live`
        await measureIdle(peers, kinds, Math.min(rounds, 3), size.idleSeconds, (what, id, work) => note(what, of(id), work), say);
        group.ready = of('live');
        return group;
    },

    fleet: measureFleet,

    notice: ({mariadb}) => measureNotice(number('BENCH_NOTICE', 20), mariadb !== null, say, (problem) => problems.push(problem)),
};

const all = Object.keys(SECTIONS), only = process.env.BENCH_ONLY?.split(/[\s,]+/);
const unknown = only?.filter((name) => !SECTIONS[name]) ?? [];
if (unknown.length) {
    say(`no section ${unknown.join(', ')}: there are ${all.join(', ')}`);
    process.exit(2);
}
const asked = all.filter((name) => only ? only.includes(name) : name !== 'notice' || process.env.BENCH_NOTICE !== '0');

const file = path.join(BUILD, 'bench.json');
const revive = (_key, value) => !Array.isArray(value) && value?.values && Object.keys(value).length === 1 ? new Series(value.values) : value;
const results = only && fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8'), revive) : {};

say('starting PostgreSQL and MariaDB, building the Go peer');
const postgres = await Postgres.start();
const mariadb = process.env.BENCH_MYSQL === 'yes' ? await Mariadb.start() : null;
const peers = await listPeers(postgres);
results.sections ??= {};
for (const name of asked) {
    const machine = describeMachine(rounds), from = Date.now();
    results[name] = await SECTIONS[name]({postgres, mariadb, peers});
    results.sections[name] = {...machine, seconds: Math.round((Date.now() - from) / 1000)};
}

results.problems = problems;
results.seconds = Math.round((Date.now() - begun) / 1000);
fs.writeFileSync(file, JSON.stringify(results, null, 1));
const {page, summary} = render(results, peers);
fs.writeFileSync(path.join(BUILD, 'bench.md'), page);
fs.writeFileSync(path.join(BUILD, 'bench-summary.md'), summary);
process.stdout.write(page);
process.exit(problems.length ? 1 : 0); // which ends the servers
