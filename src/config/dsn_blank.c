/* Keeps a DSN's secrets out of a text that quotes it.
 *
 * Where the rest of the text can be guessed, asterisks give the secret away: a password that is also the
 * user's name, one of the driver's own words, or a number in an address. So only a secret that is in no text
 * by chance is blanked; a text that says any other is not shown at all. */
#include "config/dsn.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
    DISTINCT_MIN = 6,  /* shorter ones are parts of words and numbers */
    INCIDENTAL_MAX = 3 /* so short a one stands in any text, and says nothing there */
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Neither a word or a name, nor a number or an address. */
static bool is_random(const char *secret) {
    bool has_letter = false, has_digit = false, has_sign = false;
    for (; *secret; secret++) {
        has_letter = has_letter || isalpha((unsigned char)*secret);
        has_digit = has_digit || isdigit((unsigned char)*secret);
        has_sign = has_sign || (!is_word(*secret) && !strchr(".:-/", *secret));
    }
    return has_sign || (has_letter && has_digit);
}

/* Whether it is also what anyone may read in the configuration. Of a doubtful DSN nobody knows what is a name
 * and what a piece of the password. */
static bool is_name(const struct dsn *dsn, const char *secret) {
    const char *const names[] = {dsn->user, dsn->host, dsn->port, dsn->database};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !dsn->is_doubtful; i++)
        if (names[i] && strcasecmp(names[i], secret) == 0)
            return true;
    return false;
}

static bool is_distinct(const struct dsn *dsn, const char *secret) {
    return strlen(secret) >= DISTINCT_MIN && is_random(secret) && !is_name(dsn, secret);
}

/* Whether what stands at `at` is a word of its own, and not a part of a longer one. */
static bool stands_alone(const char *text, const char *at, size_t length) {
    bool joins_before = at > text && is_word(at[-1]) && is_word(at[0]);
    bool joins_behind = is_word(at[length - 1]) && is_word(at[length]);
    return !joins_before && !joins_behind;
}

static bool says(const char *text, const char *secret) {
    size_t length = strlen(secret);
    for (const char *at = strstr(text, secret); at; at = strstr(at + 1, secret))
        if (length > INCIDENTAL_MAX || stands_alone(text, at, length))
            return true;
    return false;
}

bool dsn_blank_secret(const struct dsn *dsn, const char *secret, char *text) {
    if (!secret || !*secret)
        return true;
    if (is_distinct(dsn, secret)) {
        str_blank(text, secret);
    } else if (says(text, secret)) {
        explicit_bzero(text, strlen(text));
        return false;
    }
    return true;
}

bool dsn_blank(const struct dsn *dsn, char *text) {
    for (size_t i = 0; i < dsn->secret_count; i++)
        if (!dsn_blank_secret(dsn, dsn->secrets[i], text))
            return false;
    return true;
}
