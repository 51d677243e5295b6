/* The table of rules by which Bugsink's settings are judged. Their sources: Bugsink's own checks
 * (bsmain/__init__.py: W001, W003, W004, W006; snappea/__init__.py: W001), the settings of its Docker image
 * (bugsink/conf_templates/docker.py.template), its prestart command, and Django's checks of SECRET_KEY and
 * DEBUG (security.W009, W018), all of which its image runs before it starts, with --fail-level WARNING. */
#include "kinds/settings/rules.h"

#include "kinds/settings/rule.h"

#include <string.h>

enum { IN_PYTHON = 1, IN_ENVIRONMENT = 2, ANYWHERE = 3 };

struct rule {
    const char *name;
    unsigned where;
    const char *(*judge)(const struct settings_subject *subject); /* what is wrong, or NULL */
};

/* -- what the image reads only beside another setting -- */

/* The headers of a proxy are read only behind one. */
static bool is_forwarded_for(const struct settings_subject *subject) {
    return subject_is_true(subject, "USE_X_FORWARDED_FOR") &&
           (subject_is_true(subject, "BEHIND_HTTPS_PROXY") ||
               subject_is_true(subject, "BEHIND_PLAIN_HTTP_PROXY"));
}

static const char *judge_proxies(const struct settings_subject *subject) {
    bool are_both =
        subject_is_true(subject, "BEHIND_HTTPS_PROXY") && subject_is_true(subject, "BEHIND_PLAIN_HTTP_PROXY");
    return are_both ? "is set, and BEHIND_HTTPS_PROXY too" : NULL;
}

static const char *judge_forwarded_for(const struct settings_subject *subject) {
    bool is_real_ip = subject_is_true(subject, "USE_X_REAL_IP") || !subject_find(subject, "USE_X_REAL_IP");
    if (!is_real_ip || !is_forwarded_for(subject))
        return NULL;
    return "is set, and USE_X_REAL_IP (true unless set to False) too";
}

static const char *judge_proxy_count(const struct settings_subject *subject) {
    const char *text = subject_text(subject, "X_FORWARDED_FOR_PROXY_COUNT");
    if (!is_forwarded_for(subject))
        return NULL;
    if (!subject->setting)
        return "must be set where USE_X_FORWARDED_FOR is";
    if (!text)
        return NULL;
    if (!settings_rules_is_integer(text))
        return "is not a whole number";
    bool is_positive = !strchr(text, '-') && strpbrk(text, "123456789");
    for (const char *c = text; *c && !strchr(text, '-'); c++)
        is_positive = is_positive || (unsigned char)*c >= 0x80;
    return is_positive ? NULL : "must be above 0";
}

/* Read only where no other backend is named, and a host is. */
static const char *judge_mail_port(const struct settings_subject *subject) {
    const char *backend = subject_text(subject, "EMAIL_BACKEND"), *host = subject_text(subject, "EMAIL_HOST");
    bool is_read = !(backend && *backend) && !subject_is_unknown(subject, "EMAIL_BACKEND") && host && *host;
    return is_read ? judge_integer(subject) : NULL;
}

/* Django's check security.W018. */
static const char *judge_debug(const struct settings_subject *subject) {
    return subject_is_true(subject, "DEBUG") ? "must not be true" : NULL;
}

/* -- the wrong place in a module -- */

static const char *judge_of_bugsink(const struct settings_subject *subject) {
    bool is_set = subject->setting && subject->setting->is_certain;
    return is_set ? "belongs in the dictionary BUGSINK" : NULL;
}

static const char *judge_of_snappea(const struct settings_subject *subject) {
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
#define INTEGER_OF_BUGSINK(name) INTEGER(name), OF_BUGSINK(name)

static const struct rule RULES[] = {
    {"SECRET_KEY", ANYWHERE, judge_secret_key},
    {"DEBUG", IN_ENVIRONMENT, judge_debug},
    {"BASE_URL", IN_ENVIRONMENT, judge_base_url},
    {"BUGSINK.BASE_URL", ANYWHERE, judge_base_url},
    {"BEHIND_PLAIN_HTTP_PROXY", IN_ENVIRONMENT, judge_proxies},
    {"USE_X_FORWARDED_FOR", IN_ENVIRONMENT, judge_forwarded_for},
    {"X_FORWARDED_FOR_PROXY_COUNT", IN_ENVIRONMENT, judge_proxy_count},
    {"DATABASE_URL", IN_ENVIRONMENT, judge_database_url},
    {"CREATE_SUPERUSER", IN_ENVIRONMENT, judge_superuser},
    {"TIME_ZONE", ANYWHERE, judge_time_zone},
    {"SENTRY_DSN", IN_ENVIRONMENT, judge_sentry_dsn},
    {"ALERTS_WEBHOOK_OUTBOUND_MODE", IN_ENVIRONMENT, judge_outbound_mode},
    {"BUGSINK.ALERTS_WEBHOOK_OUTBOUND_MODE", ANYWHERE, judge_outbound_mode},
    {"DEFAULT_FROM_EMAIL", IN_ENVIRONMENT, judge_sender},
    INTEGER("SNAPPEA_NUM_WORKERS"),
    INTEGER("SNAPPEA_STATS_RETENTION_MINUTES"),
    {"EMAIL_PORT", IN_ENVIRONMENT, judge_mail_port},
    {"EMAIL_TIMEOUT", IN_ENVIRONMENT, judge_optional_integer},
    INTEGER_OF_BUGSINK("USER_REGISTRATION_VERIFY_EMAIL_EXPIRY"),
    INTEGER_OF_BUGSINK("MAX_EVENT_SIZE"),
    INTEGER_OF_BUGSINK("MAX_EVENT_COMPRESSED_SIZE"),
    INTEGER_OF_BUGSINK("MAX_ENVELOPE_SIZE"),
    INTEGER_OF_BUGSINK("MAX_ENVELOPE_COMPRESSED_SIZE"),
    INTEGER_OF_BUGSINK("MAX_CSP_REPORT_SIZE"),
    INTEGER_OF_BUGSINK("MAX_EVENT_TAGS"),
    INTEGER_OF_BUGSINK("MAX_FILE_SIZE"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_5_MINUTES"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_HOUR"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_PROJECT_PER_MONTH"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_5_MINUTES"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_HOUR"),
    INTEGER_OF_BUGSINK("MAX_EVENTS_PER_MONTH"),
    INTEGER_OF_BUGSINK("KEEP_ENVELOPES"),
    /* These are read by int_or_none(): what is no number is no limit. */
    OF_BUGSINK("MAX_EMAILS_PER_HOUR"),
    OF_BUGSINK("MAX_EMAILS_PER_MONTH"),
    OF_BUGSINK("MAX_RETENTION_PER_PROJECT_EVENT_COUNT"),
    OF_BUGSINK("MAX_RETENTION_EVENT_COUNT"),
    OF_BUGSINK("MAX_EVENT_AGE_DAYS"),
    OF_BUGSINK("MAX_STORED_FILE_COUNT"),
    OF_BUGSINK("MAX_STORED_FILE_BYTES"),
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
    OF_BUGSINK("EXTRA_URLCONF_MODULES"),
    OF_BUGSINK("EXTRA_NAV_LINKS"),
    OF_BUGSINK("SYSTEM_WARNING_PROVIDERS"),
    OF_SNAPPEA("TASK_ALWAYS_EAGER"),
    OF_SNAPPEA("PID_FILE"),
    OF_SNAPPEA("WAKEUP_CALLS_DIR"),
    OF_SNAPPEA("NUM_WORKERS"),
    OF_SNAPPEA("WORKAHOLIC"),
    OF_SNAPPEA("GRACEFUL_TIMEOUT"),
    OF_SNAPPEA("TASK_QS_LIMIT"),
    OF_SNAPPEA("STATS_RETENTION_MINUTES"),
    OF_SNAPPEA("HOOK_ADD_TASK_KWARGS"),
    OF_SNAPPEA("HOOK_RUN_TASK_CONTEXT"),
};

/* Of a file of NAME=VALUE lines it is not known who reads it: what is wrong must be wrong to all. */
static const char *judge_readings(
    const struct rule *rule, struct settings_subject *subject, enum settings_format format) {
    const char *what = rule->judge(subject);
    if (!what || format != SETTINGS_ENV)
        return what;
    subject->is_literal = true;
    bool is_wrong_to_all = rule->judge(subject) != NULL;
    subject->is_literal = false;
    return is_wrong_to_all ? what : NULL;
}

size_t settings_rules_judge(const struct settings_names *names, enum settings_format format,
    struct settings_breach *breaches, size_t size) {
    struct settings_subject subject = {.names = names, .is_python = format == SETTINGS_PYTHON};
    size_t count = 0;
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        const struct rule *rule = &RULES[i];
        if (!(rule->where & (subject.is_python ? IN_PYTHON : IN_ENVIRONMENT)))
            continue;
        subject.setting = settings_names_find(names, rule->name);
        const char *what = judge_readings(rule, &subject, format);
        if (!what)
            continue;
        if (count < size)
            breaches[count] = (struct settings_breach){
                rule->name, what, subject.setting ? subject.setting->offset : SIZE_MAX};
        count++;
    }
    return count;
}
