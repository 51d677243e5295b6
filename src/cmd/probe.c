/* probe: asks a running sidecar, and says why when it fails; the kubelet shows that text in `kubectl
 * describe`. */
#include "cmd/all.h"

#include "base/str.h"
#include "checker/listen.h"
#include "cmd/cmd.h"
#include "cmd/http_get.h"
#include "config/duration.h"
#include "config/suggest.h"
#include "report/reason.h"
#include "report/route.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct args *args);
static int refuse_word(const char *word);

static const struct own_flag FLAGS[] = {
    {"--timeout", "3s", false, "how long to wait for the answer", NULL},
    {"--quiet", NULL, false, "print nothing: the exit status says it", "-q"},
    {0},
};

const struct command command_probe = {
    .name = "probe",
    .words = "[live|ready|started|self|URL]",
    .flags = FLAGS,
    .takes_options = true,
    .help = "ask a running sidecar whether all is ready; print the reason when it is not",
    .about = "Asks the sidecar that runs on the configured address, or a URL.\n"
             "Prints ok, or why not; exit status 0 or 1. For an exec probe or a HEALTHCHECK in\n"
             "an image without curl.\n\n"
             "  live     does Bugsink answer?        ready  may it be sent traffic? (default)\n"
             "  started  have all checks run once, and has Bugsink answered?\n"
             "  self     does the sidecar work?\n",
    .refuse_word = refuse_word,
    .run = run,
};

enum { URL_SIZE = 1024 };

/* The route of that word, or NULL. */
static const struct route *find_route(const char *word) {
    for (int id = 0; id < ROUTE_COUNT; id++) {
        const struct route *route = route_of((enum route_id)id);
        if (route->word && strcmp(route->word, word) == 0)
            return route;
    }
    return NULL;
}

/* What comes from a port may be anybody's, and what is printed here goes to a terminal or into the kubelet's
 * events: printable ASCII and line ends pass. */
static void print_foreign(const char *text) {
    for (; *text; text++)
        putchar((*text >= ' ' && *text <= '~') || *text == '\n' ? *text : '?');
}

/* Prints a word of the sidecar's, or ours where it has none: an older one sends no "why". */
static void print_words(const char *theirs, const char *ours) {
    const char *words = theirs ? theirs : ours;
    if (!words)
        return;
    putchar(' ');
    print_foreign(words);
}

/* Prints why one check is not ok. why: its message and hint, as far as the sidecar has sent them. */
static void print_check(const char *name, const char *code, bool is_failed, const json_t *why) {
    const struct reason_info *info = code ? reason_find(code) : NULL;
    bool is_starting = info && info->verdict == STATUS_STARTING;
    print_foreign(name);
    printf(": %s", is_starting ? "" : is_failed ? "error: " : "degraded: ");
    print_foreign(code ? code : "no code");
    if (info) {
        putchar('.');
        print_words(json_string_value(json_object_get(why, "message")), info->sentence);
        print_words(json_string_value(json_object_get(why, "hint")), info->hint);
    }
    putchar('\n');
}

static bool has_member(const json_t *names, const char *name) {
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *member = json_string_value(json_array_get(names, i));
        if (member && strcmp(member, name) == 0)
            return true;
    }
    return false;
}

/* Explains the JSON of a failed readiness probe; returns false if it is none. */
static bool explain(const char *body) {
    json_t *json = json_loads(body, 0, NULL), *codes = json_object_get(json, "codes"), *code;
    const char *message = json_string_value(json_object_get(json, "message")), *name;
    const char *own_code = json_string_value(json_object_get(json, "code"));
    bool is_ours = json_is_object(codes);
    if (is_ours && own_code && message) {
        print_foreign(own_code);
        fputs(": ", stdout);
        print_foreign(message);
        putchar('\n');
    }
    json_object_foreach(codes, name, code)
        print_check(name, json_string_value(code), has_member(json_object_get(json, "failed"), name),
            json_object_get(json_object_get(json, "why"), name));
    json_decref(json);
    return is_ours;
}

static int report(const struct http_answer *answer, bool is_quiet) {
    if (is_quiet)
        return answer->status == 200 ? EXIT_READY : EXIT_NOT_READY;
    if (answer->status == 200) {
        puts("ok");
        return EXIT_READY;
    }
    printf("HTTP %d\n", answer->status);
    size_t length = strlen(answer->body);
    if (!explain(answer->body)) {
        print_foreign(answer->body);
        if (length > 0 && answer->body[length - 1] != '\n')
            putchar('\n');
    }
    return EXIT_NOT_READY;
}

static int refuse_target(const char *word, struct error *err) {
    struct suggestion suggestion;
    suggestion_init(&suggestion, word);
    for (int id = 0; id < ROUTE_COUNT; id++)
        if (route_of((enum route_id)id)->word)
            suggestion_consider(&suggestion, route_of((enum route_id)id)->word);
    if (suggestion.best)
        return error_set(err, "probe %s: did you mean %s?", str_quotable(word, ""), suggestion.best);
    return error_set(
        err, "probe %s: write live, ready, started, self or http://HOST:PORT/PATH", str_quotable(word, ""));
}

static int refuse_word(const char *word) {
    struct error err;
    if (strncmp(word, "http://", 7) == 0 || find_route(word))
        return -1;
    refuse_target(word, &err);
    return cmd_refuse(err.text);
}

/* The URL that the words name; a word of ours means the sidecar that the configuration describes. */
static int find_url(const struct args *args, char *url, size_t size, struct error *err) {
    const char *word = args->word_count > 0 ? args->words[0] : "ready";
    if (args->word_count > 1)
        return error_set(err, "probe takes one target");
    if (strncmp(word, "http://", 7) == 0)
        return snprintf(url, size, "%s", word) < (int)size ? 0 : error_set(err, "the URL is too long");
    const struct route *route = find_route(word);
    if (!route)
        return refuse_target(word, err);
    char base[256], *listen = config_listen(&args->source);
    int result = listen_local_url(listen, base, sizeof base);
    free(listen);
    if (result < 0 || snprintf(url, size, "%s%s", base, route->label) >= (int)size)
        return error_set(err, "cannot tell where the sidecar listens");
    return 0;
}

static int run(struct args *args) {
    struct error err;
    char url[URL_SIZE];
    int64_t timeout_ms;
    bool is_quiet = args_has(args, "--quiet");
    if (find_url(args, url, sizeof url, &err) < 0)
        return cmd_refuse(err.text);
    if (duration_parse(args_value(args, "--timeout", "3s"), &timeout_ms, &err) < 0) {
        error_prefix(&err, "--timeout");
        return cmd_refuse(err.text);
    }
    if (timeout_ms <= 0)
        return cmd_refuse("--timeout: a probe needs some time, such as 3s");
    struct http_answer answer;
    if (http_get(url, timeout_ms, &answer, &err) < 0) {
        if (!is_quiet)
            puts(err.text);
        return EXIT_NOT_READY;
    }
    int status = report(&answer, is_quiet);
    free(answer.body);
    return fflush(stdout) == 0 ? status : EXIT_NOT_READY;
}
