/* A look at Bugsink's settings: the file is read and taken apart, never executed, and the required names are
 * looked for. */
#include "kinds/settings/settings.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/str.h"
#include "kinds/finding.h"
#include "kinds/settings/env.h"
#include "kinds/settings/json.h"
#include "kinds/settings/python.h"
#include "kinds/settings/python_encoding.h"
#include "kinds/settings/rules.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int fail_at(struct outcome *outcome, enum reason reason, const struct settings_fault *fault) {
    observed_set(&outcome->observed, OBSERVED_LINE, fault->line);
    observed_set(&outcome->observed, OBSERVED_COLUMN, fault->column);
    return finding_fail(outcome, reason, "line %lld, column %lld: %s", (long long)fault->line,
        (long long)fault->column, fault->what);
}

/* Whether all that is required is there; names every setting that is not. Of an open list nothing is known to
 * be missing. */
static int require(
    const struct check_config *config, const struct settings_names *names, struct outcome *outcome) {
    struct strbuf missing = {0};
    size_t count = 0; /* not the buffer's length: without memory it is 0, too */
    for (size_t i = 0; i < config->settings.require_count; i++)
        if (!settings_names_has(names, config->settings.require[i]) && !names->is_open)
            strbuf_format(&missing, "%s%s", count++ > 0 ? ", " : "", config->settings.require[i]);
    if (count > 0)
        finding_fail(
            outcome, REASON_MISSING_SETTING, "missing: %s", missing.data ? missing.data : "(out of memory)");
    strbuf_release(&missing);
    return count > 0 ? -1 : 0;
}

/* Whether Bugsink would start with these; names what it would refuse. text is NULL for the environment. */
static int judge(const struct check_config *config, const struct settings_names *names, const char *text,
    struct outcome *outcome) {
    struct settings_breach breaches[8];
    struct strbuf list = {0};
    size_t count =
        settings_rules_judge(names, config->settings.format, breaches, sizeof breaches / sizeof breaches[0]);
    for (size_t i = 0; i < count && i < sizeof breaches / sizeof breaches[0]; i++)
        strbuf_format(&list, "%s%s %s", i > 0 ? "; " : "", breaches[i].name, breaches[i].what);
    if (count > 0 && text && breaches[0].offset != SIZE_MAX) {
        struct settings_fault fault;
        settings_fault_at(&fault, text, text + breaches[0].offset, "");
        observed_set(&outcome->observed, OBSERVED_LINE, fault.line);
    }
    if (count > 0)
        finding_fail(outcome, REASON_INVALID_SETTING, "%s", list.data ? list.data : "(out of memory)");
    strbuf_release(&list);
    return count > 0 ? -1 : 0;
}

static int examine_names(const struct check_config *config, struct settings_names *names, const char *text,
    struct outcome *outcome) {
    settings_names_settle(names);
    if (names->is_broken)
        return finding_fail(outcome, REASON_INTERNAL, "out of memory");
    observed_set(&outcome->observed, OBSERVED_SETTINGS, (int64_t)settings_names_count(names));
    return require(config, names, outcome) < 0 ? -1 : judge(config, names, text, outcome);
}

/* A hash of the content (FNV-1a), to tell whether it is another than before; never 0, and never shown. */
static uint64_t hash_of(const char *data, size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
    return hash != 0 ? hash : 1;
}

/* Reads the file; never opens what is not one. */
static int read_text(const struct check_config *config, struct phase_report *phases, char **data,
    size_t *length, struct outcome *outcome) {
    struct stat st;
    phase_report_enter(phases, PHASE_STAT);
    if (stat(config->settings.path, &st) < 0)
        return finding_fail_errno(outcome, errno, config->settings.path);
    if (!S_ISREG(st.st_mode))
        return finding_fail(outcome, REASON_NOT_A_FILE, "%s is %s", config->settings.path,
            S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
    phase_report_enter(phases, PHASE_READ);
    if (io_read_file(config->settings.path, SETTINGS_MAX_BYTES, data, length, NULL) < 0)
        return finding_fail_errno(outcome, errno, config->settings.path);
    observed_set(&outcome->observed, OBSERVED_FILE_BYTES, (int64_t)*length);
    outcome->identity.content = hash_of(*data, *length);
    return 0;
}

static int check_encoding(const char *text, size_t length, struct settings_fault *fault) {
    const char *at = text;
    while (at < text + length) {
        size_t step = str_utf8_length(at);
        if (step == 0)
            return settings_fault_encoding(fault, text, at);
        at += step;
    }
    return 0;
}

/* A text that is to be read, with a copy of it that is freed. */
struct source {
    const char *text;
    size_t length;
    bool has_mark; /* a byte order mark was in front */
    char *copy;
};

/* Python looks at the encoding of strings and names, not of comments, unless the file declares one. */
static int parse_python(struct source *source, struct settings_names *names, struct settings_fault *fault) {
    const char *nul = memchr(source->text, '\0', source->length);
    if (nul)
        return settings_fault_encoding(fault, source->text, nul);
    enum python_encoding encoding = python_encoding_of(source->text, source->has_mark, fault);
    switch (encoding) {
    case ENCODING_REFUSED: return -1;
    case ENCODING_OPAQUE: settings_names_doubt_all(names); return 0;
    case ENCODING_UTF_8: break;
    case ENCODING_SINGLE:
    case ENCODING_LATIN_1:
        source->copy = python_encoding_convert(source->text, encoding);
        names->is_broken = !source->copy;
        if (!source->copy)
            return 0;
        source->text = source->copy;
        break;
    }
    return settings_python_parse(source->text, names, fault);
}

static int parse(enum settings_format format, struct source *source, struct settings_names *names,
    struct settings_fault *fault) {
    if (format == SETTINGS_PYTHON)
        return parse_python(source, names, fault);
    if (check_encoding(source->text, source->length, fault) < 0)
        return -1;
    if (format == SETTINGS_JSON)
        return settings_json_parse(source->text, names, fault);
    return settings_env_parse(source->text, names, fault);
}

static void examine_text(const struct check_config *config, const char *text, size_t length,
    struct settings_names *names, struct outcome *outcome) {
    struct source source = {.text = text, .length = length};
    struct settings_fault fault;
    /* A byte order mark is let pass, as Python does. */
    source.has_mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    source.text += source.has_mark ? 3 : 0;
    source.length -= source.has_mark ? 3 : 0;
    if (source.length == 0)
        finding_fail(outcome, REASON_EMPTY, "%s is empty", config->settings.path);
    else if (parse(config->settings.format, &source, names, &fault) < 0)
        fail_at(outcome, fault.is_encoding ? REASON_ENCODING : REASON_PARSE_ERROR, &fault);
    else
        examine_names(config, names, source.text, outcome);
    str_free_secret(source.copy);
}

static void look_once(
    const struct check_config *config, struct phase_report *phases, struct outcome *outcome) {
    struct settings_names names = {0};
    char *data = NULL;
    size_t length = 0;
    memset(outcome, 0, sizeof *outcome);
    if (config->settings.format == SETTINGS_ENVIRONMENT) {
        settings_environment_parse(config->settings.environment, &names);
        examine_names(config, &names, NULL, outcome);
    } else if (read_text(config, phases, &data, &length, outcome) == 0) {
        assert(data); /* read_text has said so */
        examine_text(config, data, length, &names, outcome);
        explicit_bzero(data, length);
        free(data);
    }
    settings_names_release(&names);
}

/* How long one look may wait for a passing state to pass, so that there is time left to report it. Where that
 * is not enough, policy lets the last good result stand for the rest. */
static int64_t patience_of(const struct check_config *config) {
    int64_t patience_ms = check_config_patience_ms(config);
    return config->timeout_ms * 2 / 3 < patience_ms ? config->timeout_ms * 2 / 3 : patience_ms;
}

/* Whether a look waits for that to pass. A wrong kind or mode of file is hardly ever a swap's, and is told at
 * once; where all was well before, policy gives it the same time. */
static bool is_worth_waiting(enum reason reason) {
    return reason_may_pass(reason) && reason != REASON_NOT_A_FILE && reason != REASON_PERMISSION;
}

void settings_examine(
    const struct check_config *config, struct phase_report *phases, struct outcome *outcome) {
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    int64_t end_ms = clock_now_ms(clock_system()) + patience_of(config);
    for (;;) {
        look_once(config, phases, outcome);
        if (!is_worth_waiting(outcome->reason) || clock_now_ms(clock_system()) >= end_ms)
            return;
        nanosleep(&pause, NULL);
    }
}
