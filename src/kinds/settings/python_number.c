/* Skips Python's numbers, and refuses what only begins like one: 0777, 1__0, 5a. */
#include "kinds/settings/python_token.h"

#include <ctype.h>
#include <string.h>

static bool is_digit_of(char c, int base) {
    if (base == 16)
        return isxdigit((unsigned char)c);
    return c >= '0' && c < '0' + base;
}

/* Digits with single underscores between them; NULL where there are none, or an underscore has none behind.
 */
static const char *skip_digits(const char *at, int base) {
    if (!is_digit_of(*at, base))
        return NULL;
    while (is_digit_of(*at, base) || *at == '_') {
        if (*at == '_' && !is_digit_of(at[1], base))
            return NULL;
        at++;
    }
    return at;
}

/* 0x, 0o, 0b; 0 for anything else. */
static int base_of(const char *at) {
    int c = at[0] == '0' ? tolower((unsigned char)at[1]) : '\0';
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
}

static const char *skip_based(const char *at, int base) {
    at += 2;
    return skip_digits(at + (*at == '_'), base);
}

/* An e without digits behind it belongs to what follows: 1else is 1 and else. */
static const char *skip_exponent(const char *at) {
    if (tolower((unsigned char)*at) != 'e')
        return at;
    const char *digits = at + 1 + (at[1] == '+' || at[1] == '-');
    if (isdigit((unsigned char)*digits))
        return skip_digits(digits, 10);
    return digits == at + 1 ? at : NULL;
}

static bool has_only_zeros(const char *at, const char *end) {
    for (; at < end; at++)
        if (*at != '0' && *at != '_')
            return false;
    return true;
}

static const char *skip_decimal(const char *begin) {
    const char *at = *begin == '.' ? begin : skip_digits(begin, 10);
    const char *whole = at;
    if (at && *at == '.')
        at = isdigit((unsigned char)at[1]) ? skip_digits(at + 1, 10) : at + 1;
    at = at ? skip_exponent(at) : NULL;
    if (!at)
        return NULL;
    if (tolower((unsigned char)*at) == 'j')
        return at + 1;
    bool is_whole = at == whole;
    return is_whole && *begin == '0' && !has_only_zeros(begin, at) ? NULL : at;
}

/* Of words only these may follow at once (CPython's verify_end_of_number). */
static bool may_follow(const char *at) {
    static const char *const WORDS[] = {"and", "else", "for", "if", "in", "is", "not", "or"};
    if (!isalnum((unsigned char)*at) && *at != '_' && (unsigned char)*at < 0x80)
        return true;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0)
            return true;
    return false;
}

const char *python_skip_number(const char *text, const char *at, struct settings_fault *fault) {
    int base = base_of(at);
    const char *end = base > 0 ? skip_based(at, base) : skip_decimal(at);
    if (end && may_follow(end))
        return end;
    settings_fault_at(fault, text, at, "this is not a number");
    return NULL;
}
