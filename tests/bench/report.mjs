// The figures as a page: tables of medians with their spread and ratios, and what was to be reached beside what was.
import fs from 'node:fs';
import os from 'node:os';
import {runNow} from './machine.mjs';
import {versions} from './peers.mjs';

const firstLine = (command) => { try { return runNow(command).split('\n')[0].trim(); } catch { return 'unknown'; } };

export const describeMachine = (rounds) => ({
    rounds,
    date: new Date().toISOString().slice(0, 10),
    cores: os.cpus().length,
    processor: os.cpus()[0].model.trim(),
    kernel: os.release(),
    load: os.loadavg()[0].toFixed(2),
    versions: [`nginx ${versions().nginx}`, firstLine(['go', 'version']).replace('go version go', 'Go ').replace(/ \S+\/\S+$/, ''), `Node ${versions().node}`,
        `PostgreSQL ${versions().postgresql}`, `SQLite ${firstLine(['sqlite3', '--version']).split(' ')[0]}`, `Django ${firstLine(['/usr/bin/python3', '-c', 'import django; print(django.__version__)'])}`],
});

const KB_PER_KIB = 1.024;
const plain = (value, digits = 0) => Number.isNaN(value) ? '-'
    : value.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits});
const times = (ratio) => plain(ratio, ratio < 0.1 ? 3 : 2);
const row = (...cells) => `| ${cells.join(' | ')} |\n`;
const head = (...names) => row(...names) + row(...names.map((_, i) => i ? '---:' : '---')).replaceAll(' ', '');
const withSpread = (series, name, digits = 0, factor = 1) => {
    const spread = series.spread(name);
    return spread ? `${plain(series.median(name) * factor, digits)} (${spread.map((value) => plain(value * factor, digits)).join(' to ')})` : '-';
};
const megabytes = (kib) => kib * KB_PER_KIB / 1000;

// -- tables --

function probes({peers}, list) {
    const nginx = peers.nginx.median('us');
    let text = head('server', 'processor time a probe, us', 'user', 'system', '× nginx', 'p50, us', 'p99', 'p99.9');
    for (const {id, name} of list) {
        const one = peers[id], digits = one.median('us') < 1000 ? 1 : 0;
        text += row(name, withSpread(one, 'us', digits), plain(one.median('user_us'), digits), plain(one.median('system_us'), digits), times(one.median('us') / nginx),
            plain(one.median('p50')), plain(one.median('p99')), plain(one.median('p999')));
    }
    return text;
}

function throughput({peers}, list) {
    let text = head('server', 'requests a second, a connection each', '× nginx', 'keep-alive', '× nginx', 'processor time a request, keep-alive, us');
    for (const {id, name} of list)
        text += row(name, withSpread(peers[id], 'rate'), times(peers[id].median('rate') / peers.nginx.median('rate')), withSpread(peers[id], 'kept_rate'),
            times(peers[id].median('kept_rate') / peers.nginx.median('kept_rate')), plain(peers[id].median('kept_us'), 1));
    return text;
}

function memory({peers, starts, idle}, list) {
    let text = head('server', 'PSS idle, MB', 'private dirty', 'PSS after load', 'private dirty', 'exec to first 200, ms', 'idle: processor ms a minute', 'wakeups a second');
    for (const {id, name} of list)
        text += row(name, ...['idle_pss', 'idle_dirty', 'pss', 'dirty'].map((key) => plain(megabytes(peers[id]?.median(key) ?? NaN), 2)),
            starts[id] ? withSpread(starts[id], 'ms', 1) : '-', plain(idle[id].median('cpu_ms_per_minute'), 1), plain(idle[id].median('wakeups_per_s'), 2));
    return text;
}

const TOOLS = [
    ['one PostgreSQL round on a kept connection', 'kept', 'pg_isready'],
    ['one PostgreSQL round with a fresh login (SCRAM)', 'login', 'pg_isready'],
    ['the same', 'login', 'psql'],
    ['one SQLite round', 'sqlite', 'sqlite3'],
    ['one MariaDB round', 'mysql', 'mariadb_admin'],
];
const TOOL_NAMES = {pg_isready: 'pg_isready', psql: 'psql, `SELECT 1`', sqlite3: 'sqlite3, `SELECT 1`', mariadb_admin: 'mariadb-admin ping'};

function rounds({checks}) {
    let text = head('what', 'bugsink-health, us', 'instead', 'us', 'ratio');
    for (const [what, ours, theirs] of TOOLS)
        text += row(what, withSpread(checks, ours), TOOL_NAMES[theirs], withSpread(checks, theirs), times(checks.median(ours) / checks.median(theirs)));
    return text;
}

function manyDatabases({many}) {
    let text = head('databases', 'first round, from exec, ms', 'processor time of a later round, ms', 'PSS, MB', 'private dirty, MB', 'probe p50, us', 'probe p99, us');
    for (const [name, one] of Object.entries(many)) {
        const [kind, count] = name.split(' ');
        text += row(`${count} ${kind === 'postgres' ? 'PostgreSQL' : 'SQLite'}`, withSpread(one, 'first_ms'), withSpread(one, 'round_cpu_ms'), plain(megabytes(one.median('pss')), 2),
            plain(megabytes(one.median('dirty')), 2), withSpread(one, 'p50'), withSpread(one, 'p99'));
    }
    return text;
}

function hung({hang}) {
    return head('probes, 500 a second', 'p50, us', 'p99, us', 'slowest') +
        row('all is well, nobody else is there', withSpread(hang, 'p50'), withSpread(hang, 'p99'), withSpread(hang, 'max')) +
        row(`no database answers, 1,000 slow clients come again and again, ${plain(hang.median('connections'))} are held`, withSpread(hang, 'hung_p50'), withSpread(hang, 'hung_p99'), withSpread(hang, 'hung_max'));
}

function fleet({fleet: {stretches}}) {
    let text = head('when', 'most in a second', 'mean', 'ratio');
    for (const {name, peak, mean} of stretches)
        text += row(name, plain(peak), plain(mean), times(peak / mean));
    return text;
}

// -- goals --

// None for hundreds of databases: sixteen workers stay, and what further ones cost is a login a run, which is the
// server's and the processor's to say.

// Each: what, the figure, its limit; met while the figure is not above it (or, where `isLeast`, not below). NaN: not measured.
function goals(results) {
    const {peers, starts, checks, hang, idle, fleet: {stretches}} = results;
    const us = (id) => peers[id].median('us'), mb = (id, key) => megabytes(peers[id].median(key));
    const probe = (id, name, against, limit) => ({what: `processor time a probe, ${name}, of ${against[0]}'s`, figure: us(id) / us(against[1]), limit, unit: '×'});
        return [
        probe('live', '`/health/live/`', ['nginx', 'nginx'], 1), probe('ready', '`/health/ready/`', ['nginx', 'nginx'], 1),
        probe('live', '`/health/live/`', ['the raw server', 'raw'], 1.2), probe('ready', '`/health/ready/`', ['the raw server', 'raw'], 1.2),
        {what: 'requests a second, keep-alive, of nginx\'s', figure: peers.live.median('kept_rate') / peers.nginx.median('kept_rate'), limit: 1, unit: '×', isLeast: true},
        {what: 'p99 of a probe while all databases hang and 1,000 slow clients are connected, of the undisturbed', figure: hang.median('hung_p99') / hang.median('p99'), limit: 2, unit: '×'},
        {what: 'PSS, SQLite only', figure: mb('live', 'pss'), limit: 2, unit: 'MB'},
        {what: 'private dirty, SQLite only', figure: mb('live', 'dirty'), limit: 0.8, unit: 'MB'},
        {what: 'PSS, with PostgreSQL', figure: mb('postgres', 'pss'), limit: 4, unit: 'MB'},
        {what: 'private dirty, with PostgreSQL', figure: mb('postgres', 'dirty'), limit: 2, unit: 'MB'},
        {what: 'exec to the first 200 of `/health/self/`', figure: starts.live.median('ms'), limit: 5, unit: 'ms'},
        {what: 'idle, two SQLite files, settings and Bugsink\'s endpoint, children included', figure: idle.app.median('cpu_ms_per_minute') / 60_000 * 100, limit: 0.1, unit: '% of a core'},
        {what: 'the same: wakeups', figure: idle.app.median('wakeups_per_s'), limit: 5, unit: 'a second'},
        {what: 'one PostgreSQL round on a kept connection, of pg_isready\'s', figure: checks.median('kept') / checks.median('pg_isready'), limit: 0.1, unit: '×'},
        {what: 'one PostgreSQL round with a fresh login, of pg_isready\'s', figure: checks.median('login') / checks.median('pg_isready'), limit: 1, unit: '×'},
        {what: 'processor time a probe, of a check in Django\'s, SQLite', figure: us('ready') / us('django'), limit: 1 / 30, unit: '×'},
        {what: 'processor time a probe, of a check in Django\'s, PostgreSQL', figure: us('postgres') / us('django_postgres'), limit: 1 / 30, unit: '×'},
        {what: 'time to the answer, p50, of a check in Django\'s, SQLite', figure: peers.ready.median('p50') / peers.django.median('p50'), limit: 1 / 30, unit: '×'},
        {what: 'time to the answer, p50, of a check in Django\'s, PostgreSQL', figure: peers.postgres.median('p50') / peers.django_postgres.median('p50'), limit: 1 / 30, unit: '×'},
        {what: 'PSS, of that Django\'s, SQLite', figure: peers.ready.median('pss') / peers.django.median('pss'), limit: 1 / 20, unit: '×'},
        {what: 'PSS, of that Django\'s, PostgreSQL', figure: peers.postgres.median('pss') / peers.django_postgres.median('pss'), limit: 1 / 20, unit: '×'},
        {what: '3,000 pods, one server: most new connections in a second, of the mean', figure: Math.max(...stretches.map(({peak, mean}) => peak / mean)), limit: 2, unit: '×'},
    ];
}

function goalTable(list) {
    let text = head('goal', 'to be', 'is', '');
    for (const {what, figure, limit, unit, isLeast} of list) {
        const isMet =  (isLeast ? figure >= limit : figure <= limit);
        text += row(what, `${isLeast ? 'at least' : 'at most'} ${times(limit)} ${unit}`, Number.isNaN(figure) ? '-' : `${times(figure)} ${unit}`,
            Number.isNaN(figure) ? 'not measured' : isMet ? 'met' : '**missed**');
    }
    return text;
}

// -- the page, and what of it stands in the README --

const about = ({machine, seconds}) => `${machine.rounds} rounds, in which all took turns; ${machine.cores} processors (${machine.processor}), Linux ${machine.kernel}, load average at the start
${machine.load}, ${machine.versions.join(', ')}; ${machine.date}, ${plain(seconds)} s in all.`;

function page(results, list) {
    const idlers = [...list, {id: 'app', name: 'bugsink-health, and Bugsink\'s endpoint is checked'}];
    return `# The benchmark

${about(results)}

${results.problems.length ? `**Not all could be measured:**\n\n${results.problems.map((one) => `* ${one}\n`).join('')}\n` : ''}A figure is the median of the rounds, in brackets the least and the greatest. The ratios are the result: the figures are this machine's, on that day.

## Goals

${goalTable(goals(results))}
## Probes

One after the other, as fast as they are answered, each on a connection of its own, with the kubelet's headers. Processor time is that of all processes of the server, by the scheduler,
without the checks (see below); user and system are counted in ticks of 10 ms, so that they are rough where the whole is small.

${probes(results, list)}
## Throughput

16 clients at a time (Django: 2), nginx with one worker; the clients share the machine's processors.

${throughput(results, list)}
## Memory, start, idle

Memory of all processes of the server. Idle: the difference between two lives, one a minute longer than the other, with all children, at default settings, all servers side by side. Wakeups
are the times that one of the processes has slept and goes on (voluntary context switches).

${memory(results, idlers)}
## Checks

Processor time of one round in the running daemon, for which it checks three times a second: the checking process and the process of the check, without the server's. The tools' own: the mean of
50 runs.

${rounds(results)}
## Many databases

PostgreSQL: so many entries of role \`plain\` with a password (SCRAM), on one server; its own work is on the same processors. Probes: 200 a second while the checks go on at default settings;
a later round is a run of each check, spread over the interval, on kept connections where they are kept.

${manyDatabases(results)}
## While databases hang

${hung(results)}
## Pods

${plain(results.fleet.pods)} pods that look at one server, in virtual time, by the schedule and the policy of the program; standard settings, a login for each look. The mean is that of the
same stretch; of a start and of what follows a recovery it is the rate of the pods when all is well, and of a recovery that of all pods within the 2 s that are promised.
The first look of a pod is at once: of those that start at one moment the first second is theirs and left out.

${fleet(results)}`;
}

function summary(results) {
    const {peers, starts, idle, checks} = results;
    let text = `${about(results)}\n\n`;
    text += head('server', 'processor time a probe, us', 'p99, us', 'requests a second, keep-alive', 'PSS, MB', 'first 200, ms', 'idle, % of a core');
    for (const [id, name] of [['live', '`/health/live/`'], ['ready', '`/health/ready/`'], ['postgres', '`/health/ready/`, with PostgreSQL'], ['raw', 'raw server on libevent'],
        ['nginx', 'nginx, `return 200`'], ['go', 'Go net/http'], ['blackbox', 'blackbox_exporter'], ['node', 'Node http'], ['django', 'a check in the app: Django, gunicorn']])
        text += row(name, plain(peers[id].median('us'), peers[id].median('us') < 1000 ? 1 : 0), plain(peers[id].median('p99')), plain(peers[id].median('kept_rate')),
            plain(megabytes(peers[id].median('pss')), 1), plain(starts[id].median('ms'), 1), plain(idle[id].median('cpu_ms_per_minute') / 600, 3));
    const ratio = (ours, theirs) => times(checks.median(ours) / checks.median(theirs));
    text += `\nProcessor time of one round of checks: PostgreSQL ${Number.isNaN(checks.median('kept')) ? '' : `${ratio('kept', 'pg_isready')} of pg_isready's on a kept connection, `}` +
        `${ratio('login', 'pg_isready')} of pg_isready's with a fresh login; SQLite ${ratio('sqlite', 'sqlite3')} of the sqlite3 shell's` +
        `${Number.isNaN(checks.median('mysql')) ? '' : `; MariaDB ${ratio('mysql', 'mariadb_admin')} of mariadb-admin's`}.\n\n${goalTable(goals(results))}`;
    return text;
}

export const render = (results, list) => ({page: page(results, list), summary: summary(results)});
