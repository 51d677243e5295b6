// `make failover`: beside a writer that logs in anew each half second, the seconds in which the sidecar was wrong; to BENCH_BUILD/failover.md.
// FAILOVER_ONLY=REGEXP: those scenes alone; FAILOVER_JOBS: so many at once; BENCH_BASE: another build, beside this one.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {BASE, BUILD, PROGRAM, isRoot, runTool} from './machine.mjs';
import {SCENES} from './failover_scenes.mjs';
import {judge, render} from './failover_report.mjs';

const PLACE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'failover_place.mjs');
const PATIENCE_MS = 300_000;
const begun = Date.now(), file = path.join(BUILD, 'failover.json');
const say = (text) => process.stderr.write(`failover: ${String(Math.round((Date.now() - begun) / 1000)).padStart(4)} s: ${text}\n`);

if (!isRoot) {
    say('only root may make the network namespaces and run the servers as their own users');
    process.exit(2);
}

async function run({scene, which, program}) {
    const load = os.loadavg()[0], command = ['setpriv', '--pdeathsig=KILL', 'unshare', '--net', '--mount', process.execPath, PLACE, scene.id, program];
    try {
        const seen = JSON.parse(await runTool(command, {timeout: PATIENCE_MS, env: {...process.env, BENCH_BASE: ''}}));
        return {...judge(seen), load, date: new Date().toISOString().slice(0, 10), seen};
    } catch (error) {
        return {failed: error.message.replace(/\s+/g, ' ').slice(-400), load};
    } finally {
        say(`${scene.id}, ${which}`);
    }
}

const asked = SCENES.filter(({id}) => new RegExp(process.env.FAILOVER_ONLY || '.').test(id));
const programs = [['after', PROGRAM], ...BASE ? [['before', BASE]] : []];
const queue = asked.flatMap((scene) => programs.map(([which, program]) => ({scene, which, program})));
const results = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};

async function work() {
    for (let job = queue.shift(); job; job = queue.shift()) {
        const {scene, which} = job, result = await run(job);
        (results[scene.id] ??= {})[which] = result;
        say(`${scene.id}, ${which}: ${JSON.stringify({...result, seen: undefined})}`);
        fs.writeFileSync(file, JSON.stringify(results));
    }
}
await Promise.all(Array.from({length: Number(process.env.FAILOVER_JOBS || 3)}, work));

const page = render(SCENES, results);
fs.writeFileSync(path.join(BUILD, 'failover.md'), page);
process.stdout.write(page);
process.exit(asked.some(({id}) => results[id]?.after?.failed) ? 1 : 0);
