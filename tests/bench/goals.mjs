// What is to be reached, beside what was.
import {head, megabytes, one, row, times} from './table.mjs';

// Goals that were given up, each with its reason. They stand in the report, so that nobody sets them again.
const GIVEN_UP = [
    ['500 PostgreSQL databases: 500 fresh logins within 1.5 s', 'physics: 4,096 rounds of SHA-256 a login and side, 3 to 5 ms each: 500 of them are 4 s on two processors, whoever logs in'],
    ['500 kept connections: memory for each, p99 of a probe', 'sixteen workers stay, each further check logs in at each run: Bugsink has two databases, and what 100 cost stands above'],
    ['p99 of a probe beside Django\'s check on SQLite', 'noise: the worst of a hundred answers is the scheduler\'s; the median and the processor time are compared'],
    ['p99 of a probe beside slow clients, of the undisturbed', 'physics: 1,000 bytes a second are work for any server; nginx under the same clients is the measure'],
];

const probe = (us, id, name, against, limit) => ({what: `processor time a probe, ${name}, of ${against[0]}'s`, figure: us(id) / us(against[1]), limit, unit: '×'});

function ofProbes({servers, starts}) {
    const us = (id) => one(servers, id).median('us'), p50 = (id) => one(servers, id).median('p50'), pss = (id) => one(servers, id).median('pss');
    return [
        probe(us, 'live', '`/health/live/`', ['nginx', 'nginx'], 1), probe(us, 'ready', '`/health/ready/`', ['nginx', 'nginx'], 1),
        probe(us, 'live', '`/health/live/`', ['the raw server', 'raw'], 1.2), probe(us, 'ready', '`/health/ready/`', ['the raw server', 'raw'], 1.2),
        {what: 'requests a second, keep-alive, of nginx\'s', figure: one(servers, 'live').median('kept_rate') / one(servers, 'nginx').median('kept_rate'), limit: 1, unit: '×', isLeast: true},
        {what: 'exec to the first 200 of `/health/self/`', figure: one(starts, 'live').median('ms'), limit: 5, unit: 'ms'},
        {what: 'processor time a probe, of a check in Django\'s, SQLite', figure: us('ready') / us('django'), limit: 1 / 30, unit: '×'},
        {what: 'processor time a probe, of a check in Django\'s, PostgreSQL', figure: us('postgres') / us('django_postgres'), limit: 1 / 30, unit: '×'},
        {what: 'time to the answer, p50, of a check in Django\'s, SQLite', figure: p50('ready') / p50('django'), limit: 1 / 30, unit: '×'},
        {what: 'time to the answer, p50, of a check in Django\'s, PostgreSQL', figure: p50('postgres') / p50('django_postgres'), limit: 1 / 30, unit: '×'},
        {what: 'PSS, of that Django\'s, SQLite', figure: pss('ready') / pss('django'), limit: 1 / 20, unit: '×'},
        {what: 'PSS, of that Django\'s, PostgreSQL', figure: pss('postgres') / pss('django_postgres'), limit: 1 / 20, unit: '×'},
    ];
}

function ofIdling({idle}) {
    const ms = (id) => one(idle, id).median('cpu_ms_per_minute');
    return [
        {what: 'idle, two SQLite files, settings and Bugsink, all processes: processor time, of one process that takes the same looks in a loop', figure: ms('all ours') / ms('all loop'),
            limit: 3, unit: '×'},
        {what: 'the same, of the other build (BENCH_BASE)', figure: ms('all ours') / ms('all base'), limit: 0.25, unit: '×', isOptional: true},
        {what: 'the same: wakeups', figure: one(idle, 'all ours').median('wakeups_per_s'), limit: 5, unit: 'a second'},
    ];
}

function ofMemory({servers}) {
    const mb = (id, key) => megabytes(one(servers, id).median(key));
    return [
        {what: 'all processes, SQLite only: PSS', figure: mb('live', 'pss'), limit: 2, unit: 'MB'},
        {what: 'all processes, SQLite only: private dirty', figure: mb('live', 'dirty'), limit: 1, unit: 'MB'},
        {what: 'all processes, with PostgreSQL over TLS: PSS', figure: mb('postgres', 'pss'), limit: 4, unit: 'MB'},
        {what: 'all processes, with PostgreSQL over TLS: private dirty', figure: mb('postgres', 'dirty'), limit: 3, unit: 'MB'},
    ];
}

function ofTheRest({checks = one(), hang, fleet}) {
    const ratio = (ours, theirs) => checks.median(ours) / checks.median(theirs);
    return [
        {what: 'a PostgreSQL round with TLS on a kept connection, worker and checker, of pg_isready\'s', figure: ratio('tls_kept', 'tls_pg_isready'), limit: 0.1, unit: '×'},
        {what: 'a PostgreSQL round with TLS and a fresh login, of pg_isready\'s', figure: ratio('tls_login', 'tls_pg_isready'), limit: 1, unit: '×'},
        {what: 'p99 of a probe while all databases hang and 1,000 slow clients are connected, of nginx\'s under the same clients',
            figure: one(hang, 'ours').median('slow_p99') / one(hang, 'nginx').median('slow_p99'), limit: 1, unit: '×'},
        {what: '3,000 pods, one server: most new connections in a second, of the mean', figure: fleet ? Math.max(...fleet.stretches.map(({peak, mean}) => peak / mean)) : NaN, limit: 2, unit: '×'},
    ];
}

// Each: what, the figure, its limit; met while the figure is not above it (or, where `isLeast`, not below). NaN: not measured.
const listGoals = (results) => [...ofProbes(results), ...ofIdling(results), ...ofMemory(results), ...ofTheRest(results)]
    .filter(({isOptional, figure}) => !isOptional || Number.isFinite(figure));

export function goalTable(results) {
    let text = head('goal', 'to be', 'is', '');
    for (const {what, figure, limit, unit, isLeast} of listGoals(results)) {
        const isMet = isLeast ? figure >= limit : figure <= limit;
        text += row(what, `${isLeast ? 'at least' : 'at most'} ${times(limit)} ${unit}`, Number.isFinite(figure) ? `${times(figure)} ${unit}` : '-',
            !Number.isFinite(figure) ? 'not measured' : isMet ? 'met' : '**missed**');
    }
    return text;
}

export const givenUp = () => GIVEN_UP.map(([what, why]) => `* ${what}: ${why}.\n`).join('');
