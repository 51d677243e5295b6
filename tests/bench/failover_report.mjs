// What the writer and the probes saw, as seconds of false ready and false red, and their table.
import os from 'node:os';
import {head, plain, row} from './table.mjs';

const INTERVAL_S = 5; // the sidecar's own, at standard settings
export const GOAL = {fr: 2 * INTERVAL_S, fx: INTERVAL_S};

// Whether the writer could write at a moment: what became of the attempt that was begun last.
function truthAt(attempts) {
    const sorted = [...attempts].sort((a, b) => a.begun - b.begun);
    let next = 0;
    return (at) => {
        while (next + 1 < sorted.length && sorted[next + 1].begun <= at)
            next++;
        return sorted[next].what === 'written';
    };
}

// told: a code that tells of the fault, where Bugsink only waits and nobody is taken out for it.
export function judge({looks, attempts, told}) {
    const canWrite = truthAt(attempts), says = {};
    let fr = 0, fx = 0, failing = 0, changes = 0;
    looks.forEach((look, i) => {
        const seconds = i + 1 < looks.length ? (looks[i + 1].at - look.at) / 1000 : 0, isWritten = canWrite(look.at);
        fr += look.isReady && !isWritten && !(told && look.says.includes(told)) ? seconds : 0;
        fx += !look.isReady && isWritten ? seconds : 0;
        failing += isWritten ? 0 : seconds;
        changes += i > 0 && look.isReady !== looks[i - 1].isReady ? 1 : 0;
        if (look.says)
            says[look.says] = (says[look.says] ?? 0) + seconds;
    });
    return {fr, fx, failing, changes, says: Object.entries(says).sort((a, b) => b[1] - a[1]).map(([what]) => what).slice(0, 3)};
}

const cells = (result) => !result ? ['-', '-'] : result.failed ? ['failed', ''] : [plain(result.fr, 1), plain(result.fx, 1)];
const mark = ({fr, fx, failed}, {isRefused}) => failed ? 'failed' : isRefused ? 'refused on purpose' : fr < GOAL.fr && fx < GOAL.fx ? 'met' : '**missed**';

function preface(results) {
    const loads = Object.values(results).flatMap((one) => Object.values(one)).map(({load}) => load).sort((a, b) => a - b), dates = [...new Set(Object.values(results).map(({after}) => after?.date))].filter(Boolean);
    return `Each scene once, ${dates.join(', ')}, ${os.cpus().length} processors, load average ${plain(loads[0], 1)} to ${plain(loads.at(-1), 1)} at the scenes' starts, standard settings (interval ${INTERVAL_S} s).
FR is how many seconds \`/health/ready/\` said 200 while the writer failed, FX how many it said 503 while the writer wrote. The goal: FR under two intervals, FX under one.\n\n`;
}

export function render(scenes, results) {
    let text = preface(results) + head('what happens', 'writer fails, s', 'FR before', 'FX before', 'FR', 'FX', 'what it says', 'goal');
    for (const scene of scenes) {
        const {before, after} = results[scene.id] ?? {};
        if (after)
            text += row(scene.name, plain(after.failing, 1), ...cells(before), ...cells(after), after.says?.join('; ') || '-', mark(after, scene));
    }
    return text;
}
