-- A stand-in for Bugsink's main database: the tables that the sidecar asks about, as Bugsink's migrations leave them.
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE django_migrations (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    app varchar(255) NOT NULL,
    name varchar(255) NOT NULL,
    applied datetime NOT NULL
);
INSERT INTO django_migrations (app, name, applied) VALUES
    ('phonehome', '0001_b_squashed_initial', '2026-11-23 10:00:00.000000'),
    ('phonehome', '0002_installation_email_quota_usage', '2026-11-23 10:00:00.100000'),
    ('phonehome', '0003_installation_ingest_quotas', '2026-11-23 10:00:00.200000'),
    ('phonehome', '0004_installation_quota_exceeded_reason', '2026-11-23 10:00:00.300000'),
    ('phonehome', '0005_reset_quota_exceeded_until', '2026-11-23 10:00:00.400000'),
    ('phonehome', '0006_recalculate_installation_next_quota_check', '2026-11-23 10:00:00.500000'),
    ('phonehome', '0007_installation_email_sending_diagnostics', '2026-11-23 10:00:00.600000');
CREATE TABLE phonehome_installation (
    id char(32) NOT NULL PRIMARY KEY,
    created_at datetime NOT NULL,
    silence_email_system_warning bool NOT NULL,
    email_quota_usage text NOT NULL,
    next_quota_check integer unsigned NOT NULL CHECK (next_quota_check >= 0),
    quota_exceeded_until datetime NULL,
    quota_exceeded_reason varchar(255) NOT NULL,
    email_sending_diagnostics text NOT NULL
);
INSERT INTO phonehome_installation VALUES
    ('5f0c3c1f8a5e4b0c9d7e6a1b2c3d4e5f', '2026-11-23 10:00:00.000000', 0, '{"per_month": {}}', 0, NULL, 'null',
     '{"attempts": []}');
COMMIT;
