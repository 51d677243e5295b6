/* End to end: reads and writes that take less than they were given, and calls that are interrupted every
 * other time, in all processes at once. Every answer is the same, byte for byte, but for its times. */
#include "e2e/faults.h"
#include "e2e/world.h"
#include "harness/bugsink.h"
#include "harness/postgres.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include "base/str.h"

#include <check.h>
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SHOWS_MS = 10000,
    MANY = 500,
    RELOADS_MAX = 5,
    RELOAD_MS = 8000,
    COMMAND_MS = 20000,
    ALL = FAULT_CHECKER | FAULT_RESPONDER | FAULT_CHILD
};

static const struct mode {
    const char *name;
    int cut, storm;
} MODES[] = {
    {"one byte at a time", 1, 0}, {"both", 7, 2}, {"up to 100 bytes", 100, 0}, {"interrupted", 0, 2}};

enum { MODE_COUNT = sizeof MODES / sizeof MODES[0] };

static void set_mode(struct fault_control *control, const struct mode *mode) {
    control->roles = ALL;
    control->hits = 0;
    control->cut = mode ? mode->cut : 0;
    control->storm = mode ? mode->storm : 0;
}

/* -- a world with a check of each kind -- */

struct stage {
    struct world *world;
    struct fault_control *control;
    struct postgres_server *postgres; /* NULL: not installed */
    struct bugsink app;               /* reads whole requests before it answers */
};

static void write_config(struct stage *stage, const char *databases) {
    world_write_config(stage->world,
        "{\"databases\": {\"snappea\": {\"dsn\": \"%s\"}%s}, \"directories\": {\"tmp\": {\"path\": \"%s\"}},"
        " \"settings\": {\"path\": \"%s\"}, \"app\": {\"url\": \"http://127.0.0.1:%d\", \"expect\": "
        "\"OK\"}}",
        stage->world->queue_db, databases, stage->world->dir, stage->world->settings, stage->app.port);
}

static void stage_init(struct stage *stage) {
    char databases[600];
    *stage = (struct stage){.world = world_new(), .app = bugsink_start(0)};
    stage->control = faults_preload(&stage->world->environment, stage->world->dir);
    snprintf(databases, sizeof databases, ", \"default\": {\"dsn\": \"%s\"}", stage->world->main_db);
    if (postgres_is_installed()) {
        stage->postgres = postgres_start(NULL);
        char *dsn =
            postgres_dsn(stage->postgres, "bugsink", POSTGRES_PASSWORD_ENCODED, "bugsink", "?sslmode=prefer");
        snprintf(databases, sizeof databases, ", \"default\": {\"dsn\": \"%s\"}", dsn);
        free(dsn);
    }
    write_config(stage, databases);
    /* The pages are those of the first run of each check, and none is slow, however busy the machine is. */
    envlist_set(&stage->world->environment, "BUGSINK_HEALTH_INTERVAL=10m");
    envlist_set(&stage->world->environment, "BUGSINK_HEALTH_TIMEOUT=100s");
    envlist_set(&stage->world->environment, "BUGSINK_HEALTH_SLOW=99s");
}

static void stage_release(struct stage *stage) {
    if (stage->world->daemon.checker > 0)
        world_end(stage->world);
    else
        free(stage->world);
    faults_release(stage->control);
    bugsink_stop(&stage->app);
    if (stage->postgres)
        postgres_free(stage->postgres);
}

/* -- what is the same -- */

/* The length of a unit of time behind a number, which depends on how long something took, and of what follows
 * it in 1m07s. */
static size_t unit_length(const char *text) {
    if (text[0] && strchr("dhm", text[0]) && isdigit((unsigned char)text[1]))
        return 1 + strspn(text + 1, "0123456789");
    size_t length = strncmp(text, " ms", 3) == 0 ? 3 : strncmp(text, " s", 2) == 0 ? 2 : 0;
    return length > 0 && !isalnum((unsigned char)text[length]) ? length : 0;
}

/* The text with each number as one sign, without its unit, and so the room before it: times, latencies,
 * process ids. The caller frees. */
static char *without_numbers(const char *text) {
    struct strbuf plain = {0};
    for (const char *c = text; *c;) {
        size_t digits = strspn(c, "0123456789");
        if (digits > 0) {
            strbuf_append(&plain, "#");
            c += digits + unit_length(c + digits);
        } else {
            if (c[0] != ' ' || c[1] != ' ')
                strbuf_append_n(&plain, c, 1);
            c++;
        }
    }
    return plain.data;
}

/* A page is long, and what differs is a word of it: that is shown, with what stands around it. */
static void assert_same(const char *mode, const char *name, const char *text, const char *reference) {
    enum { AROUND = 200 };
    size_t at = 0;
    while (text[at] && text[at] == reference[at])
        at++;
    size_t from = at > AROUND ? at - AROUND : 0;
    ck_assert_msg(text[at] == reference[at], "%s: %s: %.*s\nnot %.*s", mode, name, 2 * AROUND, text + from,
        2 * AROUND, reference + from);
}

static const struct {
    const char *path, *headers;
} PAGES[] = {{"/health/live/", ""}, {"/health/ready/", ""}, {"/health/", ""}, {"/health/started/", ""},
    {"/health/self/", ""}, {"/health/ready/snappea/", ""}, {"/health/", "Accept: text/html\r\n"},
    {"/none", ""}};

enum { PAGE_COUNT = sizeof PAGES / sizeof PAGES[0] };

/* Head and body. The caller frees. */
static char *get(struct stage *stage, int n) {
    struct http_response *response = &stage->world->response;
    http_request(stage->world->daemon.port, "GET", PAGES[n].path, PAGES[n].headers, response);
    ck_assert_msg(response->status != 0 && response->is_whole && response->extra_bytes == 0, "%s: %s",
        PAGES[n].path, response->head);
    struct strbuf whole = {0};
    strbuf_format(&whole, "%s%s", response->head, response->body);
    char *plain = without_numbers(whole.data);
    strbuf_release(&whole);
    return plain;
}

START_TEST(short_reads_and_writes_and_interruptions_change_no_answer) {
    struct stage stage;
    const struct mode *mode = &MODES[_i];
    const char *why = faults_why_not();
    char *reference[PAGE_COUNT];
    if (why) {
        skip_test("short_reads_and_writes_and_interruptions_change_no_answer", why);
        return;
    }
    stage_init(&stage);
    world_start_with(stage.world, NULL, 0);
    world_await(stage.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    for (int i = 0; i < PAGE_COUNT; i++)
        reference[i] = get(&stage, i);
    ck_assert_int_eq(daemon_stop(&stage.world->daemon, SIGINT, SHOWS_MS), 0);
    /* The same from its start. */
    set_mode(stage.control, mode);
    world_start_with(stage.world, NULL, 0);
    world_await(stage.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    for (int i = 0; i < PAGE_COUNT; i++) {
        char *page = get(&stage, i);
        assert_same(mode->name, PAGES[i].path, page, reference[i]);
        free(page);
        free(reference[i]);
    }
    ck_assert_int_eq(http_probe(stage.world->daemon.port, "/metrics", &stage.world->response), 200);
    ck_assert(stage.world->response.is_whole);
    ck_assert_int_gt(stage.control->hits, 50);
    stage_release(&stage);
}
END_TEST

/* -- a reload to a page of some hundred kilobytes -- */

static void write_many(struct stage *stage) {
    struct strbuf text = {0};
    strbuf_append(&text, "{\"databases\": {}, \"directories\": {");
    for (int i = 0; i < MANY; i++)
        strbuf_format(&text, "%s\"check-%d\": {\"path\": \"%s\"}", i > 0 ? ", " : "", i, stage->world->dir);
    strbuf_append(&text, "}}");
    tempdir_write(stage->world->config, text.data);
    strbuf_release(&text);
}

START_TEST(a_reload_to_500_checks_comes_whole_in_short_pieces) {
    struct stage stage;
    const char *why = faults_why_not();
    if (why) {
        skip_test("a_reload_to_500_checks_comes_whole_in_short_pieces", why);
        return;
    }
    stage_init(&stage);
    set_mode(stage.control, &(const struct mode){"up to 4000 bytes", 4000, 3});
    world_start_with(stage.world, NULL, 0);
    world_await(stage.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    write_many(&stage);
    bool has_reloaded = false;
    for (int i = 0; i < RELOADS_MAX && !has_reloaded; i++) { /* the file must be read within 5 s */
        kill(stage.world->daemon.checker, SIGHUP);
        has_reloaded = daemon_wait_log(&stage.world->daemon, "event=reloaded", "", RELOAD_MS);
    }
    char *log = daemon_log(&stage.world->daemon);
    ck_assert_msg(has_reloaded, "%s", log);
    free(log);
    world_await(stage.world, "/health/ready/check-499/", 200, "\"status\": \"ok\"", SHOWS_MS);
    world_await(stage.world, "/health/ready/", 200, "\"status\": \"ok\"",
        SHOWS_MS); /* the others come as they come */
    stage_release(&stage);
}
END_TEST

/* -- commands -- */

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines in the order of the alphabet: checks end as they end. Takes the text. The caller frees. */
static char *sorted(char *text) {
    enum { LINES_MAX = 400 };
    char *lines[LINES_MAX], *rest = text;
    size_t count = 0;
    struct strbuf whole = {0};
    while (count < LINES_MAX && (lines[count] = strsep(&rest, "\n")) != NULL)
        count++;
    qsort(lines, count, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < count; i++)
        if (!strstr(lines[i], " so far")) /* on the way to the end of `wait` */
            strbuf_format(&whole, "%s\n", lines[i]);
    free(text);
    return whole.data;
}

/* What it says, and its exit status. The caller frees. */
static char *run(struct stage *stage, const char *const *arguments) {
    struct program_result *result = malloc(sizeof *result);
    const struct program_setup setup = {&stage->world->environment, arguments, 0};
    ck_assert_ptr_nonnull(result);
    program_run(&setup, COMMAND_MS, result);
    struct strbuf text = {0};
    strbuf_format(&text, "%d\n%s\n%s", result->exit_status, result->output, result->errors);
    free(result);
    char *plain = without_numbers(text.data);
    strbuf_release(&text);
    return sorted(plain);
}

START_TEST(commands_say_the_same_in_short_pieces_and_interrupted) {
    static const char *const COMMANDS[][4] = {{"check"}, {"check", "--json"}, {"config"},
        {"explain", "timeout"}, {"probe"}, {"probe", "ready"}, {"wait"}};
    struct stage stage;
    const char *why = faults_why_not();
    if (why) {
        skip_test("commands_say_the_same_in_short_pieces_and_interrupted", why);
        return;
    }
    stage_init(&stage);
    world_start_with(stage.world, NULL, 0);
    envlist_set(&stage.world->environment, "BUGSINK_HEALTH_LISTEN=127.0.0.1:%d", stage.world->daemon.port);
    world_await(stage.world, "/health/ready/", 200, "\"status\": \"ok\"", SHOWS_MS);
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        set_mode(stage.control, NULL);
        char *reference = run(&stage, COMMANDS[i]);
        set_mode(stage.control, &MODES[_i]);
        char *text = run(&stage, COMMANDS[i]);
        assert_same(MODES[_i].name, COMMANDS[i][0], text, reference);
        free(reference);
        free(text);
    }
    stage_release(&stage);
}
END_TEST

Suite *e2e_short_suite(void) {
    Suite *suite = suite_create("e2e_short");
    TCase *tcase = tcase_create("e2e_short");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, short_reads_and_writes_and_interruptions_change_no_answer, 0, MODE_COUNT);
    tcase_add_test(tcase, a_reload_to_500_checks_comes_whole_in_short_pieces);
    tcase_add_loop_test(tcase, commands_say_the_same_in_short_pieces_and_interrupted, 0, 2);
    return suite;
}
