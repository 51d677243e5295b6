/* postgresql:// and mysql:// DSNs of our own configuration, read as libpq reads its URIs, but stricter: what
 * looks like a password that is not percent-encoded is refused, and no error quotes the text. */
#include "config/dsn_parts.h"

#include <stdlib.h>
#include <string.h>

/* Refuses what has no place in a URI unencoded. An @ that is not the only one, or stands behind the first /
 * or ?, is what is left of a user name or password with one of those characters in it. */
static int check_characters(struct span rest, struct error *err) {
    for (size_t i = 0; i < rest.length; i++)
        if ((unsigned char)rest.at[i] <= 0x20 || rest.at[i] == 0x7f)
            return error_set(err, "it contains a space or control character; a space is %%20");
    if (span_find(rest, '#') < rest.length)
        return error_set(err, "it contains a #; %s", DSN_REMEDY);
    if (uri_has_bad_escape(rest))
        return error_set(err, "it contains a %% without two hex digits after it; %s", DSN_REMEDY);
    if (span_count(rest, '@') > 1)
        return error_set(err, "it contains more than one @; %s", DSN_REMEDY);
    if (span_find(rest, '@') < rest.length && span_find(rest, '@') > span_find_any(rest, "/?"))
        return error_set(err, "an @ comes after the first / or ?; %s", DSN_REMEDY);
    return 0;
}

/* Decodes into *text, which stays NULL where there is nothing. */
static int decode_part(struct span part, const char *what, char **text, struct error *err) {
    if (part.length == 0)
        return 0;
    char *decoded = uri_decode(part);
    if (!decoded)
        return error_set(err, "the %s contains %%00, which no server takes", what);
    str_free_secret(*text);
    *text = decoded;
    return 0;
}

static int parse_userinfo(struct span userinfo, struct dsn *dsn, struct error *err) {
    size_t colon = span_find(userinfo, ':');
    struct span password = span_from(userinfo, colon + 1);
    if (decode_part((struct span){userinfo.at, colon}, "user name", &dsn->user, err) < 0)
        return -1;
    if (decode_part(password, "password", &dsn->password, err) < 0)
        return -1;
    dsn_add_secret(dsn, password);
    if (dsn->password)
        dsn_add_secret(dsn, span_of(dsn->password));
    return 0;
}

/* One HOST:PORT of the list; an IPv6 address stands in brackets. */
static int parse_host(struct span text, struct strbuf *hosts, struct strbuf *ports, struct error *err) {
    struct span host = {text.at, span_find(text, ':')};
    struct span behind = span_from(text, host.length);
    if (text.length > 0 && text.at[0] == '[') {
        size_t close = span_find(text, ']');
        if (close == text.length || close == 1)
            return error_set(err, "an IPv6 address must be in brackets: [::1]");
        host = (struct span){text.at + 1, close - 1};
        behind = span_from(text, close + 1);
        if (behind.length > 0 && behind.at[0] != ':')
            return error_set(
                err, "only a colon and a port may follow an IPv6 address in brackets: [::1]:5432");
    }
    struct span port = span_from(behind, 1);
    if (port.length > 0 && !dsn_is_port(port))
        return error_set(err, "a port is not a number from 1 to 65535; %s", DSN_REMEDY);
    strbuf_append_n(hosts, host.at, host.length);
    strbuf_append_n(ports, port.at, port.length);
    return 0;
}

static int parse_hosts(struct span list, struct dsn *dsn, struct error *err) {
    struct strbuf hosts = {.is_vital = true}, ports = {.is_vital = true};
    int result = -1;
    bool has_more = true;
    if (dsn->scheme != DSN_POSTGRES && span_find(list, ',') < list.length) {
        error_set(err, "a %s DSN names one host", dsn_scheme_name(dsn->scheme));
        goto end;
    }
    for (struct span rest = list; has_more;) {
        size_t comma = span_find(rest, ',');
        if (parse_host((struct span){rest.at, comma}, &hosts, &ports, err) < 0)
            goto end;
        has_more = comma < rest.length;
        strbuf_append(&hosts, has_more ? "," : "");
        strbuf_append(&ports, has_more ? "," : "");
        rest = span_from(rest, comma + 1);
    }
    if (decode_part(span_of(hosts.data), "host", &dsn->host, err) < 0)
        goto end;
    if (ports.data[strspn(ports.data, ",")] != '\0')
        dsn->port = str_dup(ports.data);
    result = 0;
end:
    strbuf_release(&hosts);
    strbuf_release(&ports);
    return result;
}

/* A parameter that names a part of the DSN, as libpq lets it: it wins over what stands before it. Takes
 * value. Returns false, and takes nothing, where key is none of them. */
static bool set_part(struct dsn *dsn, const char *key, char *value) {
    const struct {
        const char *key;
        char **part;
    } parts[] = {{"host", &dsn->host}, {"port", &dsn->port}, {"user", &dsn->user},
        {"password", &dsn->password}, {"dbname", &dsn->database}};
    for (size_t i = 0; dsn->scheme == DSN_POSTGRES && i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(parts[i].key, key) != 0)
            continue;
        str_free_secret(*parts[i].part);
        *parts[i].part = *value ? value : NULL;
        if (!*value)
            free(value);
        return true;
    }
    return false;
}

static bool is_port_list(const char *text) {
    struct span rest = span_of(text);
    while (rest.length > 0) {
        size_t comma = span_find(rest, ',');
        if (comma > 0 && !dsn_is_port((struct span){rest.at, comma}))
            return false;
        rest = span_from(rest, comma + 1);
    }
    return true;
}

/* libpq's names: password, sslpassword, and from version 18 on oauth_client_secret. */
static bool is_secret_key(const char *key) {
    return strstr(key, "password") || strstr(key, "secret");
}

/* Takes key and value, and fails with neither kept. */
static int set_param(struct dsn *dsn, char *key, char *value, struct span raw, struct error *err) {
    int result = -1;
    if (!key || !value) {
        error_set(err, "its query contains %%00, which no server takes");
    } else if (!*key) {
        error_set(err, "a query parameter has no name; write NAME=VALUE&NAME=VALUE");
    } else if (strcmp(key, "port") == 0 && !is_port_list(value)) {
        error_set(err, "the parameter port is not a number from 1 to 65535");
    } else {
        result = 0;
        if (is_secret_key(key)) {
            dsn_add_secret(dsn, raw);
            dsn_add_secret(dsn, span_of(value));
        }
        if (strcmp(key, "ssl") == 0 && strcmp(value, "true") == 0) { /* libpq's courtesy to JDBC URLs */
            dsn_take_param(dsn, str_dup("sslmode"), str_dup("require"));
        } else if (set_part(dsn, key, value)) {
            value = NULL;
        } else {
            dsn_take_param(dsn, key, value);
            key = value = NULL;
        }
    }
    free(key);
    str_free_secret(value);
    return result;
}

static int parse_query(struct span query, struct dsn *dsn, struct error *err) {
    while (query.length > 0) {
        struct span pair = {query.at, span_find(query, '&')};
        size_t equals = span_find(pair, '=');
        struct span value = span_from(pair, equals + 1);
        if (equals == pair.length)
            return error_set(err, "a query parameter has no value; write NAME=VALUE&NAME=VALUE");
        if (span_find(value, '=') < value.length)
            return error_set(
                err, "a query parameter contains a second =; in a value = is %%3D and & is %%26");
        if (set_param(dsn, uri_decode((struct span){pair.at, equals}), uri_decode(value), value, err) < 0)
            return -1;
        query = span_from(query, pair.length + 1);
    }
    return 0;
}

int dsn_parse_authority_form(struct span rest, struct dsn *dsn, struct error *err) {
    if (check_characters(rest, err) < 0)
        return -1;
    struct span authority = {rest.at, span_find_any(rest, "/?")};
    struct span behind = span_from(rest, authority.length);
    size_t at_sign = span_find(authority, '@');
    if (at_sign < authority.length) {
        if (parse_userinfo((struct span){authority.at, at_sign}, dsn, err) < 0)
            return -1;
        authority = span_from(authority, at_sign + 1);
    }
    if (parse_hosts(authority, dsn, err) < 0)
        return -1;
    struct span path = {behind.at, span_find(behind, '?')};
    if (decode_part(span_from(path, 1), "database", &dsn->database, err) < 0)
        return -1;
    return parse_query(span_from(behind, path.length + 1), dsn, err);
}
