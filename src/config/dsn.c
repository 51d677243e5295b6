/* DSNs: how a parsed one is filled, and what it can do. */
#include "config/dsn.h"

#include "base/process.h"
#include "config/dsn_parts.h"
#include "config/memory.h"
#include "config/walk.h"

#include <stdlib.h>
#include <string.h>

static const char SAFE_CHARACTERS[] = "/:,;=+!$*()";

/* -- filling -- */

void dsn_add_secret(struct dsn *dsn, struct span text) {
    size_t place = 0;
    if (text.length == 0)
        return;
    for (size_t i = 0; i < dsn->secret_count; i++) {
        size_t length = strlen(dsn->secrets[i]);
        if (length == text.length && memcmp(dsn->secrets[i], text.at, length) == 0)
            return;
        if (length >=
            text.length) /* blanking the shorter first would leave the rest of the longer one legible */
            place = i + 1;
    }
    dsn->secrets = memory_grow(dsn->secrets, dsn->secret_count + 1, sizeof *dsn->secrets);
    memmove(
        dsn->secrets + place + 1, dsn->secrets + place, (dsn->secret_count - place) * sizeof *dsn->secrets);
    dsn->secrets[place] = span_dup(text);
    dsn->secret_count++;
}

void dsn_take_param(struct dsn *dsn, char *key, char *value) {
    for (size_t i = 0; i < dsn->param_count; i++)
        if (strcmp(dsn->params[i].key, key) == 0) {
            free(key);
            str_free_secret(dsn->params[i].value);
            dsn->params[i].value = value;
            return;
        }
    dsn->params = memory_grow(dsn->params, dsn->param_count + 1, sizeof *dsn->params);
    dsn->params[dsn->param_count++] = (struct dsn_param){key, value};
}

static void guard(const char *text) {
    if (text)
        process_guard(text, strlen(text) + 1);
}

void dsn_guard(const struct dsn *dsn) {
    guard(dsn->password);
    for (size_t i = 0; i < dsn->secret_count; i++)
        guard(dsn->secrets[i]);
    for (size_t i = 0; i < dsn->param_count; i++)
        guard(dsn->params[i].value);
}

void dsn_set_password(struct dsn *dsn, const char *password) {
    char *copy = str_dup(password);
    str_free_secret(dsn->password);
    dsn->password = copy;
    if (copy)
        dsn_add_secret(dsn, span_of(copy));
}

/* The piece of a list at *at, which moves behind the comma. */
static struct span next_of_list(const char **at) {
    struct span piece = {*at, strcspn(*at, ",")};
    *at += piece.length + ((*at)[piece.length] == ',');
    return piece;
}

static void append_host(struct strbuf *safe, struct span host) {
    bool is_ipv6 = span_find(host, ':') < host.length && host.at[0] != '/';
    char *text = span_dup(host);
    strbuf_append(safe, is_ipv6 ? "[" : "");
    uri_append_shown(
        safe, text, is_ipv6 ? ":" : ""); /* a socket's directory: its slashes are escaped, as in a URI */
    strbuf_append(safe, is_ipv6 ? "]" : "");
    free(text);
}

static void append_hosts(struct strbuf *safe, const struct dsn *dsn) {
    const char *hosts = dsn->host ? dsn->host : "";
    const char *ports = dsn->port ? dsn->port : "";
    do {
        strbuf_append(safe, hosts == dsn->host || !dsn->host ? "" : ",");
        append_host(safe, next_of_list(&hosts));
        struct span port = next_of_list(&ports);
        strbuf_append(safe, port.length > 0 ? ":" : "");
        strbuf_append_n(safe, port.at, port.length);
    } while (*hosts);
}

void dsn_make_safe(struct dsn *dsn) {
    struct strbuf safe = {.is_vital = true};
    if (dsn->scheme == DSN_SQLITE) {
        strbuf_append(&safe, "sqlite:///");
        uri_append_shown(&safe, dsn->path, SAFE_CHARACTERS);
    } else {
        strbuf_format(&safe, "%s:", dsn_scheme_name(dsn->scheme));
        if (!dsn->is_doubtful) {
            strbuf_append(&safe, "//");
            append_hosts(&safe, dsn);
            strbuf_append(&safe, dsn->database ? "/" : "");
            uri_append_shown(&safe, dsn->database ? dsn->database : "", SAFE_CHARACTERS);
        }
    }
    free(dsn->safe);
    dsn->safe = str_dup(safe.data);
    strbuf_release(&safe);
}

bool dsn_is_port(struct span port) {
    long value = 0;
    for (size_t i = 0; i < port.length; i++) {
        if (port.at[i] < '0' || port.at[i] > '9' || value > 65535)
            return false;
        value = value * 10 + (port.at[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

void dsn_from_path(const char *path, struct dsn *dsn) {
    *dsn = (struct dsn){.scheme = DSN_SQLITE, .path = str_dup(path)};
    dsn_make_safe(dsn);
}

/* -- use -- */

const char *dsn_param(const struct dsn *dsn, const char *key) {
    for (size_t i = 0; i < dsn->param_count; i++)
        if (strcmp(dsn->params[i].key, key) == 0)
            return dsn->params[i].value;
    return NULL;
}

bool dsn_equal(const struct dsn *a, const struct dsn *b) {
    if (a->scheme != b->scheme || a->param_count != b->param_count || a->is_doubtful != b->is_doubtful ||
        a->has_dropped_query != b->has_dropped_query)
        return false;
    for (size_t i = 0; i < a->param_count; i++)
        if (!str_equal(a->params[i].key, b->params[i].key) ||
            !str_equal(a->params[i].value, b->params[i].value))
            return false;
    return str_equal(a->path, b->path) && str_equal(a->host, b->host) && str_equal(a->port, b->port) &&
           str_equal(a->user, b->user) && str_equal(a->password, b->password) &&
           str_equal(a->database, b->database) && str_equal(a->safe, b->safe);
}

void dsn_release(struct dsn *dsn) {
    char *const texts[] = {
        dsn->path, dsn->host, dsn->port, dsn->user, dsn->password, dsn->database, dsn->safe};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        str_free_secret(texts[i]); /* all of them: a doubtful DSN may have a piece of its password anywhere */
    for (size_t i = 0; i < dsn->param_count; i++) {
        str_free_secret(dsn->params[i].key);
        str_free_secret(dsn->params[i].value);
    }
    for (size_t i = 0; i < dsn->secret_count; i++)
        str_free_secret(dsn->secrets[i]);
    free(dsn->params);
    free(dsn->secrets);
    *dsn = (struct dsn){.scheme = DSN_SQLITE};
}

/* -- packing -- */

static void walk_params(struct walk *walk, struct dsn *dsn) {
    size_t count = dsn->param_count;
    WALK_FIELD(walk, count);
    if (!walk->out) {
        /* Each takes some bytes: a count that they cannot be is refused before there is room for it. */
        walk->is_broken = walk->is_broken || count > (size_t)(walk->end - walk->at);
        dsn->params = walk->is_broken ? NULL : calloc(count + 1, sizeof *dsn->params);
        walk->is_broken = !dsn->params;
        dsn->param_count = walk->is_broken ? 0 : count;
    }
    for (size_t i = 0; i < dsn->param_count && !walk->is_broken; i++) {
        walk_text(walk, &dsn->params[i].key);
        walk_text(walk, &dsn->params[i].value);
    }
}

void dsn_walk(struct walk *walk, struct dsn *dsn) {
    char **const texts[] = {
        &dsn->path, &dsn->host, &dsn->port, &dsn->user, &dsn->password, &dsn->database, &dsn->safe};
    WALK_FIELD(walk, dsn->scheme);
    WALK_FIELD(walk, dsn->has_dropped_query);
    WALK_FIELD(walk, dsn->is_doubtful);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        walk_text(walk, texts[i]);
    walk_params(walk, dsn);
    walk_texts(walk, &dsn->secrets, &dsn->secret_count, false);
}
