/* The table of options, from which file, environment, flags, --help and the documentation all come. For this
 * room alone; others see config_option_doc. */
#ifndef BH_CONFIG_OPTIONS_H
#define BH_CONFIG_OPTIONS_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each option, in the order in which --help shows them. */
enum option_id {
    OPTION_CONFIG,
    OPTION_LISTEN,
    OPTION_APP_URL,
    OPTION_SETTINGS,
    OPTION_INTERVAL,
    OPTION_TIMEOUT,
    OPTION_RETRY_INTERVAL,
    OPTION_SLOW,
    OPTION_RECONNECT,
    OPTION_FALL,
    OPTION_START_GRACE,
    OPTION_DRAIN,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
    OPTION_MAINTENANCE,
    OPTION_SANDBOX,
    OPTION_VERSION,
    OPTION_APP_HOST,
    OPTION_APP_EXPECT,
    OPTION_APP_ASK,
    OPTION_APP_ASK_INTERVAL,
    OPTION_SETTINGS_FORMAT,
    OPTION_SETTINGS_REQUIRE,
    OPTION_BASE_URL,
    OPTION_DATABASE_URL,
    OPTION_DATABASE_PATH,
    OPTION_QUEUE,
    OPTION_SNAPPEA_DATABASE_PATH,
    OPTION_DATABASE_DSN,
    OPTION_DATABASE_DSN_FILE,
    OPTION_DATABASE_PASSWORD_FILE,
    OPTION_DATABASE_ROLE,
    OPTION_DATABASE_CRITICAL,
    OPTION_DATABASE_MIN_FREE,
    OPTION_DATABASE_MAX_WAL,
    OPTION_DATABASE_BACKLOG_DEGRADED,
    OPTION_DATABASE_BACKLOG_ERROR,
    OPTION_DATABASE_BACKLOG_TASKS,
    OPTION_DIRECTORY_PATH,
    OPTION_DIRECTORY_ROLE,
    OPTION_DIRECTORY_CRITICAL,
    OPTION_DIRECTORY_MIN_FREE,
    OPTION_COUNT,
};

enum option_type {
    OPTION_TEXT,
    OPTION_PATH,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_NUMBER,
    OPTION_BOOLEAN,
    OPTION_NAMES, /* a list of names */
    OPTION_ADDRESS,
    OPTION_LOG_LEVEL_NAME,
    OPTION_LOG_FORMAT_NAME,
};

/* The offset of an option that is no plain field of struct config. */
#define OPTION_NO_FIELD SIZE_MAX

struct option {
    struct config_option_doc doc;
    enum option_type type;
    size_t offset;       /* in struct config, of the field that holds the value */
    int64_t least, most; /* DURATION (ms), SIZE (bytes), NUMBER */
    bool is_nullable;    /* null in the file is a value of its own */
    const char *initial; /* the text that holds when nobody sets it; NULL: nothing, or something derived from
                            others */
    bool counts_when_empty; /* an empty variable is not as good as none */
    bool has_file_variant; /* VARIABLE_FILE names a file that holds the value; not where the value is itself a
                             path */
};

const struct option *option_get(enum option_id id);

/* The option with that flag, or NULL. */
const struct option *option_find_flag(const char *flag);

/* Whether name is one of the variables, or its _FILE variant. */
bool option_is_variable(const char *name);

/* The index of the text among `count` words, -1 where it is none of them. */
int option_find_word(const char *text, const char *const *words, int count);

/* The text, where it is so plain (letters, digits, - _ . and not long) that it may be quoted in an error;
 * else
 * "(not shown)": what stands in a wrong place may be a secret in a wrong place. */
const char *option_quotable(const char *text);

/* What a value of that type must be, for an error: "a duration in quotes, such as \"5s\"". */
const char *option_type_right(enum option_type type);

#endif
