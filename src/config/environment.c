/* Reads variables and secret files; finds misspelt variables. */
#include "config/environment.h"

#include "base/io.h"
#include "base/str.h"
#include "config/options.h"
#include "config/suggest.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char PREFIX[] = "BUGSINK_HEALTH_";

enum { PREFIX_LENGTH = sizeof PREFIX - 1, SECRET_MAX_BYTES = 64 * 1024, NAME_SIZE = 128 };

const char *environment_get(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}

bool environment_has(const char *const *environment, const char *name) {
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* For each Service NAME Kubernetes sets NAME_SERVICE_HOST, NAME_SERVICE_PORT, NAME_SERVICE_PORT_<port's
 * name>, NAME_PORT and NAME_PORT_<number>_<protocol>, this with _PROTO, _PORT and _ADDR (its page "Service",
 * environment variables). */
static bool is_of_kubernetes(const char *name) {
    return ends_with(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") || ends_with(name, "_PORT") ||
           strstr(name, "_PORT_");
}

static int refuse_unknown(const char *name, struct error *err) {
    struct suggestion suggestion;
    suggestion_init(&suggestion, name + PREFIX_LENGTH);
    const struct config_option_doc *doc;
    for (size_t i = 0; (doc = config_option_doc(i)) != NULL; i++)
        if (doc->variable && strncmp(doc->variable, PREFIX, PREFIX_LENGTH) == 0)
            suggestion_consider(&suggestion, doc->variable + PREFIX_LENGTH);
    if (suggestion.best)
        return error_set(
            err, "%s: no such option; did you mean %s%s?", option_quotable(name), PREFIX, suggestion.best);
    return error_set(err, "%s: no such option; bugsink-health --help lists them", option_quotable(name));
}

/* Bugsink's variables that are paths have no _FILE variant; one that is set would be overlooked in silence.
 */
static int refuse_path_file(const char *entry, struct error *err) {
    static const char *const PATHS[] = {"DATABASE_PATH", "SNAPPEA_DATABASE_PATH"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        size_t length = strlen(PATHS[i]);
        if (strncmp(entry, PATHS[i], length) == 0 && strncmp(entry + length, "_FILE=", 6) == 0 &&
            entry[length + 6])
            return error_set(
                err, "%s_FILE: no such option; %s is a path itself, not a secret", PATHS[i], PATHS[i]);
    }
    return 0;
}

int environment_check(const char *const *environment, struct error *err) {
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        char name[NAME_SIZE];
        if (refuse_path_file(*environment, err) < 0)
            return -1;
        if (strncmp(*environment, PREFIX, PREFIX_LENGTH) != 0 || !equals || equals[1] == '\0')
            continue;
        size_t length = (size_t)(equals - *environment);
        str_copy(name, length < sizeof name ? length + 1 : sizeof name, *environment);
        if (!option_is_variable(name) && !is_of_kubernetes(name))
            return refuse_unknown(name, err);
    }
    return 0;
}

/* Whether it is an absolute path and nothing else: in its place may stand the password, or a URL. */
static bool is_plain_path(const char *text) {
    if (text[0] != '/' || text[1] == '/')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("/._-", *text))
            return false;
    return true;
}

int environment_read_secret(const char *path, char **secret, struct error *err) {
    const char *shown =
        is_plain_path(path) ? path : "the file it names (its value is not shown: it is not a plain path)";
    char *text;
    size_t length;
    if (io_read_file(path, SECRET_MAX_BYTES, &text, &length, NULL) < 0) {
        if (errno == EFBIG)
            return error_set(err, "%.200s: larger than 64 KiB", shown);
        if (errno == EINVAL)
            return error_set(err, "%.200s: not a regular file", shown);
        return error_set(err, "%.200s: %s", shown, strerror(errno));
    }
    bool has_nul = strlen(text) != length;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        text[--length] = '\0';
    if (length > 0 && !has_nul) {
        *secret = text;
        return 0;
    }
    explicit_bzero(text, length);
    str_free_secret(text);
    return error_set(err, "%.200s: %s", shown, length == 0 ? "empty" : "holds a NUL character");
}
