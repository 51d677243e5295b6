/* DSNs that are put together here from their parts, percent-encoded as Python's urllib.parse.quote does it:
 * each part comes out as it went in, and what may be shown of the whole does not depend on the secrets. With
 * characters in them that somebody forgot to encode they are refused, or taken; the password is not shown.
 * Sources: src/config/dsn.c src/config/dsn_parse.c src/config/dsn_scheme.c src/config/dsn_uri.c */
#include "base/str.h"
#include "config/dsn.h"
#include "fuzz/fuzz.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 40, HOSTS_MAX = 3, PARAMS_MAX = 4 };

static const char *const HOSTS[] = {"db", "DB.example.com", "10.0.0.1", "::1", "/run/postgresql", ""};
static const char *const PORTS[] = {"", "5432", "1", "65535"};
static const char *const KEYS[] = {
    "application_name", "sslmode", "sslpassword", "password", "dbname", "user", "port", "ssl"};

enum {
    HOST_PLAIN_COUNT = 3,
    KEY_PARAM_COUNT = 3,
    KEY_COUNT = sizeof KEYS / sizeof KEYS[0],
    PORT_COUNT = sizeof PORTS / sizeof PORTS[0]
};

/* The parts, as they must come out. */
struct parts {
    enum dsn_scheme scheme;
    char *user, *password, *database;
    size_t host_count;
    const char *hosts[HOSTS_MAX], *ports[HOSTS_MAX];
    size_t param_count;
    const char *keys[PARAMS_MAX];
    char *values[PARAMS_MAX];
    bool is_small_hex;
};

static void quote(struct strbuf *url, const char *text, const struct parts *parts) {
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || strchr("_.-~", *text))
            strbuf_append_n(url, text, 1);
        else
            strbuf_format(url, parts->is_small_hex ? "%%%02x" : "%%%02X", (unsigned char)*text);
}

static void put_hosts(struct strbuf *url, const struct parts *parts) {
    for (size_t i = 0; i < parts->host_count; i++) {
        const char *host = parts->hosts[i];
        strbuf_append(url, i > 0 ? "," : "");
        if (strchr(host, ':'))
            strbuf_format(url, "[%s]", host);
        else
            quote(url, host, parts);
        strbuf_format(url, "%s%s", *parts->ports[i] ? ":" : "", parts->ports[i]);
    }
}

/* The caller frees. Every secret stands as it is said here: NULL leaves the real ones. */
static char *build(const struct parts *parts, const char *secret) {
    struct strbuf url = {0};
    strbuf_append(&url, parts->scheme == DSN_POSTGRES ? "postgresql://" : "mysql://");
    quote(&url, parts->user, parts);
    if (*parts->password)
        strbuf_append(&url, ":");
    quote(&url, *parts->password && secret ? secret : parts->password, parts);
    strbuf_append(&url, *parts->user || *parts->password ? "@" : "");
    put_hosts(&url, parts);
    strbuf_append(&url, *parts->database ? "/" : "");
    quote(&url, parts->database, parts);
    for (size_t i = 0; i < parts->param_count; i++) {
        bool is_secret = strstr(parts->keys[i], "password") && *parts->values[i];
        strbuf_format(&url, "%s%s=", i == 0 ? "?" : "&", parts->keys[i]);
        quote(&url, is_secret && secret ? secret : parts->values[i], parts);
    }
    fuzz_assert(!url.is_broken);
    return url.data;
}

static void check_text(const char *got, const char *want) {
    fuzz_assert(got ? strcmp(got, want) == 0 : !*want);
}

/* As Python's decoder replaces what is no UTF-8; the caller frees. Written after Unicode 15's table 3-7,
 * which says where each byte must lie, and not after ours. */
static char *replace_malformed(const char *text) {
    struct strbuf result = {0};
    const unsigned char *c = (const unsigned char *)text;
    strbuf_append(&result, "");
    while (*c) {
        unsigned low = 0x80, high = 0xbf;
        size_t need = *c < 0x80 ? 0 : *c >= 0xc2 && *c <= 0xdf ? 1 : (*c & 0xf0) == 0xe0 ? 2 : 3, have = 0;
        bool is_first = *c < 0x80 || (*c >= 0xc2 && *c <= 0xf4);
        low = *c == 0xe0 ? 0xa0 : *c == 0xf0 ? 0x90 : low;
        high = *c == 0xed ? 0x9f : *c == 0xf4 ? 0x8f : high;
        for (; is_first && have < need && c[have + 1] >= low && c[have + 1] <= high; have++) {
            low = 0x80;
            high = 0xbf;
        }
        if (is_first && have == need)
            strbuf_append_n(&result, (const char *)c, have + 1);
        else
            strbuf_append(&result, "\xef\xbf\xbd");
        c += have + 1;
    }
    return result.data;
}

/* -- as one of our own -- */

/* What comes out of a list: hosts or ports by commas, nothing where all are empty. */
static char *join(const char *const *texts, size_t count, bool is_port) {
    struct strbuf list = {0};
    bool is_empty = is_port;
    for (size_t i = 0; i < count; i++) {
        strbuf_format(&list, "%s%s", i > 0 ? "," : "", texts[i]);
        is_empty = is_empty && !*texts[i];
    }
    if (is_empty && list.data)
        list.data[0] = '\0';
    return list.data;
}

/* The last parameter of that name wins over the part before it. */
static const char *part_of(const struct parts *parts, const char *key, const char *before) {
    for (size_t i = parts->param_count; i > 0; i--)
        if (strcmp(parts->keys[i - 1], key) == 0)
            return parts->values[i - 1];
        else if (strcmp(parts->keys[i - 1], "ssl") == 0 && strcmp(key, "sslmode") == 0)
            return "require";
    return before;
}

static bool is_secret_of(const struct dsn *dsn, const char *text) {
    for (size_t i = 0; i < dsn->secret_count; i++)
        if (strcmp(dsn->secrets[i], text) == 0)
            return true;
    return !*text;
}

static void check_own(const struct parts *parts, const struct dsn *dsn) {
    char *hosts = join(parts->hosts, parts->host_count, false);
    char *ports = join(parts->ports, parts->host_count, true);
    fuzz_assert(dsn->scheme == parts->scheme && !dsn->path && !dsn->is_doubtful && !dsn->has_dropped_query);
    check_text(dsn->host, hosts);
    check_text(dsn->port, part_of(parts, "port", ports));
    check_text(dsn->user, part_of(parts, "user", parts->user));
    check_text(dsn->password, part_of(parts, "password", parts->password));
    check_text(dsn->database, part_of(parts, "dbname", parts->database));
    for (size_t i = 0; i < KEY_PARAM_COUNT; i++)
        check_text(dsn_param(dsn, KEYS[i]), part_of(parts, KEYS[i], ""));
    fuzz_assert(is_secret_of(dsn, parts->password));
    for (size_t i = 0; i < parts->param_count; i++)
        fuzz_assert(!strstr(parts->keys[i], "password") || is_secret_of(dsn, parts->values[i]));
    free(hosts);
    free(ports);
}

/* The secrets are others, what may be shown is the same, and shows none of them. */
static void check_shown(const struct parts *parts, const struct dsn *dsn,
    int (*parser)(const char *, struct dsn *, struct error *)) {
    struct dsn other;
    char *url = build(parts, FUZZ_SECRET), *bare = build(parts, "x");
    fuzz_assert(parser(url, &other, NULL) == 0);
    fuzz_assert(strcmp(other.safe, dsn->safe) == 0);
    bool is_elsewhere = strstr(bare, "s3");
    dsn_blank(&other, url);
    fuzz_assert(is_elsewhere || other.has_dropped_query || !fuzz_shows_secret(url));
    fuzz_assert(is_elsewhere || !fuzz_shows_secret(other.safe));
    dsn_set_password(&other, "another");
    fuzz_assert(strcmp(other.password, "another") == 0 && strcmp(other.safe, dsn->safe) == 0);
    free(bare);
    dsn_release(&other);
    free(url);
}

/* -- as Bugsink's -- */

static void check_bugsink(const struct parts *parts, const struct dsn *dsn) {
    const char *database = parts->database;
    char *user = replace_malformed(parts->user), *password = replace_malformed(parts->password);
    char *replaced = replace_malformed(database), host[32];
    snprintf(host, sizeof host, "%s", parts->hosts[0]);
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    check_text(dsn->host, host);
    check_text(dsn->port, *parts->ports[0] ? parts->ports[0] : parts->scheme == DSN_MYSQL ? "3306" : "5432");
    check_text(dsn->user, user);
    check_text(dsn->password, password);
    check_text(dsn->database, replaced);
    fuzz_assert(!dsn->is_doubtful && dsn->param_count == 0);
    fuzz_assert(dsn->has_dropped_query == (parts->param_count > 0));
    free(user);
    free(password);
    free(replaced);
}

/* -- damage -- */

/* Puts some characters over or between those of the URL, as who writes one by hand would. */
static void damage(struct fuzz_input *input, struct strbuf *url) {
    static const char *const MARKS[] = {"@", "/", "?", "#", "%", ":", "[", "]", ",", "=", "&", " ", "\t", "~",
        ".", "5", "\x7f", "%zz", "%00", "//"};
    for (unsigned i = fuzz_take_below(input, 4); i > 0; i--) {
        size_t at = fuzz_take(input) % (url->length + 1), gone = fuzz_take_below(input, 3);
        const char *mark = MARKS[fuzz_take_below(input, sizeof MARKS / sizeof MARKS[0])];
        gone = gone < url->length - at ? gone : url->length - at;
        struct strbuf changed = {0};
        strbuf_append_n(&changed, url->data, at);
        strbuf_append(&changed, mark);
        strbuf_append(&changed, url->data + at + gone);
        strbuf_release(url);
        *url = changed;
    }
}

/* Whatever becomes of it: a password that still has its @ behind it is seen neither in the error nor in what
 * may be shown. (Without any @, HOST:/PASSWORD is a host and a database.) */
static void check_damaged(struct fuzz_input *input, const struct parts *parts, const struct dsn *sound,
    int (*parser)(const char *, struct dsn *, struct error *)) {
    struct strbuf url = {0};
    struct dsn dsn;
    struct error err = {.text = ""};
    char *whole = build(parts, FUZZ_SECRET), *bare = build(parts, "x");
    strbuf_append(&url, whole);
    damage(input, &url);
    int result = parser(url.data, &dsn, &err);
    fuzz_assert((result < 0) == (err.text[0] != '\0'));
    fuzz_assert(result < 0 || dsn_equal(&dsn, &dsn));
    fuzz_assert(result < 0 || !dsn_equal(&dsn, sound) || strcmp(dsn.safe, sound->safe) == 0);
    bool is_password = strstr(url.data, "s3%5Ecret@") || strstr(url.data, "s3%5ecret@");
    if (is_password && parts->param_count == 0 && !strstr(bare, "s3"))
        fuzz_assert(!fuzz_shows_secret(result < 0 ? err.text : dsn.safe));
    dsn_release(&dsn);
    strbuf_release(&url);
    free(whole);
    free(bare);
}

/* -- the whole -- */

static void take_host(struct fuzz_input *input, struct parts *parts, bool is_bugsink) {
    unsigned count = sizeof HOSTS / sizeof HOSTS[0];
    const char *host = HOSTS[fuzz_take_below(input, count)];
    /* Bugsink's reading decodes no host, so that it knows no socket. */
    if (is_bugsink && strchr(host, '/'))
        host = HOSTS[HOST_PLAIN_COUNT];
    parts->hosts[parts->host_count] = host;
    parts->ports[parts->host_count++] = PORTS[fuzz_take_below(input, PORT_COUNT)];
}

static struct parts take_parts(struct fuzz_input *input, bool is_bugsink) {
    struct parts parts = {.scheme = fuzz_take_below(input, 2) ? DSN_POSTGRES : DSN_MYSQL};
    bool has_many = parts.scheme == DSN_POSTGRES && !is_bugsink;
    parts.is_small_hex = fuzz_take_below(input, 2);
    for (size_t i = has_many ? 1 + fuzz_take_below(input, HOSTS_MAX) : 1; i > 0; i--)
        take_host(input, &parts, is_bugsink);
    parts.user = fuzz_take_text(input, TEXT_MAX);
    parts.password = fuzz_take_text(input, TEXT_MAX);
    parts.database = fuzz_take_text(input, TEXT_MAX);
    parts.param_count = fuzz_take_below(input, PARAMS_MAX + 1);
    for (size_t i = 0; i < parts.param_count; i++) {
        const char *key = KEYS[fuzz_take_below(input, has_many ? KEY_COUNT : KEY_PARAM_COUNT)];
        char *value = fuzz_take_text(input, TEXT_MAX);
        parts.keys[i] = key;
        parts.values[i] = value;
        if (strcmp(key, "port") == 0 || strcmp(key, "ssl") == 0) {
            parts.values[i] = str_dup(key[0] == 'p' ? PORTS[strlen(value) % PORT_COUNT] : "true");
            free(value);
        }
    }
    return parts;
}

/* A file, whose DSN shows its path whole. */
static void check_sqlite(struct fuzz_input *input) {
    struct parts parts = {.is_small_hex = fuzz_take_below(input, 2)};
    struct strbuf url = {0};
    struct dsn dsn, same;
    struct error err = {.text = ""};
    char *path = fuzz_take_text(input, TEXT_MAX);
    strbuf_append(&url, fuzz_take_below(input, 2) ? "sqlite:///" : "SQLite:///");
    quote(&url, path, &parts);
    fuzz_assert((dsn_parse(url.data, &dsn, &err) == 0) == (*path != '\0'));
    if (*path) {
        dsn_from_path(path, &same);
        fuzz_assert(strcmp(dsn.path, path) == 0 && dsn_equal(&dsn, &same));
        dsn_release(&same);
    }
    dsn_release(&dsn);
    damage(input, &url);
    int result = dsn_parse(url.data, &dsn, &err);
    fuzz_assert(result < 0 || dsn.scheme != DSN_SQLITE || *dsn.path);
    dsn_release(&dsn);
    strbuf_release(&url);
    free(path);
}

FUZZ_TARGET(dsn_round_trip) {
    struct fuzz_input input = {data, size};
    unsigned kind = fuzz_take_below(&input, 3);
    bool is_bugsink = kind == 1;
    if (kind == 2) {
        check_sqlite(&input);
        return 0;
    }
    int (*parser)(const char *, struct dsn *, struct error *) = is_bugsink ? dsn_parse_bugsink : dsn_parse;
    struct parts parts = take_parts(&input, is_bugsink);
    char *url = build(&parts, NULL);
    struct dsn dsn;
    struct error err = {.text = ""};
    fuzz_assert(parser(url, &dsn, &err) == 0);
    if (is_bugsink)
        check_bugsink(&parts, &dsn);
    else
        check_own(&parts, &dsn);
    check_shown(&parts, &dsn, parser);
    check_damaged(&input, &parts, &dsn, parser);
    dsn_release(&dsn);
    free(url);
    free(parts.user);
    free(parts.password);
    free(parts.database);
    for (size_t i = 0; i < parts.param_count; i++)
        free(parts.values[i]);
    return 0;
}
