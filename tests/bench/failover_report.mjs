// What the writer and the probes saw, as seconds of false ready and false red, and their table.
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
const isMet = ({fr, fx}) => fr < GOAL.fr && fx < GOAL.fx;

export function render(scenes, results) {
    let text = head('row', 'what happens', 'writer fails, s', 'FR before', 'FX before', 'FR', 'FX', 'turns', 'what it says', '');
    for (const {id, row: number, name} of scenes) {
        const {before, after} = results[id] ?? {};
        if (after)
            text += row(number, name, plain(after.failing, 1), ...cells(before), ...cells(after), after.changes ?? '', after.says?.join('; ') ?? after.failed, after.failed ? '' : isMet(after) ? 'met' : '**missed**');
    }
    return text;
}
