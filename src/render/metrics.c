/* Renders snapshots as metrics. Times are moments, not ages: an age would be wrong as soon as it is written,
 * and Prometheus subtracts (time() - x). The one age is a measured value, as of the last look. */
#include "render/metrics.h"

#include "report/exposition.h"

/* The labels that every sample of a check has. */
enum { CHECK_LABELS = 2 };

/* One of a check's families; with put NULL it is an observed value, as it is. */
struct check_family {
    const char *name;
    enum metric_type type;
    const char *help;
    void (*put)(struct exposition *page, const struct check_view *check, const struct label *labels);
    enum observed_key observed;
};

/* -- samples of one check -- */

/* The check's labels, and one more. */
static void put_with(struct exposition *page, const struct label *labels, const char *name, const char *value,
    int64_t number) {
    const struct label all[] = {labels[0], labels[1], {name, value}};
    exposition_number(page, all, CHECK_LABELS + 1, number);
}

static void put_status(struct exposition *page, const struct check_view *check, const struct label *labels) {
    static const enum status ALL[] = {STATUS_OK, STATUS_DEGRADED, STATUS_ERROR, STATUS_STARTING};
    for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++)
        put_with(page, labels, "status", status_name(ALL[i]), check->status == ALL[i]);
}

static void put_code(struct exposition *page, const struct check_view *check, const struct label *labels) {
    put_with(page, labels, "code", reason_info(check->reason)->slug, 1);
}

static void put_up(struct exposition *page, const struct check_view *check, const struct label *labels) {
    exposition_number(page, labels, CHECK_LABELS, status_is_ready(check->status));
}

static void put_critical(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    exposition_number(page, labels, CHECK_LABELS, check->is_critical);
}

static void put_last_duration(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    if (check->has_run)
        exposition_seconds(page, labels, CHECK_LABELS, check->latency_ms);
}

static void put_last_run(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    if (check->checked_at_ms > 0)
        exposition_seconds(page, labels, CHECK_LABELS, check->checked_at_ms);
}

static void put_last_success(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    if (check->last_ok_at_ms > 0)
        exposition_seconds(page, labels, CHECK_LABELS, check->last_ok_at_ms);
}

static void put_duration(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    const struct counters *counters = check->counters;
    uint64_t count = 0;
    if (!counters)
        return;
    for (int i = 0; i < COUNTERS_BUCKETS; i++) {
        count += counters->buckets[i];
        exposition_bucket(page, labels, CHECK_LABELS, counters_bound_ms(i), count);
    }
    exposition_bucket(page, labels, CHECK_LABELS, INT64_MAX, counters->runs);
    exposition_sum(page, labels, CHECK_LABELS, counters->duration_ms, counters->runs);
}

static void put_transitions(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    if (check->counters)
        exposition_number(page, labels, CHECK_LABELS, (int64_t)check->counters->transitions);
}

/* Of 60 codes a check meets two or three. */
static void put_failures(
    struct exposition *page, const struct check_view *check, const struct label *labels) {
    for (int reason = 0; check->counters && reason < REASON_COUNT; reason++)
        if (check->counters->failures[reason] > 0)
            put_with(page, labels, "code", reason_info((enum reason)reason)->slug,
                (int64_t)check->counters->failures[reason]);
}

static void put_observed(struct exposition *page, const struct check_view *check, const struct label *labels,
    enum observed_key key) {
    int64_t value, tasks;
    bool is_empty_queue = key == OBSERVED_OLDEST_TASK_AGE_S &&
                          observed_get(&check->observed, OBSERVED_TASKS, &tasks) && tasks == 0;
    if (observed_get(&check->observed, key, &value))
        exposition_number(page, labels, CHECK_LABELS, value);
    else if (is_empty_queue)
        exposition_number(page, labels, CHECK_LABELS, 0);
}

/* -- families -- */

static const struct check_family FAMILIES[] = {
    {.name = "bugsink_health_check_status",
        .help = "Whether the check is in this status: 1 for the one that holds.",
        .put = put_status},
    {.name = "bugsink_health_check_code",
        .help = "The code of the last judged run, as a label; always 1.",
        .put = put_code},
    {.name = "bugsink_health_check_up",
        .help = "Whether the check lets Bugsink be ready: it is ok or degraded.",
        .put = put_up},
    {.name = "bugsink_health_check_critical",
        .help = "Whether Bugsink is not ready while this check is in error.",
        .put = put_critical},
    {.name = "bugsink_health_check_duration_seconds",
        .type = METRIC_HISTOGRAM,
        .help = "How long runs of the check took.",
        .put = put_duration},
    {.name = "bugsink_health_check_last_duration_seconds",
        .help = "How long the last run took.",
        .put = put_last_duration},
    {.name = "bugsink_health_check_last_run_timestamp_seconds",
        .help = "When the last run ended.",
        .put = put_last_run},
    {.name = "bugsink_health_check_last_success_timestamp_seconds",
        .help = "When the last run that was ok ended; not there before the first one.",
        .put = put_last_success},
    {.name = "bugsink_health_check_transitions",
        .type = METRIC_COUNTER,
        .help = "Changes of the check's status.",
        .put = put_transitions},
    {.name = "bugsink_health_check_failures",
        .type = METRIC_COUNTER,
        .help = "Runs that ended degraded or in error, by code; a code is there since its first one.",
        .put = put_failures},
    {.name = "bugsink_health_queue_tasks",
        .help =
            "Tasks in the queue, as of the last look; counted up to 10001, or one more than backlog.tasks.",
        .observed = OBSERVED_TASKS},
    {.name = "bugsink_health_queue_oldest_task_age_seconds",
        .help = "How long the oldest task had waited at the last look; 0 when none waited.",
        .observed = OBSERVED_OLDEST_TASK_AGE_S},
    {.name = "bugsink_health_queue_task_errors",
        .help = "Failed tasks in Bugsink's newest statistics of the queue.",
        .observed = OBSERVED_TASK_ERRORS},
    {.name = "bugsink_health_disk_free_bytes",
        .help = "Free space on the volume that the check looks at.",
        .observed = OBSERVED_FREE_BYTES},
    {.name = "bugsink_health_disk_free_inodes",
        .help = "Free inodes on the volume that the check looks at.",
        .observed = OBSERVED_FREE_INODES},
    {.name = "bugsink_health_file_bytes",
        .help = "Size of the file that is checked.",
        .observed = OBSERVED_FILE_BYTES},
    {.name = "bugsink_health_wal_bytes",
        .help = "Size of the database's write-ahead log.",
        .observed = OBSERVED_WAL_BYTES},
};

static size_t told_checks(const struct snapshot *snapshot) {
    return snapshot->check_count < METRICS_CHECKS_MAX ? snapshot->check_count : METRICS_CHECKS_MAX;
}

static void put_family(
    struct exposition *page, const struct snapshot *snapshot, const struct check_family *family) {
    exposition_family(page, family->name, family->type, family->help);
    for (size_t i = 0; i < told_checks(snapshot); i++) {
        const struct check_view *check = &snapshot->checks[i];
        const struct label labels[CHECK_LABELS] = {{"check", check->name}, {"kind", check->kind}};
        if (family->put)
            family->put(page, check, labels);
        else
            put_observed(page, check, labels, family->observed);
    }
}

static void put_gauge(struct exposition *page, const char *name, const char *help, int64_t value) {
    exposition_family(page, name, METRIC_GAUGE, help);
    exposition_number(page, NULL, 0, value);
}

static void put_time(struct exposition *page, const char *name, const char *help, int64_t wall_ms) {
    exposition_family(page, name, METRIC_GAUGE, help);
    exposition_seconds(page, NULL, 0, wall_ms);
}

static void put_count(struct exposition *page, const char *name, const char *help, int64_t count) {
    exposition_family(page, name, METRIC_COUNTER, help);
    exposition_number(page, NULL, 0, count);
}

static void put_cpu(struct exposition *page, const char *name, const char *help, int64_t used_ms) {
    exposition_family(page, name, METRIC_COUNTER, help);
    exposition_seconds(page, NULL, 0, used_ms);
}

static void put_whole(struct exposition *page, const struct snapshot *snapshot) {
    const struct label versions[] = {
        {"version", snapshot->sidecar_version}, {"bugsink_version", snapshot->app_version}};
    exposition_family(page, "bugsink_health_build", METRIC_INFO, "The sidecar's version, and Bugsink's.");
    exposition_number(page, versions, sizeof versions / sizeof versions[0], 1);
    put_gauge(page, "bugsink_health_started", "Whether every check has run once, and Bugsink has answered.",
        snapshot->has_started);
    put_gauge(
        page, "bugsink_health_draining", "Whether the sidecar has been told to end.", snapshot->is_draining);
    put_gauge(page, "bugsink_health_maintenance", "Whether the maintenance file exists.",
        snapshot->is_in_maintenance);
    put_gauge(page, "bugsink_health_checks", "Checks in the configuration in force.",
        (int64_t)snapshot->check_count);
    put_gauge(page, "bugsink_health_checks_omitted",
        "Checks that have no samples here, for there are too many.",
        (int64_t)(snapshot->check_count - told_checks(snapshot)));
    put_count(page, "bugsink_health_delayed_runs",
        "Runs that began late, because the processor could serve no more at once.", snapshot->delayed_runs);
    put_gauge(page, "bugsink_health_config_last_reload_successful",
        "Whether the last reload of the configuration succeeded; 1 before the first one.",
        !snapshot->has_reload_failed);
    put_time(page, "bugsink_health_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read.", snapshot->config_read_at_ms);
}

/* Under the names that all processes have. */
static void put_process(struct exposition *page, const struct snapshot *snapshot) {
    const struct process_usage *usage = snapshot->usage;
    put_time(page, "process_start_time_seconds", "When the checker started.", snapshot->started_at_ms);
    if (!usage)
        return;
    put_cpu(page, "process_cpu_seconds", "Processor time of the checker.", usage->cpu_ms);
    put_cpu(page, "bugsink_health_children_cpu_seconds",
        "Processor time of the checker's children that have ended: the checks' own.", usage->children_cpu_ms);
    if (usage->resident_bytes >= 0)
        put_gauge(
            page, "process_resident_memory_bytes", "Resident memory of the checker.", usage->resident_bytes);
    if (usage->open_descriptors >= 0)
        put_gauge(page, "process_open_fds", "Open descriptors of the checker.", usage->open_descriptors);
}

static char *render(const struct snapshot *snapshot, enum exposition_format format) {
    struct exposition page = {.format = format};
    put_whole(&page, snapshot);
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++)
        put_family(&page, snapshot, &FAMILIES[i]);
    put_process(&page, snapshot);
    if (page.text.is_broken)
        strbuf_release(&page.text);
    return page.text.data;
}

char *metrics_text(const struct snapshot *snapshot) {
    return render(snapshot, EXPOSITION_TEXT);
}

char *metrics_openmetrics(const struct snapshot *snapshot) {
    return render(snapshot, EXPOSITION_OPENMETRICS);
}
