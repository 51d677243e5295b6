/* probe: asks a running sidecar, and says why when it fails; the kubelet shows that text in `kubectl
 * describe`. */
#include "cmd/cmd.h"

#include "base/str.h"
#include "checker/listen.h"
#include "cmd/args.h"
#include "cmd/commands.h"
#include "cmd/http_get.h"
#include "config/duration.h"
#include "report/reason.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_SIZE = 1024 };

struct probe {
    char url[URL_SIZE];
    int64_t timeout_ms; /* of one request */
};

static const struct {
    const char *word, *path;
} TARGETS[] = {
    {"ready", "/health/ready/"},
    {"live", "/health/live/"},
    {"started", "/health/started/"},
    {"self", "/health/self/"},
};

/* Prints what a member like "snappea": "error: locked" says, with the reason table's words. */
static void print_member(const char *name, const char *text) {
    if (!text || strcmp(text, "ok") == 0 || strcmp(text, "not configured") == 0)
        return;
    const char *colon = strstr(text, ": ");
    const struct reason_info *info = colon ? reason_find(colon + 2) : NULL;
    printf("%s: %s", name, text);
    if (info)
        printf(". %s%s%s", info->sentence, info->hint ? " " : "", info->hint ? info->hint : "");
    putchar('\n');
}

/* Prints what has failed of the rest, such as Bugsink itself: the readiness page has its name alone, the page
 * of the check behind that name the code. */
static void print_others(const struct probe *probe, const json_t *json) {
    const json_t *failed = json_object_get(json, "failed"), *databases = json_object_get(json, "databases");
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const char *name = json_string_value(json_array_get(failed, i));
        if (!name || json_object_get(databases, name) || json_object_get(json, name))
            continue;
        struct http_answer answer = {0};
        char url[URL_SIZE + 64], text[64] = "error";
        snprintf(url, sizeof url, "%s%s%s", probe->url, probe->url[strlen(probe->url) - 1] == '/' ? "" : "/",
            name);
        json_t *check =
            http_get(url, probe->timeout_ms, &answer, NULL) == 0 ? json_loads(answer.body, 0, NULL) : NULL;
        const char *code = json_string_value(json_object_get(check, "code"));
        if (code)
            snprintf(text, sizeof text, "error: %s", code);
        print_member(name, text);
        json_decref(check);
        free(answer.body);
    }
}

/* Explains the JSON of a failed readiness probe; returns false if it is none. */
static bool explain(const struct probe *probe, const char *body) {
    json_t *json = json_loads(body, 0, NULL);
    const char *name;
    json_t *value;
    bool is_ours = json_is_object(json_object_get(json, "databases"));
    if (is_ours) {
        const char *message = json_string_value(json_object_get(json, "message"));
        if (message)
            printf("%s: %s\n", json_string_value(json_object_get(json, "code")), message);
        json_object_foreach(json_object_get(json, "databases"), name, value)
            print_member(name, json_string_value(value));
        print_member("app_settings", json_string_value(json_object_get(json, "app_settings")));
        print_others(probe, json);
    }
    json_decref(json);
    return is_ours;
}

static int report(const struct probe *probe, const struct http_answer *answer) {
    if (answer->status == 200) {
        puts("ok");
        return EXIT_READY;
    }
    printf("HTTP %d\n", answer->status);
    if (!explain(probe, answer->body))
        fputs(answer->body, stdout);
    return EXIT_NOT_READY;
}

/* The URL that the words name; a word of ours means the sidecar that the configuration describes. */
static int find_url(const struct args *args, char *url, size_t size, struct error *err) {
    const char *word = args->word_count > 0 ? args->words[0] : "ready";
    if (args->word_count > 1)
        return error_set(err, "probe takes one target");
    if (strncmp(word, "http://", 7) == 0)
        return snprintf(url, size, "%s", word) < (int)size ? 0 : error_set(err, "the URL is too long");
    for (size_t i = 0; i < sizeof TARGETS / sizeof TARGETS[0]; i++) {
        if (strcmp(TARGETS[i].word, word) != 0)
            continue;
        char base[256], *listen = config_listen(&args->source);
        int result = listen_local_url(listen, base, sizeof base);
        free(listen);
        if (result < 0 || snprintf(url, size, "%s%s", base, TARGETS[i].path) >= (int)size)
            return error_set(err, "cannot tell where the sidecar listens");
        return 0;
    }
    return error_set(err, "probe %s: write live, ready, started, self or http://...", str_quotable(word, ""));
}

int cmd_probe(char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    struct probe probe;
    if (args_parse(&args, argv, command_find("probe")->flags, environment, &err) < 0 ||
        find_url(&args, probe.url, sizeof probe.url, &err) < 0)
        return cmd_refuse(err.text);
    if (duration_parse(args_value(&args, "--timeout", "3s"), &probe.timeout_ms, &err) < 0) {
        error_prefix(&err, "--timeout");
        return cmd_refuse(err.text);
    }
    if (probe.timeout_ms <= 0)
        return cmd_refuse("--timeout: a probe needs some time, such as 3s");
    struct http_answer answer;
    if (http_get(probe.url, probe.timeout_ms, &answer, &err) < 0) {
        puts(err.text);
        return EXIT_NOT_READY;
    }
    int status = report(&probe, &answer);
    free(answer.body);
    return fflush(stdout) == 0 ? status : EXIT_NOT_READY;
}
