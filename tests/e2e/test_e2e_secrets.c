/* End to end: wherever a password stands in the configuration, rightly or wrongly encoded, it comes out
 * nowhere. */
#include "e2e/world.h"
#include "harness/proc.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A password has two halves, so that one which is cut in two by wrong encoding is still found. */
#define LEFT  "Zq7xLeftHalf"
#define RIGHT "9kWpRightHalf"

/* "%d" stands for a port on which nothing listens, "%s" for the world's directory. */
static const struct form {
    const char *name;
    const char *variable; /* NAME=VALUE, or NULL */
    const char *dsn;      /* of the configuration file, or NULL */
    const char *file;     /* content of the file `secret` in the world's directory, or NULL */
} FORMS[] = {
    {"file, right", NULL, "\"dsn\": \"postgresql://bugsink:" LEFT "%%40" RIGHT "@127.0.0.1:%d/bugsink\"",
        NULL},
    {"file, as parameter", NULL,
        "\"dsn\": \"postgresql://bugsink@127.0.0.1:%d/bugsink?password=" LEFT RIGHT "\"", NULL},
    {"file, in a file of its own", NULL,
        "\"dsn\": \"postgresql://bugsink@127.0.0.1:%d/bugsink\", \"password_file\": \"%s/secret\"",
        LEFT RIGHT "\n"},
    {"file, the whole DSN in a file of its own", NULL, "\"dsn_file\": \"%s/secret\"",
        "postgresql://bugsink:" LEFT "%40" RIGHT "@127.0.0.1:1/bugsink\n"},
    {"file, a DSN in a file of its own, with @", NULL, "\"dsn_file\": \"%s/secret\"",
        "postgresql://bugsink:" LEFT "@" RIGHT "@127.0.0.1:1/bugsink\n"},
    {"file, the password of a key", NULL,
        "\"dsn\": \"postgresql://bugsink@127.0.0.1:%d/bugsink?sslpassword=" LEFT "%%40" RIGHT "\"", NULL},
    {"file, the password of a key, with a bad escape", NULL,
        "\"dsn\": \"postgresql://bugsink@127.0.0.1:%d/bugsink?sslpassword=" LEFT "%%zz" RIGHT "\"", NULL},
    {"file, with @", NULL, "\"dsn\": \"postgresql://bugsink:" LEFT "@" RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"file, with /", NULL, "\"dsn\": \"postgresql://bugsink:" LEFT "/" RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"file, with ?", NULL, "\"dsn\": \"postgresql://bugsink:" LEFT "?" RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"file, with a bad escape", NULL,
        "\"dsn\": \"postgresql://bugsink:" LEFT "%%zz" RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"file, unknown scheme", NULL, "\"dsn\": \"oracle://bugsink:" LEFT RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"file, mysql", NULL, "\"dsn\": \"mysql://bugsink:" LEFT RIGHT "@127.0.0.1:%d/bugsink\"", NULL},
    {"DATABASE_URL, right", "DATABASE_URL=postgres://bugsink:" LEFT "%%2F" RIGHT "@127.0.0.1:%d/bugsink",
        NULL, NULL},
    {"DATABASE_URL, as parameter",
        "DATABASE_URL=postgres://bugsink@127.0.0.1:%d/bugsink?password=" LEFT RIGHT, NULL, NULL},
    {"DATABASE_URL, with @", "DATABASE_URL=postgres://bugsink:" LEFT "@" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, with /", "DATABASE_URL=postgres://bugsink:" LEFT "/" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, with #", "DATABASE_URL=postgres://bugsink:" LEFT "#" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, with ?", "DATABASE_URL=postgres://bugsink:" LEFT "?" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, with :", "DATABASE_URL=postgres://bugsink:" LEFT ":" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, with a bracket",
        "DATABASE_URL=postgres://bugsink:" LEFT "[" RIGHT "@127.0.0.1:%d/bugsink", NULL, NULL},
    {"DATABASE_URL, with a bad escape",
        "DATABASE_URL=postgres://bugsink:" LEFT "%%zz" RIGHT "@127.0.0.1:%d/bugsink", NULL, NULL},
    {"DATABASE_URL, without scheme", "DATABASE_URL=bugsink:" LEFT RIGHT "@127.0.0.1:%d/bugsink", NULL, NULL},
    {"DATABASE_URL, mysql", "DATABASE_URL=mysql://bugsink:" LEFT "%%2F" RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
    {"DATABASE_URL, mysql, with @", "DATABASE_URL=mysql://bugsink:" LEFT "@" RIGHT "@127.0.0.1:%d/bugsink",
        NULL, NULL},
    {"DATABASE_URL_FILE, mysql", "DATABASE_URL_FILE=%s/secret", NULL,
        "mysql://bugsink:" LEFT RIGHT "@127.0.0.1:1/bugsink\n"},
    {"DATABASE_URL_FILE", "DATABASE_URL_FILE=%s/secret", NULL,
        "postgres://bugsink:" LEFT RIGHT "@127.0.0.1:1/bugsink\n"},
    {"a path with a password", "DATABASE_PATH=postgresql://bugsink:" LEFT RIGHT "@127.0.0.1:%d/bugsink", NULL,
        NULL},
};
enum { FORM_COUNT = sizeof FORMS / sizeof FORMS[0] };

/* Replaces "%d", "%s" and "%%" of a form. */
static void fill_in(const struct world *world, const char *pattern, int port, char *text, size_t size) {
    size_t length = 0;
    for (const char *c = pattern; *c && length + 1 < size; c++) {
        if (*c != '%') {
            text[length++] = *c;
            continue;
        }
        c++;
        if (*c == '%')
            length += (size_t)snprintf(text + length, size - length, "%%");
        else if (*c == 'd')
            length += (size_t)snprintf(text + length, size - length, "%d", port);
        else
            length += (size_t)snprintf(text + length, size - length, "%s", world->dir);
    }
    ck_assert_uint_lt(length, size);
    text[length] = '\0';
}

static void set_up_form(struct world *world, const struct form *form) {
    char text[1024], path[512];
    int port = daemon_free_port();
    if (form->file) {
        snprintf(path, sizeof path, "%s/secret", world->dir);
        tempdir_write(path, form->file);
    }
    if (form->dsn) {
        fill_in(world, form->dsn, port, text, sizeof text);
        world_write_config(world,
            "{\"databases\": {\"default\": {%s},\n\"snappea\": {\"dsn\": \"%s\", \"role\": \"queue\"}}}",
            text, world->queue_db);
    } else {
        envlist_unset(&world->environment, "DATABASE_PATH");
        fill_in(world, form->variable, port, text, sizeof text);
        envlist_set(&world->environment, "%s", text);
    }
    envlist_set(&world->environment, "PGPASSWORD=%s", LEFT); /* libpq's own: it stays out as well */
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_LEVEL=debug");
}

static void assert_clean(const struct form *form, const char *where, const char *text) {
    ck_assert_msg(!strstr(text, LEFT) && !strstr(text, RIGHT), "%s: the password stands in %s:\n%s",
        form->name, where, text);
}

static void assert_processes_are_clean(const struct form *form, const struct daemon *daemon) {
    static const char *const HALVES[] = {LEFT, RIGHT};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_msg(
            proc_file_holds(daemon->checker, "cmdline", HALVES[i]) == 0, "%s: arguments", form->name);
        ck_assert_msg(
            proc_file_holds(daemon->responder, "cmdline", HALVES[i]) == 0, "%s: arguments", form->name);
        ck_assert_msg(proc_file_holds(daemon->responder, "environ", HALVES[i]) <= 0,
            "%s: responder's environment", form->name);
        /* The sanitizer's runtime keeps a copy of the environment, out of the program's reach. */
        ck_assert_msg(world_is_sanitized() || proc_memory_holds(daemon->responder, HALVES[i]) <= 0,
            "%s: responder's memory", form->name);
    }
    /* The search itself works: where the form is right, the checker must know the password. */
    int is_found = strstr(form->name, "right") ? proc_memory_holds(daemon->checker, LEFT) : 1;
    ck_assert_msg(is_found != 0, "%s: the search finds nothing even in the checker", form->name);
    if (is_found < 0)
        skip_test("no_form_of_password_comes_out_of_the_daemon",
            "only root may look into processes that are not dumpable");
}

static const char *const PAGES[] = {"/health/live", "/health/ready", "/health", "/health/started",
    "/health/self", "/health/ready/default", "/health/ready/snappea", "/nosuch"};

static void assert_pages_are_clean(const struct form *form, struct world *world) {
    for (size_t i = 0; i < sizeof PAGES / sizeof PAGES[0]; i++) {
        ck_assert_int_ne(world_get(world, PAGES[i]), 0);
        assert_clean(form, "a head", world->response.head);
        assert_clean(form, "a body", world->response.body);
    }
    ck_assert_int_ne(
        http_request(world->daemon.port, "GET", "/health/", "Accept: text/html\r\n", &world->response), 0);
    ck_assert_ptr_nonnull(strstr(world->response.body, "</html>"));
    assert_clean(form, "the page for people", world->response.body);
}

struct start {
    struct world *world;
    bool has_ended;
    int status;
};

static bool has_started_or_ended(void *arg) {
    struct start *start = arg;
    start->status = daemon_wait_exit(&start->world->daemon, 0);
    start->has_ended = start->status != -2;
    return start->has_ended || (world_get(start->world, "/health/started") == 200);
}

/* Some forms are refused at start, and rightly: then only the refusal can betray anything. */
static void serve(const struct form *form, struct world *world) {
    struct start start = {.world = world};
    world->daemon.port = daemon_free_port();
    const struct daemon_setup setup = {.environment = &world->environment};
    daemon_spawn(&world->daemon, &setup);
    ck_assert_msg(wait_until(has_started_or_ended, &start, 5000), "%s: neither runs nor ends", form->name);
    if (start.has_ended) {
        ck_assert_msg(start.status == 2, "%s: status %d", form->name, start.status);
    } else {
        ck_assert_int_eq(proc_children(world->daemon.checker, &world->daemon.responder, 1), 1);
        assert_pages_are_clean(form, world);
        assert_processes_are_clean(form, &world->daemon);
        kill(world->daemon.checker, SIGHUP); /* what a reload logs */
        daemon_wait_log(&world->daemon, "reload", "", 10000);
        ck_assert_int_eq(daemon_stop(&world->daemon, SIGINT, 3000), 0);
    }
    char *log = daemon_log(&world->daemon);
    ck_assert_uint_gt(strlen(log), 0);
    assert_clean(form, "the log", log);
    free(log);
}

START_TEST(no_form_of_password_comes_out_of_the_daemon) {
    const struct form *form = &FORMS[_i % FORM_COUNT];
    struct world *world = world_new();
    set_up_form(world, form);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_FORMAT=%s", _i < FORM_COUNT ? "text" : "json");
    serve(form, world);
    world_end(world);
}
END_TEST

static const char *const COMMANDS[][3] = {{"config", NULL}, {"check", NULL}, {"check", "--json", NULL}};

START_TEST(no_form_of_password_comes_out_of_the_commands) {
    const struct form *form = &FORMS[_i];
    struct world *world = world_new();
    struct program_result *result = malloc(sizeof *result);
    set_up_form(world, form);
    for (size_t i = 0; i < 3; i++) {
        const struct program_setup setup = {&world->environment, COMMANDS[i], 0};
        program_run(&setup, 5000, result);
        ck_assert_int_ge(result->exit_status, 0);
        ck_assert_msg(
            result->output[0] || result->errors[0], "%s: %s said nothing", form->name, COMMANDS[i][0]);
        assert_clean(form, COMMANDS[i][0], result->output);
        assert_clean(form, COMMANDS[i][0], result->errors);
    }
    free(result);
    world_end(world);
}
END_TEST

static const char *const SETTINGS[] = {
    "SECRET_KEY = '" LEFT "'\nBUGSINK = {}\n",
    "SECRET_KEY = '" LEFT "\nBUGSINK = {}\n",
    "SECRET_KEY = '" LEFT RIGHT "'\nBUGSINK = {'" LEFT "': 1\n",
    "OTHER = '''" LEFT "\n",
    "SECRET_KEY = '" LEFT "\xff" RIGHT "'\n",
};

START_TEST(no_value_of_a_setting_comes_out) {
    struct world *world = world_new();
    world_write_settings(world, SETTINGS[_i]);
    envlist_set(&world->environment, "BUGSINK_HEALTH_LOG_LEVEL=debug");
    serve(&(const struct form){.name = "settings"}, world);
    world_end(world);
}
END_TEST

Suite *e2e_secrets_suite(void) {
    Suite *suite = suite_create("e2e_secrets");
    TCase *tcase = tcase_create("e2e_secrets");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, no_form_of_password_comes_out_of_the_daemon, 0, 2 * FORM_COUNT);
    tcase_add_loop_test(tcase, no_form_of_password_comes_out_of_the_commands, 0, FORM_COUNT);
    tcase_add_loop_test(tcase, no_value_of_a_setting_comes_out, 0, sizeof SETTINGS / sizeof SETTINGS[0]);
    return suite;
}
