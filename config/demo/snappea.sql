-- A stand-in for Bugsink's queue: the tables of snappea, idle, as Bugsink's migrations leave them.
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE django_migrations (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    app varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    applied datetime NOT NULL
);
INSERT INTO django_migrations (app, name, applied) VALUES
    ('snappea', '0001_initial', '2026-11-23 10:00:00.000000'),
    ('snappea', '0002_create_models', '2026-11-23 10:00:00.100000'),
    ('snappea', '0003_task_created_at', '2026-11-23 10:00:00.200000'),
    ('snappea', '0004_task_snappea_tas_created_eb0824_idx', '2026-11-23 10:00:00.300000'),
    ('snappea', '0005_stat', '2026-11-23 10:00:00.400000');
CREATE TABLE snappea_task (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    task_name varchar(255) NOT NULL,
    args text NOT NULL,
    kwargs text NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX snappea_tas_created_eb0824_idx ON snappea_task (created_at);
CREATE TABLE snappea_stat (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    timestamp datetime NOT NULL,
    task_name varchar(255) NOT NULL,
    task_count integer unsigned NULL CHECK (task_count >= 0),
    done integer unsigned NOT NULL CHECK (done >= 0),
    errors integer unsigned NOT NULL CHECK (errors >= 0),
    wall_time real NOT NULL,
    wait_time real NOT NULL,
    write_time real NOT NULL,
    max_wall_time real NOT NULL,
    max_wait_time real NOT NULL,
    max_write_time real NOT NULL,
    UNIQUE (timestamp, task_name)
);
COMMIT;
