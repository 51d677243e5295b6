/* probe: asks a running sidecar, and says why when it fails; the kubelet shows that text in `kubectl
 * describe`. */
#include "cmd/cmd.h"

#include "checker/listen.h"
#include "cmd/args.h"
#include "cmd/http_get.h"
#include "config/duration.h"
#include "report/reason.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct own_flag FLAGS[] = {{"--timeout", true}, {0}};

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

/* Explains the JSON of a failed readiness probe; returns false if it is none. */
static bool explain(const char *body) {
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
    }
    json_decref(json);
    return is_ours;
}

static int report(const struct http_answer *answer) {
    if (answer->status == 200) {
        puts("ok");
        return EXIT_READY;
    }
    printf("HTTP %d\n", answer->status);
    if (!explain(answer->body))
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
    return error_set(err, "probe %s: write live, ready, started, self or http://...", word);
}

int cmd_probe(char **argv, const char *const *environment) {
    struct args args;
    struct error err;
    int64_t timeout_ms;
    char url[1024];
    if (args_parse(&args, argv, FLAGS, environment, &err) < 0 || find_url(&args, url, sizeof url, &err) < 0)
        return cmd_refuse(err.text);
    if (duration_parse(args_value(&args, "--timeout", "3s"), &timeout_ms, &err) < 0) {
        error_prefix(&err, "--timeout");
        return cmd_refuse(err.text);
    }
    struct http_answer answer;
    if (http_get(url, timeout_ms, &answer, &err) < 0) {
        puts(err.text);
        return EXIT_NOT_READY;
    }
    int status = report(&answer);
    free(answer.body);
    return fflush(stdout) == 0 ? status : EXIT_NOT_READY;
}
