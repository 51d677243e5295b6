// The figures as a page: tables of medians with their spread and ratios, and what was to be reached beside what was.
import fs from 'node:fs';
import os from 'node:os';
import {runNow} from './machine.mjs';
import {versions} from './peers.mjs';
import {givenUp, goalTable} from './goals.mjs';
import {noticeTable} from './notice_report.mjs';
import {head, megabytes, one, plain, row, times, withSpread} from './table.mjs';

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

// -- tables --

function probes({servers}, list) {
    const nginx = one(servers, 'nginx').median('us');
    let text = head('server', 'processor time a probe, us', 'user', 'system', '× nginx', 'p50, us', 'p99', 'p99.9');
    for (const {id, name} of list) {
        const its = one(servers, id), digits = its.median('us') < 1000 ? 1 : 0;
        text += row(name, withSpread(its, 'us', digits), plain(its.median('user_us'), digits), plain(its.median('system_us'), digits), times(its.median('us') / nginx),
            plain(its.median('p50')), plain(its.median('p99')), plain(its.median('p999')));
    }
    return text;
}

function throughput({servers}, list) {
    const nginx = one(servers, 'nginx');
    let text = head('server', 'requests a second, a connection each', '× nginx', 'keep-alive', '× nginx', 'processor time a request, keep-alive, us');
    for (const {id, name} of list) {
        const its = one(servers, id);
        text += row(name, withSpread(its, 'rate'), times(its.median('rate') / nginx.median('rate')), withSpread(its, 'kept_rate'),
            times(its.median('kept_rate') / nginx.median('kept_rate')), plain(its.median('kept_us'), 1));
    }
    return text;
}

function memory({servers, starts, idle}, list) {
    let text = head('server', 'PSS idle, MB', 'private dirty', 'PSS after load', 'private dirty', 'exec to first 200, ms', 'idle: processor ms a minute', 'wakeups a second');
    for (const {id, name} of list)
        text += row(name, ...['idle_pss', 'idle_dirty', 'pss', 'dirty'].map((key) => plain(megabytes(one(servers, id).median(key)), 2)),
            withSpread(one(starts, id), 'ms', 1), plain(one(idle, id).median('cpu_ms_per_minute'), 1), plain(one(idle, id).median('wakeups_per_s'), 2));
    return text;
}

const KINDS = {all: 'two SQLite files, settings, Bugsink', sqlite: 'two SQLite files', settings: 'settings', app: 'Bugsink', postgres: 'PostgreSQL, TLS', mysql: 'MariaDB'};
const LOOKS_A_MINUTE = 12;

function idling({idle}) {
    const names = Object.keys(KINDS).filter((id) => idle?.[`${id} ours`]), hasBase = names.some((id) => idle[`${id} base`]);
    let text = head('what is checked', 'bugsink-health, ms a minute', 'the same looks in a loop', 'ratio', 'bare', 'us a round, ours', 'loop', ...hasBase ? ['the other build', 'ours, of it'] : []);
    for (const id of names) {
        const [ours, loop, bare, base] = ['ours', 'loop', 'bare', 'base'].map((who) => one(idle, `${id} ${who}`)), ms = (series) => series.median('cpu_ms_per_minute');
        const round = (series) => plain(ms(series) * 1e3 / LOOKS_A_MINUTE);
        text += row(KINDS[id], withSpread(ours, 'cpu_ms_per_minute', 1), withSpread(loop, 'cpu_ms_per_minute', 1), times(ms(ours) / ms(loop)), plain(ms(bare), 1),
            round(ours), round(loop), ...hasBase ? [withSpread(base, 'cpu_ms_per_minute', 1), times(ms(ours) / ms(base))] : []);
    }
    return text;
}

const TOOLS = [
    ['a PostgreSQL round with TLS on a kept connection', 'tls_kept', 'tls_pg_isready'],
    ['the same', 'tls_kept', 'tls_psql'],
    ['a PostgreSQL round with TLS and a fresh login (SCRAM)', 'tls_login', 'tls_pg_isready'],
    ['the same', 'tls_login', 'tls_psql'],
    ['a PostgreSQL round without TLS on a kept connection', 'kept', 'pg_isready'],
    ['a PostgreSQL round without TLS, with a fresh login', 'login', 'pg_isready'],
    ['the same', 'login', 'psql'],
    ['a SQLite round', 'sqlite', 'sqlite3'],
    ['a MariaDB round on a kept connection', 'mysql_kept', 'mariadb_admin'],
    ['a MariaDB round with a fresh login', 'mysql_login', 'mariadb_admin'],
];
const TOOL_NAMES = {pg_isready: 'pg_isready', psql: 'psql, `SELECT 1`', tls_pg_isready: 'pg_isready, TLS', tls_psql: 'psql, `SELECT 1`, TLS', sqlite3: 'sqlite3, `SELECT 1`',
    mariadb_admin: 'mariadb-admin ping'};

function rounds({checks}) {
    let text = head('what', 'bugsink-health, us', 'instead', 'us', 'ratio');
    for (const [what, ours, theirs] of checks ? TOOLS : [])
        text += row(what, withSpread(checks, ours), TOOL_NAMES[theirs], withSpread(checks, theirs), times(checks.median(ours) / checks.median(theirs)));
    return text;
}

function manyDatabases({many}) {
    let text = head('databases', 'processes', 'PSS, MB', 'private dirty, MB', 'first round, from exec, ms', 'processor time of a later round, ms', 's between two runs of a check', 'probe p50, us', 'probe p99, us');
    for (const [name, its] of Object.entries(many ?? {})) {
        const [kind, count] = name.split(' ');
        text += row(`${count} ${kind === 'postgres' ? 'PostgreSQL, TLS' : 'SQLite'}`, plain(its.median('processes')), plain(megabytes(its.median('pss')), 2), plain(megabytes(its.median('dirty')), 2),
            withSpread(its, 'first_ms'), withSpread(its, 'round_cpu_ms', its.median('round_cpu_ms') < 10 ? 1 : 0), Number(count) < 16 ? '-' : plain(its.median('interval_s'), 1), withSpread(its, 'p50'), withSpread(its, 'p99'));
    }
    return text;
}

function hung({hang}) {
    const three = (id, prefix) => ['p50', 'p99', 'max'].map((name) => withSpread(one(hang, id), `${prefix}${name}`));
    return head('probes, 250 a second of each, at once', 'p50, us', 'p99, us', 'slowest') +
        row('ours: no database answers', ...three('ours', '')) +
        row(`ours: no database answers, and 1,000 slow clients come again and again (${plain(one(hang, 'ours').median('connections'))} are held)`, ...three('ours', 'slow_')) +
        row('nginx', ...three('nginx', '')) +
        row('nginx: 1,000 slow clients come again and again', ...three('nginx', 'slow_'));
}

function pods({fleet}) {
    let text = head('when', 'most in a second', 'mean', 'ratio');
    for (const {name, peak, mean} of fleet?.stretches ?? [])
        text += row(name, plain(peak), plain(mean), times(peak / mean));
    return text;
}

// -- the page, and what of it stands in the README --

const about = ({sections, seconds}) => {
    const {rounds: count, cores, processor, kernel, versions: all, date} = Object.values(sections).at(-1), loads = Object.values(sections).map(({load}) => Number(load));
    return `${count} rounds, in which all took turns; ${cores} processors (${processor}), Linux ${kernel}, load average meanwhile
${Math.min(...loads).toFixed(2)} to ${Math.max(...loads).toFixed(2)}, ${all.join(', ')}; ${date}, ${plain(seconds)} s in all.`;
};

function whenMeasured({sections}) {
    let text = head('section', 'measured', 'rounds', 'load average at its start', 's');
    for (const [name, {date, rounds: count, load, seconds}] of Object.entries(sections))
        text += row(name, date, count, load, seconds);
    return text;
}

function page(results, list) {
    const idlers = [...list, {id: 'all ours', name: 'bugsink-health, and Bugsink is asked'}];
    return `# The benchmark

${about(results)}

${results.problems.length ? `**Not all could be measured:**\n\n${results.problems.map((problem) => `* ${problem}\n`).join('')}\n` : ''}A figure is the median of the rounds, in brackets the least and the greatest. The ratios are the result: the figures are this machine's, on that day.

## Goals

${goalTable(results)}
Goals that there were, and why they are gone:

${givenUp()}
## How fast it notices

${noticeTable(results)}
## Probes

One after the other, as fast as they are answered, each on a connection of its own, with the kubelet's headers. Processor time is that of all processes of the server, by the scheduler,
without the checks (see below); user and system are counted in ticks of 10 ms, so that they are rough where the whole is small.

${probes(results, list)}
## Throughput

16 clients at a time (Django: 2), nginx with one worker; the clients share the machine's processors.

${throughput(results, list)}
## Memory, start, idle

Memory of all processes of the server. Idle: at default settings, all servers side by side; wakeups are the times that one of the processes has slept and goes on (voluntary context switches).

${memory(results, idlers)}
## Idle, beside its own limit

The same looks, by the same code, every 5 s in a loop in one process (tests/bench/loop.c): what they cost where nothing is kept apart and nobody is answered. Bare: the statements to SQLite and the
reading of the settings file alone. All side by side, in the same stretches of time; the processor time of all processes, by the scheduler.

${idling(results)}
## Checks

Processor time of one round in the running daemon, for which it checks three times a second: the checking process and the worker, without the server's. The tools' own: the mean of
50 runs.

${rounds(results)}
## Many databases

So many entries of role \`plain\`, on one PostgreSQL server with a password (SCRAM) and TLS, whose own work is on the same processors, or in a file each. Sixteen workers stay; each further check has
a worker for each run, and logs in. Where the processors do not suffice, the interval stretches: the seconds between two runs of a check, where 5 are asked for. Memory is that of all processes.
Probes: 200 a second meanwhile.

${manyDatabases(results)}
## While databases hang

${hung(results)}
## Pods

${plain(results.fleet?.pods)} pods that look at one server, in virtual time, by the schedule and the policy of the program; standard settings, a login for each look. The mean is that of the
same stretch; of a start and of what follows a recovery it is the rate of the pods when all is well, and of a recovery that of all pods within the 2 s that are promised.
The first look of a pod is at once: of those that start at one moment the first second is theirs and left out.

${pods(results)}
## When each section was measured

${whenMeasured(results)}`;
}

function summary(results) {
    const {servers, starts, idle, checks = one()} = results;
    let text = `${about(results)}\n\n`;
    text += head('server', 'processor time a probe, us', 'p99, us', 'requests a second, keep-alive', 'PSS, MB', 'first 200, ms', 'idle, % of a core');
    for (const [id, name] of [['live', '`/health/live/`'], ['ready', '`/health/ready/`'], ['postgres', '`/health/ready/`, with PostgreSQL over TLS'], ['raw', 'raw server on libevent'],
        ['nginx', 'nginx, `return 200`'], ['go', 'Go net/http'], ['blackbox', 'blackbox_exporter'], ['node', 'Node http'], ['django', 'a check in the app: Django, gunicorn']]) {
        const its = one(servers, id);
        text += row(name, plain(its.median('us'), its.median('us') < 1000 ? 1 : 0), plain(its.median('p99')), plain(its.median('kept_rate')),
            plain(megabytes(its.median('pss')), 1), plain(one(starts, id).median('ms'), 1), plain(one(idle, id).median('cpu_ms_per_minute') / 600, 3));
    }
    const ratio = (ours, theirs) => times(checks.median(ours) / checks.median(theirs));
    text += `\nProcessor time of one round of checks: PostgreSQL over TLS ${ratio('tls_kept', 'tls_pg_isready')} of pg_isready's on a kept connection, ` +
        `${ratio('tls_login', 'tls_pg_isready')} of it with a fresh login; SQLite ${ratio('sqlite', 'sqlite3')} of the sqlite3 shell's` +
        `${Number.isNaN(checks.median('mysql_kept')) ? '' : `; MariaDB ${ratio('mysql_kept', 'mariadb_admin')} of mariadb-admin's`}.\n\n`;
    text += `Idle, beside the same looks in a loop:\n\n${idling(results)}\n`;
    text += `Hundreds of databases:\n\n${manyDatabases(results)}\n`;
    return `${text}How fast it notices:\n\n${noticeTable(results)}\n${goalTable(results)}`;
}

export const render = (results, list) => ({page: page(results, list), summary: summary(results)});
