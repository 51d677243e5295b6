/* The table of rules by which Bugsink's settings are judged. Their sources: Bugsink's own checks
 * (bsmain/checks.py: W001, W003; snappea/__init__.py: W001), the settings of its Docker image
 * (bugsink/conf_templates/docker.py.template), its prestart command, and Django's check of the SECRET_KEY
 * (security.W009), all of which its image runs before it starts, with --fail-level WARNING. */
#include "kinds/settings/rules.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What a rule looks at. */
struct subject {
    const struct settings_names *names;
    bool is_python;
    const struct settings_name *setting; /* the one of the rule; NULL: not set */
};

enum { IN_PYTHON = 1, IN_ENVIRONMENT = 2, ANYWHERE = 3 };

struct rule {
    const char *name;
    unsigned where;
    const char *(*judge)(const struct subject *subject); /* what is wrong, or NULL */
};

/* -- values -- */

static const struct settings_name *find(const struct subject *subject, const char *name) {
    return settings_names_find(subject->names, name);
}

/* The text of a setting; NULL where it is not set, not known, or none. */
static const char *text_of(const struct settings_name *setting) {
    return setting && setting->kind != VALUE_UNKNOWN ? setting->value : NULL;
}

static bool is_word_of_truth(const char *text) {
    return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcasecmp(text, "yes") == 0;
}

/* Whether a setting is known to be true: in Python by Python's rules, else as Bugsink's image reads it. */
static bool is_true(const struct subject *subject, const char *name) {
    const struct settings_name *setting = find(subject, name);
    const char *text = text_of(setting);
    if (!text)
        return false;
    if (!subject->is_python)
        return is_word_of_truth(text);
    switch (setting->kind) {
    case VALUE_BOOLEAN: return strcmp(text, "true") == 0;
    case VALUE_INTEGER: return strpbrk(text, "123456789") != NULL;
    case VALUE_TEXT: return *text != '\0';
    case VALUE_UNKNOWN:
    case VALUE_NONE: break;
    }
    return false;
}

/* int() strips what str.isspace() is true of; of characters beyond ASCII, which may be digits too, nothing is
 * said. */
static bool is_space(char c) {
    return isspace((unsigned char)c) || (c >= 0x1c && c <= 0x1f);
}

bool settings_rules_is_integer(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return true;
    while (length > 0 && is_space(text[length - 1]))
        length--;
    size_t at = 0;
    while (at < length && is_space(text[at]))
        at++;
    if (at < length && strchr("+-", text[at]))
        at++;
    bool was_digit = false;
    for (; at < length; at++) {
        if (text[at] == '_' ? !was_digit : !isdigit((unsigned char)text[at]))
            return false;
        was_digit = text[at] != '_';
    }
    return was_digit; /* an underscore stands between digits */
}

/* -- SECRET_KEY -- */

/* Counts characters, and different ones up to a limit (django/core/checks/security/base.py: len(), set()). */
static void count_characters(const char *text, size_t *count, size_t *different) {
    enum { LIMIT = 5 };
    const char *seen[LIMIT];
    *count = *different = 0;
    while (*text) {
        size_t length = str_utf8_length(text), i = 0;
        length = length > 0 ? length : 1;
        while (i < *different && strncmp(seen[i], text, length) != 0)
            i++;
        if (i == *different && *different < LIMIT)
            seen[(*different)++] = text;
        ++*count;
        text += length;
    }
}

static const char *judge_secret_key(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    size_t count, different;
    if (subject->is_python && subject->setting && subject->setting->kind == VALUE_NONE)
        return "is empty";
    if (!text)
        return NULL;
    count_characters(text, &count, &different);
    if (count == 0)
        return "is empty";
    if (strncmp(text, "django-insecure-", 16) == 0)
        return "begins with django-insecure-";
    if (count < 50)
        return "is shorter than 50 characters";
    return different < 5 ? "has fewer than 5 different characters" : NULL;
}

/* -- URLs, as urlsplit of Python's urllib.parse reads them -- */

/* The scheme, and what follows its colon; an empty scheme where there is none. */
static const char *split_scheme(const char *text, size_t *length) {
    *length = 0;
    size_t colon = strcspn(text, ":");
    if (!text[colon] || !isalpha((unsigned char)*text))
        return text;
    for (size_t i = 0; i < colon; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("+-.", text[i]))
            return text;
    *length = colon;
    return text + colon + 1;
}

static bool is_scheme(const char *text, size_t length, const char *scheme) {
    return length == strlen(scheme) && strncasecmp(text, scheme, length) == 0;
}

static const char *judge_base_url(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    size_t scheme;
    if (!text || strpbrk(text, "\t\r\n")) /* which urlsplit takes out */
        return NULL;
    while (*text && (unsigned char)*text <= ' ')
        text++;
    const char *rest = split_scheme(text, &scheme);
    if (!is_scheme(text, scheme, "http") && !is_scheme(text, scheme, "https"))
        return "must begin with http:// or https://";
    size_t length = strncmp(rest, "//", 2) == 0 ? strcspn(rest + 2, "/?#") : 0;
    const char *host = rest + 2, *end = host + length;
    if (length == 0)
        return "names no host";
    if (!memchr(host, '[', length) != !memchr(host, ']', length))
        return "is no URL: a bracket is not closed";
    const char *at_sign = memrchr(host, '@', length);
    host = at_sign ? at_sign + 1 : host;
    bool is_bracketed = host < end && *host == '[';
    host += is_bracketed;
    return host == end || *host == (is_bracketed ? ']' : ':') ? "names no host" : NULL;
}

static const char *judge_database_url(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    size_t scheme;
    if (!text || !*text)
        return NULL;
    while (*text && (unsigned char)*text <= ' ')
        text++;
    split_scheme(text, &scheme);
    if (is_scheme(text, scheme, "mysql") || is_scheme(text, scheme, "postgres") ||
        is_scheme(text, scheme, "postgresql"))
        return NULL;
    return "must begin with mysql://, postgres:// or postgresql://";
}

/* -- proxies -- */

/* In the image the settings about a proxy's headers are read only behind one; a module sets what it sets. */
static bool is_behind_proxy(const struct subject *subject) {
    return subject->is_python || is_true(subject, "BEHIND_HTTPS_PROXY") ||
           is_true(subject, "BEHIND_PLAIN_HTTP_PROXY");
}

static const char *judge_proxies(const struct subject *subject) {
    bool are_both = is_true(subject, "BEHIND_HTTPS_PROXY") && is_true(subject, "BEHIND_PLAIN_HTTP_PROXY");
    return are_both ? "is set, and BEHIND_HTTPS_PROXY too" : NULL;
}

static const char *judge_forwarded_for(const struct subject *subject) {
    /* USE_X_REAL_IP is true in the image where nobody sets it. */
    bool is_real_ip =
        is_true(subject, "USE_X_REAL_IP") || (!subject->is_python && !find(subject, "USE_X_REAL_IP"));
    if (!is_behind_proxy(subject) || !is_true(subject, "USE_X_FORWARDED_FOR") || !is_real_ip)
        return NULL;
    return "is set, and USE_X_REAL_IP (true unless set to False) too";
}

static const char *judge_proxy_count(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    if (!is_behind_proxy(subject) || !is_true(subject, "USE_X_FORWARDED_FOR"))
        return NULL;
    if (!subject->setting)
        return subject->is_python ? NULL : "must be set where USE_X_FORWARDED_FOR is";
    if (!text || (subject->is_python && subject->setting->kind != VALUE_INTEGER))
        return NULL;
    if (!settings_rules_is_integer(text))
        return "is no whole number";
    bool is_positive = !strchr(text, '-') && text[strspn(text, "0_+ \t")] != '\0';
    return is_positive ? NULL : "must be above 0";
}

/* -- the rest of the environment -- */

static const char *judge_integer(const struct subject *subject) {
    const struct settings_name *setting = subject->setting;
    if (!setting || (setting->kind != VALUE_TEXT && setting->kind != VALUE_INTEGER))
        return NULL;
    return settings_rules_is_integer(setting->value) ? NULL : "is no whole number";
}

/* An empty one counts as not set. */
static const char *judge_optional_integer(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    return text && *text ? judge_integer(subject) : NULL;
}

/* Read only where mail is sent. */
static const char *judge_mail_port(const struct subject *subject) {
    const char *host = text_of(find(subject, "EMAIL_HOST"));
    return host && *host ? judge_integer(subject) : NULL;
}

static const char *judge_superuser(const struct subject *subject) {
    const char *text = text_of(subject->setting);
    return text && *text && !strchr(text, ':') ? "must be EMAIL:PASSWORD" : NULL;
}

/* -- the wrong place in a module -- */

static const char *judge_of_bugsink(const struct subject *subject) {
    bool is_set = subject->setting && subject->setting->is_certain;
    return is_set ? "belongs in the dictionary BUGSINK" : NULL;
}

static const char *judge_of_snappea(const struct subject *subject) {
    bool is_set = subject->setting && subject->setting->is_certain;
    return is_set ? "belongs in the dictionary SNAPPEA" : NULL;
}

/* -- the table -- */

#define OF_BUGSINK(name)                                                                                     \
    { name, IN_PYTHON, judge_of_bugsink }
#define OF_SNAPPEA(name)                                                                                     \
    { name, IN_PYTHON, judge_of_snappea }
#define INTEGER(name)                                                                                        \
    { name, IN_ENVIRONMENT, judge_integer }

/* Names of more than one row: integers of the environment that are keys of BUGSINK in a module. */
#define INTEGER_OF_BUGSINK(name)  INTEGER(name), OF_BUGSINK(name)
#define OPTIONAL_OF_BUGSINK(name) {name, IN_ENVIRONMENT, judge_optional_integer}, OF_BUGSINK(name)

static const struct rule RULES[] = {
    {"SECRET_KEY", ANYWHERE, judge_secret_key},
    {"BASE_URL", IN_ENVIRONMENT, judge_base_url},
    {"BUGSINK.BASE_URL", ANYWHERE, judge_base_url},
    {"BEHIND_PLAIN_HTTP_PROXY", ANYWHERE, judge_proxies},
    {"USE_X_FORWARDED_FOR", ANYWHERE, judge_forwarded_for},
    {"X_FORWARDED_FOR_PROXY_COUNT", ANYWHERE, judge_proxy_count},
    {"DATABASE_URL", IN_ENVIRONMENT, judge_database_url},
    {"CREATE_SUPERUSER", IN_ENVIRONMENT, judge_superuser},
    INTEGER("SNAPPEA_NUM_WORKERS"),
    INTEGER("SNAPPEA_STATS_RETENTION_MINUTES"),
    {"EMAIL_PORT", IN_ENVIRONMENT, judge_mail_port},
    {"EMAIL_TIMEOUT", IN_ENVIRONMENT, judge_optional_integer},
    INTEGER_OF_BUGSINK("USER_REGISTRATION_VERIFY_EMAIL_EXPIRY"),
    INTEGER_OF_BUGSINK("MAX_EVENT_SIZE"),
    INTEGER_OF_BUGSINK("MAX_EVENT_COMPRESSED_SIZE"),
    INTEGER_OF_BUGSINK("MAX_ENVELOPE_SIZE"),
    INTEGER_OF_BUGSINK("MAX_ENVELOPE_COMPRESSED_SIZE"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_5_MINUTES"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_HOUR"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_MONTH"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_5_MINUTES"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_HOUR"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_MONTH"),
    INTEGER_OF_BUGSINK("KEEP_ENVELOPES"),
    OPTIONAL_OF_BUGSINK("MAX_RETENTION_PER_PROJECT_EVENT_COUNT"),
    OPTIONAL_OF_BUGSINK("MAX_RETENTION_EVENT_COUNT"),
    OPTIONAL_OF_BUGSINK("MAX_EVENT_AGE_DAYS"),
    OPTIONAL_OF_BUGSINK("MAX_EVENT_TAGS"),
    OPTIONAL_OF_BUGSINK("MAX_FILE_SIZE"),
    OPTIONAL_OF_BUGSINK("MAX_STORED_FILE_COUNT"),
    OPTIONAL_OF_BUGSINK("MAX_STORED_FILE_BYTES"),
    OF_BUGSINK("BASE_URL"),
    OF_BUGSINK("SITE_TITLE"),
    OF_BUGSINK("SINGLE_USER"),
    OF_BUGSINK("USER_REGISTRATION"),
    OF_BUGSINK("USER_REGISTRATION_VERIFY_EMAIL"),
    OF_BUGSINK("SINGLE_TEAM"),
    OF_BUGSINK("TEAM_CREATION"),
    OF_BUGSINK("VALIDATE_ON_DIGEST"),
    OF_BUGSINK("API_LOG_UNIMPLEMENTED_CALLS"),
    OF_BUGSINK("KEEP_ARTIFACT_BUNDLES"),
    OF_BUGSINK("MAX_ATTACHMENT_SIZE"),
    OF_BUGSINK("MAX_EMAILS_PER_MONTH"),
    OF_BUGSINK("MAX_HEADER_SIZE"),
    OF_BUGSINK("INGEST_STORE_BASE_DIR"),
    OF_BUGSINK("EVENT_STORAGES"),
    OF_BUGSINK("OBJECT_STORAGES"),
    OF_BUGSINK("MINIMIZE_INFORMATION_EXPOSURE"),
    OF_BUGSINK("PHONEHOME"),
    OF_BUGSINK("USE_ADMIN"),
    OF_BUGSINK("FEATURE_MINIDUMPS"),
    OF_BUGSINK("ALERTS_WEBHOOK_OUTBOUND_MODE"),
    OF_BUGSINK("ALERTS_WEBHOOK_ALLOW_LIST"),
    OF_BUGSINK("ALERTS_WEBHOOK_DENY_LIST"),
    OF_BUGSINK("ALERTS_WEBHOOK_DENY_NON_GLOBAL"),
    OF_SNAPPEA("TASK_ALWAYS_EAGER"),
    OF_SNAPPEA("PID_FILE"),
    OF_SNAPPEA("WAKEUP_CALLS_DIR"),
    OF_SNAPPEA("NUM_WORKERS"),
    OF_SNAPPEA("WORKAHOLIC"),
    OF_SNAPPEA("GRACEFUL_TIMEOUT"),
    OF_SNAPPEA("TASK_QS_LIMIT"),
};

size_t settings_rules_judge(const struct settings_names *names, enum settings_format format,
    struct settings_breach *breaches, size_t size) {
    struct subject subject = {.names = names, .is_python = format == SETTINGS_PYTHON};
    size_t count = 0;
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        const struct rule *rule = &RULES[i];
        if (!(rule->where & (subject.is_python ? IN_PYTHON : IN_ENVIRONMENT)))
            continue;
        subject.setting = settings_names_find(names, rule->name);
        const char *what = rule->judge(&subject);
        if (!what)
            continue;
        if (count < size)
            breaches[count] = (struct settings_breach){
                rule->name, what, subject.setting ? subject.setting->offset : SIZE_MAX};
        count++;
    }
    return count;
}
