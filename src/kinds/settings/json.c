/* Settings in JSON, read as Python's json module reads it (Lib/json/decoder.py, scanner.py). */
#include "kinds/settings/json.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 100000 }; /* far beyond what any Python's recursion allows */

static const char TOO_EARLY[] = "the text ends too early";
static const char NOT_VALID[] = "not valid JSON";

struct reader {
    const char *text, *at;
    struct settings_names *names;
    struct settings_fault *fault;
    size_t depth;
    unsigned char are_objects[MAX_DEPTH / 8 + 1]; /* a bit for each open bracket */
    bool is_in_bugsink;                           /* the object of the key BUGSINK */
    bool has_bugsink_key;                         /* the last key was that */
    struct settings_name *name;                   /* whose value comes next; NULL: none that matters */
    struct strbuf string;                         /* the last string; a secret */
};

static int refuse(struct reader *reader, const char *what) {
    return settings_fault_at(reader->fault, reader->text, reader->at, *reader->at ? what : TOO_EARLY);
}

static void skip_space(struct reader *reader) {
    reader->at += strspn(reader->at, " \t\r\n");
}

/* -- strings -- */

/* Four hexadecimal digits, or -1. */
static long read_hex(const char *at) {
    long code = 0;
    for (size_t i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i]))
            return -1;
        code = code * 16 +
               (isdigit((unsigned char)at[i]) ? at[i] - '0' : tolower((unsigned char)at[i]) - 'a' + 10);
    }
    return code;
}

/* A character that no text of ours can hold, NUL or half of a pair, becomes U+FFFD. */
static void append_code(struct strbuf *string, long code) {
    unsigned c = code == 0 || (code >= 0xd800 && code < 0xe000) ? 0xfffd : (unsigned)code;
    char bytes[4] = {(char)c};
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char FIRST[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length; length > 1 && i > 0; i--, c >>= 6)
        bytes[i - 1] = (char)(i > 1 ? 0x80U | (c & 0x3fU) : FIRST[length] | c);
    strbuf_append_n(string, bytes, length);
}

static int read_unicode(struct reader *reader) {
    long high = read_hex(reader->at + 2);
    if (high < 0)
        return refuse(reader, NOT_VALID);
    reader->at += 6;
    long low =
        high >= 0xd800 && high < 0xdc00 && strncmp(reader->at, "\\u", 2) == 0 ? read_hex(reader->at + 2) : -1;
    bool is_pair = low >= 0xdc00 && low < 0xe000;
    append_code(&reader->string, is_pair ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : high);
    reader->at += is_pair ? 6 : 0;
    return 0;
}

static int read_escape(struct reader *reader) {
    static const char LETTERS[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
    if (reader->at[1] == 'u')
        return read_unicode(reader);
    const char *letter = reader->at[1] ? strchr(LETTERS, reader->at[1]) : NULL;
    if (!letter)
        return refuse(reader, NOT_VALID);
    strbuf_append_n(&reader->string, &MEANT[letter - LETTERS], 1);
    reader->at += 2;
    return 0;
}

static void wipe(struct strbuf *string) {
    if (string->data)
        explicit_bzero(string->data, string->capacity);
    strbuf_release(string);
    *string = (struct strbuf){0};
}

static int read_string(struct reader *reader) {
    wipe(&reader->string);
    strbuf_append(&reader->string, "");
    reader->at++;
    while (*reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20)
            return refuse(reader, "a control character in a string");
        if (*reader->at == '\\') {
            if (read_escape(reader) < 0)
                return -1;
        } else {
            strbuf_append_n(&reader->string, reader->at++, 1);
        }
    }
    reader->at++;
    reader->names->is_broken = reader->names->is_broken || reader->string.is_broken;
    return 0;
}

/* -- values -- */

static void set_value(struct reader *reader, enum settings_value kind, const char *text, size_t length) {
    if (reader->name && !reader->names->is_broken)
        settings_names_set(reader->names, reader->name, kind, text, length);
    if (reader->name && kind == VALUE_NONE && !reader->name->is_nested)
        reader->name->has_value = false;
    reader->name = NULL;
}

static bool read_word(struct reader *reader) {
    static const struct {
        const char *word;
        enum settings_value kind;
    } WORDS[] = {{"true", VALUE_BOOLEAN}, {"false", VALUE_BOOLEAN}, {"null", VALUE_NONE},
        {"NaN", VALUE_UNKNOWN}, {"Infinity", VALUE_UNKNOWN}, {"-Infinity", VALUE_UNKNOWN}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        size_t length = strlen(WORDS[i].word);
        if (strncmp(reader->at, WORDS[i].word, length) != 0)
            continue;
        set_value(reader, WORDS[i].kind, WORDS[i].word, length);
        reader->at += length;
        return true;
    }
    return false;
}

static const char *skip_digits(const char *at) {
    return at + strspn(at, "0123456789");
}

/* What the expression of Python's scanner takes: what is behind it is no part of the number. */
static int read_number(struct reader *reader) {
    const char *begin = reader->at, *digits = begin + (*begin == '-');
    const char *end = *digits == '0' ? digits + 1 : skip_digits(digits);
    bool is_integer = true;
    if (end == digits)
        return refuse(reader, NOT_VALID);
    if (*end == '.' && isdigit((unsigned char)end[1])) {
        end = skip_digits(end + 1);
        is_integer = false;
    }
    const char *exponent = *end == 'e' || *end == 'E' ? end + 1 + (end[1] == '+' || end[1] == '-') : end;
    if (exponent > end && isdigit((unsigned char)*exponent)) {
        end = skip_digits(exponent);
        is_integer = false;
    }
    set_value(reader, is_integer ? VALUE_INTEGER : VALUE_UNKNOWN, begin, (size_t)(end - begin));
    reader->at = end;
    return 0;
}

static bool is_in_object(const struct reader *reader) {
    return reader->depth > 0 && (reader->are_objects[reader->depth / 8] & 1U << reader->depth % 8);
}

static int open_bracket(struct reader *reader) {
    bool is_object = *reader->at == '{';
    if (reader->depth == MAX_DEPTH)
        return refuse(reader, "nested too deeply");
    reader->is_in_bugsink =
        reader->is_in_bugsink || (reader->depth == 1 && reader->has_bugsink_key && is_object);
    reader->has_bugsink_key = false;
    reader->depth++;
    unsigned bit = 1U << reader->depth % 8, others = reader->are_objects[reader->depth / 8] & ~bit;
    reader->are_objects[reader->depth / 8] = (unsigned char)(is_object ? others | bit : others);
    reader->name = NULL;
    reader->at++;
    return 0;
}

/* A value, or its opening bracket. */
static int read_value(struct reader *reader) {
    if (*reader->at == '{' || *reader->at == '[')
        return open_bracket(reader);
    if (*reader->at != '"')
        return read_word(reader) ? 0 : read_number(reader);
    if (read_string(reader) < 0)
        return -1;
    set_value(reader, VALUE_TEXT, reader->string.data ? reader->string.data : "", reader->string.length);
    return 0;
}

/* -- keys -- */

static void add_key(struct reader *reader) {
    const char *key = reader->string.data ? reader->string.data : "";
    reader->name = NULL;
    reader->has_bugsink_key = reader->depth == 1 && strcmp(key, "BUGSINK") == 0;
    if (reader->has_bugsink_key)
        settings_names_doubt_nested(reader->names); /* it may have been there before */
    if (reader->depth == 1)
        reader->name = settings_names_add(reader->names, key, reader->string.length, true);
    else if (reader->depth == 2 && reader->is_in_bugsink)
        reader->name = settings_names_add_nested(reader->names, key, reader->string.length);
}

static int read_key(struct reader *reader) {
    if (*reader->at != '"')
        return refuse(reader, "a key in quotes was expected here");
    if (read_string(reader) < 0)
        return -1;
    add_key(reader);
    skip_space(reader);
    if (*reader->at != ':')
        return refuse(reader, "a colon was expected here");
    reader->at++;
    skip_space(reader);
    return 0;
}

/* Behind a value: closes what is complete. */
static int read_end(struct reader *reader) {
    skip_space(reader);
    while (reader->depth > 0 && *reader->at == (is_in_object(reader) ? '}' : ']')) {
        reader->depth--;
        reader->is_in_bugsink = reader->is_in_bugsink && reader->depth >= 2;
        reader->at++;
        skip_space(reader);
    }
    if (reader->depth == 0)
        return *reader->at ? refuse(reader, "something follows the object") : 0;
    if (*reader->at != ',')
        return refuse(reader, NOT_VALID);
    reader->at++;
    skip_space(reader);
    return 0;
}

/* One element: a value, with its key in an object, and what closes behind it. */
static int read_element(struct reader *reader) {
    if (is_in_object(reader) && read_key(reader) < 0)
        return -1;
    size_t depth = reader->depth;
    if (read_value(reader) < 0)
        return -1;
    skip_space(reader);
    bool is_open = reader->depth > depth && *reader->at != (is_in_object(reader) ? '}' : ']');
    return is_open ? 0 : read_end(reader);
}

int settings_json_parse(const char *text, struct settings_names *names, struct settings_fault *fault) {
    struct reader reader = {.text = text, .at = text, .names = names, .fault = fault};
    skip_space(&reader);
    int result = *reader.at == '{' ? read_element(&reader) : refuse(&reader, "not a JSON object");
    while (result == 0 && reader.depth > 0)
        result = read_element(&reader);
    wipe(&reader.string);
    return result;
}
