// Who looks again and again whether all is well, and remembers when it said otherwise.
import {delay, get, runTool} from './machine.mjs';

export class Observer {
    constructor(name, periodMs, look) {
        this.name = name;
        this.periodMs = periodMs;
        this.look = look; // returns whether all is well; to throw is to say no
        this.seen = []; // {at, isWell}, where it changed
        this.ending = this.run();
    }

    async run() {
        for (let due = performance.now(); !this.isStopped; due = Math.max(due + this.periodMs, performance.now())) {
            await delay(Math.max(0, due - performance.now()));
            const isWell = await this.look().catch(() => false);
            if (this.isWell !== isWell)
                this.seen.push({at: performance.now(), isWell});
            this.looked = performance.now();
        }
    }

    get isWell() { return this.seen.at(-1)?.isWell; }

    // What it said from then on; what it had said before still holds then.
    since(at) { return this.seen.filter((one) => one.at >= at); }

    firstIll(at) { return this.since(at).find(({isWell}) => !isWell)?.at; }

    // Since when it has called all well, of what it says now; undefined where it does not.
    wellSince(at) { return this.isWell ? this.since(at).at(-1)?.at : undefined; }

    // How often it called all well again, and then not.
    relapses(at) { return Math.max(0, this.since(at).filter(({isWell}) => !isWell).length - 1); }

    async stop() {
        this.isStopped = true;
        await this.ending;
    }
}

// A GET as a kubelet's, with its time limit.
export const probe = (port, path, limitMs) => async () => {
    const answer = await Promise.race([get(port, path), delay(limitMs).then(() => null)]);
    return answer !== null && answer.status === 200;
};

export const command = (words, env) => async () => { await runTool(words, {env, timeout: 5000}); return true; };
