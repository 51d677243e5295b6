/* The parser of a DSN of our own configuration: its scheme, and the DSNs of SQLite. */
#include "config/dsn_parts.h"

#include <ctype.h>
#include <string.h>

static int parse_sqlite(struct span rest, struct dsn *dsn, struct error *err) {
    if (rest.length < 3 || strncmp(rest.at, "///", 3) != 0)
        return error_set(err,
            "a sqlite DSN has three slashes before a relative path and four before an absolute one: "
            "sqlite:////data/db.sqlite3");
    struct span path = span_from(rest, 3);
    if (span_find_any(path, "?#") < path.length)
        return error_set(
            err, "a sqlite DSN takes no query and no fragment; in a path ? is %%3F and # is %%23");
    if (path.length == 0 || strcmp(path.at, ":memory:") == 0)
        return error_set(err, "a sqlite DSN must name a file: sqlite:////data/db.sqlite3");
    dsn->path = uri_decode(path);
    if (!dsn->path)
        return error_set(
            err, "a %% in the path of a sqlite DSN must be followed by two hex digits; %% itself is %%25");
    return 0;
}

/* A path is taken as it stands, but not what looks like a connection string or a URL without its scheme:
 * shown as a path, it would show its password. */
static int parse_bare_path(struct span text, struct dsn *dsn, struct error *err) {
    bool is_absolute = text.at[0] == '/' && text.at[1] != '/';
    bool is_plain = is_absolute || strncmp(text.at, "./", 2) == 0 || strncmp(text.at, "../", 3) == 0 ||
                    span_find_any(text, "@=:?#%;& \t\r\n'\"") == text.length;
    if (text.length == 0)
        return error_set(err, "a DSN must not be empty");
    if (!is_plain || text.at[0] == '~' || (text.at[0] == '/' && !is_absolute))
        return error_set(err, "neither a DSN nor a path; write postgresql://USER@HOST/DATABASE, mysql://..., "
                              "sqlite:////PATH or an absolute path");
    dsn->path = span_dup(text);
    return 0;
}

/* The length of a URI scheme at the start of the text, 0 if none stands there. */
static size_t scheme_length(struct span text) {
    size_t length = span_find(text, ':');
    if (length == text.length || !isalpha((unsigned char)text.at[0]))
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text.at[i]) && !strchr("+-.", text.at[i]))
            return 0;
    return length;
}

static int unknown_scheme(struct span text, size_t length, struct error *err) {
    char right[128];
    dsn_list_schemes(right, sizeof right);
    /* Without the slashes it need not be a scheme: USER:PASSWORD@HOST begins like one. */
    if (length > 24 || text.length < length + 3 || strncmp(text.at + length, "://", 3) != 0)
        return error_set(err, "no known scheme; the schemes are %s", right);
    return error_set(err, "unknown scheme \"%.*s\"; the schemes are %s", (int)length, text.at, right);
}

static int parse(struct span text, struct dsn *dsn, struct error *err) {
    size_t length = scheme_length(text);
    if (length == 0)
        return parse_bare_path(text, dsn, err);
    if (!dsn_find_scheme((struct span){text.at, length}, &dsn->scheme))
        return unknown_scheme(text, length, err);
    struct span rest = span_from(text, length + 1);
    if (dsn->scheme == DSN_SQLITE)
        return parse_sqlite(rest, dsn, err);
    if (strncmp(rest.at, "//", 2) != 0)
        return error_set(
            err, "two slashes must follow the scheme: %.*s://USER@HOST/DATABASE", (int)length, text.at);
    return dsn_parse_authority_form(span_from(rest, 2), dsn, err);
}

int dsn_parse(const char *text, struct dsn *dsn, struct error *err) {
    *dsn = (struct dsn){.scheme = DSN_SQLITE};
    if (parse(span_of(text), dsn, err) < 0) {
        dsn_release(dsn);
        return -1;
    }
    dsn_make_safe(dsn);
    return 0;
}
