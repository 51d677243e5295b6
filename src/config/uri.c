/* Percent-encoding, as libpq and as Python read it. */
#include "config/uri.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the escape at i stands for, or -1 where none stands there. */
static int escape_value(struct span text, size_t i) {
    if (text.at[i] != '%' || text.length - i < 3)
        return -1;
    int high = hex_value(text.at[i + 1]), low = hex_value(text.at[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool uri_has_bad_escape(struct span text) {
    for (size_t i = 0; i < text.length; i++)
        if (text.at[i] == '%' && escape_value(text, i) < 0)
            return true;
    return false;
}

/* Decodes into a string of the same room at most; a % that begins no escape stands for itself. NULL for %00.
 */
static char *decode(struct span text, size_t *length) {
    char *decoded = span_dup(text);
    *length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int value = escape_value(text, i);
        if (value == 0) {
            str_free_secret(decoded);
            return NULL;
        }
        decoded[(*length)++] = value < 0 ? text.at[i] : (char)value;
        i += value < 0 ? 0 : 2;
    }
    memset(
        decoded + *length, 0, text.length - *length); /* or the end of the undecoded text would stay behind */
    return decoded;
}

char *uri_decode(struct span text) {
    size_t length;
    return uri_has_bad_escape(text) ? NULL : decode(text, &length);
}

/* How many bytes Python's decoder replaces by one U+FFFD: the longest piece here that could begin a
 * well-formed character, at least one byte (Unicode 15, section 3.9, "maximal subpart"). */
static size_t malformed_length(const char *text) {
    char trial[5] = {text[0], text[1], '\x80', '\x80', '\0'};
    if (str_utf8_length(trial) < 3)
        return 1;
    trial[2] = text[2];
    return str_utf8_length(trial) < 4 ? 2 : 3;
}

/* Appends a run of decoded bytes, as UTF-8 with replacements, at *to. Each byte replaced was written as an
 * escape of three characters, so that the result is never longer than what was decoded. */
static void put_utf8(char **to, const char *run) {
    static const char REPLACEMENT[] = "\xef\xbf\xbd";
    while (*run) {
        size_t length = str_utf8_length(run);
        if (length > 0) {
            memcpy(*to, run, length);
        } else {
            length = malformed_length(run);
            memcpy(*to, REPLACEMENT, 3);
            *to += 3 - length;
        }
        *to += length;
        run += length;
    }
}

/* Python decodes each run of ASCII characters by itself: what is not ASCII in the text takes no part in a
 * sequence of escapes. Raw bytes stay as they are (there: surrogate escapes). */
char *uri_unquote(struct span text) {
    char *unquoted = str_dup_n(text.at, text.length);
    char *to = unquoted;
    for (size_t i = 0; i < text.length;) {
        size_t start = i;
        while (i < text.length && (unsigned char)text.at[i] < 0x80)
            i++;
        size_t length;
        char *run = decode((struct span){text.at + start, i - start}, &length);
        if (!run) {
            str_free_secret(unquoted);
            return NULL;
        }
        put_utf8(&to, run);
        str_free_secret(run);
        while (i < text.length && (unsigned char)text.at[i] >= 0x80)
            *to++ = text.at[i++];
    }
    memset(to, 0, (size_t)(unquoted + text.length - to));
    return unquoted;
}

char *uri_lower(struct span text) {
    char *lower = span_dup(text);
    for (size_t i = 0; i < text.length; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] - 'A' + 'a');
    return lower;
}

void uri_append_shown(struct strbuf *buffer, const char *text, const char *keep) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c) || strchr(keep, c)))
            strbuf_append_n(buffer, text, 1);
        else
            strbuf_format(buffer, "%%%02X", c);
    }
}
