/* The report of the endurance test. */
#include "e2e/endurance_director.h"

#include <inttypes.h>
#include <stdio.h>

int64_t director_faults_begun(const struct director *director) {
    int64_t sum = 0;
    for (size_t i = 0; i < FAULT_COUNT; i++)
        sum += director->model.counts[i].begun;
    return sum;
}

static int64_t kinds_begun(const struct director *director) {
    int64_t kinds = 0;
    for (size_t i = 0; i < FAULT_COUNT; i++)
        kinds += director->model.counts[i].begun > 0;
    return kinds;
}

static void report_probes(const struct director *director, struct strbuf *text) {
    struct probe_board *board = director->prober.board;
    struct durations took = {board->took_us, board->count, PROBES_MAX};
    int64_t sent = 0;
    for (int end = 0; end < PROBE_END_COUNT; end++)
        sent += board->ends[end];
    strbuf_format(text, "## Probes\n\n%" PRId64 " sent, %lld answered in time (200: %lld, 503: %lld)", sent,
        (long long)board->ends[PROBE_ANSWERED], (long long)board->statuses[0], (long long)board->statuses[1]);
    for (int end = PROBE_ANSWERED + 1; end < PROBE_END_COUNT; end++)
        strbuf_format(text, ", %lld %s", (long long)board->ends[end], probe_end_name((enum probe_end)end));
    strbuf_format(text,
        "; p50 %.1f ms, p99 %.1f ms, slowest %.1f ms. The probing process itself was behind its schedule by "
        "%.1f ms at most.\n\n",
        (double)durations_quantile(&took, 5000) / 1000, (double)durations_quantile(&took, 9900) / 1000,
        (double)durations_quantile(&took, 10000) / 1000, (double)board->behind_max_us / 1000);
    for (int i = 0; i < board->failures; i++)
        strbuf_format(text, "- %s\n", board->failure_texts[i]);
}

static void report_hostile(const struct director *director, struct strbuf *text) {
    strbuf_append(text, "## Other clients\n\n| kind | connections | answers |\n|---|---|---|\n");
    for (int kind = 0; kind < HOSTILE_KINDS; kind++)
        strbuf_format(text, "| %s | %lld | %lld |\n", hostile_name((enum hostile_kind)kind),
            (long long)director->hostile.counts[kind].connections,
            (long long)director->hostile.counts[kind].answers);
}

static void report_faults(const struct director *director, struct strbuf *text) {
    strbuf_append(text,
        "\n## Faults\n\nShown: those that lasted until they showed, as the table of failures says. "
        "Times in ms: the slowest, and the bound, which a busy machine may miss by 700.\n\n| fault | made | "
        "shown | "
        "slowest to show | bound | slowest to recover | bound |\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        const struct fault_count *count = &director->model.counts[i];
        bool shows = FAULTS[i].effect != EFFECT_NONE && FAULTS[i].effect != EFFECT_PASSES;
        strbuf_format(text, "| %s | %" PRId64 " | ", FAULTS[i].name, count->begun);
        if (shows)
            strbuf_format(text, "%" PRId64 " | %" PRId64 " | %" PRId64 " | %" PRId64 " | %" PRId64 " |\n",
                count->shown, count->slowest_show_ms, model_show_bound_ms(&FAULTS[i]),
                count->slowest_recovery_ms, count->recovery_bound_ms);
        else
            strbuf_append(text, "- | - | - | - | - |\n");
    }
}

static void report_resources(const struct director *director, struct strbuf *text) {
    const struct resource_watch *watch = &director->watch;
    const struct figures *a = &watch->begin, *z = &watch->end;
    strbuf_format(text,
        "\n## The daemon\n\n| | at the beginning | most | at the end |\n|---|---|---|---|\n"
        "| checker: resident KiB | %" PRId64 " | %" PRId64 ", in the last quarter %" PRId64 " | %" PRId64
        " |\n| responder: resident KiB | %" PRId64 " | %" PRId64 ", in the last quarter %" PRId64
        " | %" PRId64 " |\n| checker: descriptors | %d | %d | %d |\n| responder: descriptors | %d | %d | %d "
        "|\n| children, with the responder | %d | %d | %d |\n\n",
        a->checker_kib, watch->peak_early.checker_kib, watch->peak_late.checker_kib, z->checker_kib,
        a->responder_kib, watch->peak_early.responder_kib, watch->peak_late.responder_kib, z->responder_kib,
        a->checker_descriptors, watch->most_checker_descriptors, z->checker_descriptors,
        a->responder_descriptors, watch->most_responder_descriptors, z->responder_descriptors, a->children,
        watch->most_children, z->children);
    strbuf_format(text,
        "%" PRId64 " lines of log, at most %" PRId64 " a second; %" PRId64 " SIGHUPs; %" PRId64
        " children killed. At rest afterwards: %" PRId64 " ms of processor time in %" PRId64
        " ms.\n\n%" PRId64 " looks at the pages were judged by the model; %" PRId64
        " times the test itself, or a process as modest as a worker, was not run for a quarter of a "
        "second.\n",
        watch->log.lines, watch->log.most_a_second, director->scene.reloads, director->scene.children_killed,
        director->idle_cpu_ms, director->idle_ms, director->model.observations, director->model.starvations);
}

void director_report(const struct director *director) {
    struct strbuf text = {0};
    char path[512];
    const struct scene *scene = &director->scene;
    strbuf_format(&text,
        "# Endurance\n\n%" PRId64 " s, seed %" PRIu64 ": %" PRId64 " faults of %" PRId64 " kinds",
        director->seconds, director->seed, director_faults_begun(director), kinds_begun(director));
    strbuf_format(&text, "; %d violations. The processor was limited by %s.\n\n",
        director->model.violation_count, processor_limit_name(&scene->limit));
    if (scene->confined)
        strbuf_format(&text, "Without hung volume and full disk: %s.\n\n", scene->confined);
    if (scene->no_mariadb)
        strbuf_format(&text, "Without MariaDB: %s.\n\n", scene->no_mariadb);
    if (director->model.violations.data)
        strbuf_format(&text, "%s\n", director->model.violations.data);
    report_probes(director, &text);
    report_hostile(director, &text);
    report_faults(director, &text);
    report_resources(director, &text);
    program_beside(path, sizeof path, "endurance.md");
    FILE *file = fopen(path, "w");
    if (!file || fputs(text.data, file) < 0 || fclose(file) != 0)
        perror(path);
    printf("endurance: %" PRId64 " faults of %" PRId64 " kinds, %lld probes answered, %d violations: %s\n",
        director_faults_begun(director), kinds_begun(director),
        (long long)director->prober.board->ends[PROBE_ANSWERED], director->model.violation_count, path);
    strbuf_release(&text);
}
