/* DATABASE_URL as Bugsink reads it: urllib.parse.urlparse of Python 3.12, then unquote of user, password and
 * path (Bugsink's parse_database_url, pull request 423). What is odd here is odd there. */
#include "config/dsn_parts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The parts of a URL, as urlsplit names them. */
struct url {
    struct span scheme, netloc, path, query;
};

/* Without leading C0 controls and spaces (not the trailing ones), and without tabs and line ends anywhere: a
 * newline at the end of a secret does no harm. */
static char *clean(const char *text) {
    while (*text && (unsigned char)*text <= 0x20)
        text++;
    char *url = str_dup(text);
    char *to = url;
    for (const char *from = text; *from; from++)
        if (!strchr("\t\r\n", *from))
            *to++ = *from;
    memset(to, 0, strlen(text) - (size_t)(to - url));
    return url;
}

static size_t scheme_length(struct span url) {
    size_t colon = span_find(url, ':');
    if (colon == url.length || colon == 0 || !isalpha((unsigned char)url.at[0]))
        return 0;
    for (size_t i = 0; i < colon; i++)
        if ((unsigned char)url.at[i] >= 0x80 ||
            (!isalnum((unsigned char)url.at[i]) && !strchr("+-.", url.at[i])))
            return 0;
    return colon;
}

static struct url split(struct span text) {
    struct url url = {.scheme = {text.at, scheme_length(text)}};
    struct span rest = url.scheme.length > 0 ? span_from(text, url.scheme.length + 1) : text;
    url.netloc = (struct span){rest.at, 0};
    if (rest.length >= 2 && strncmp(rest.at, "//", 2) == 0) {
        rest = span_from(rest, 2);
        url.netloc = (struct span){rest.at, span_find_any(rest, "/?#")};
        rest = span_from(rest, url.netloc.length);
    }
    rest.length = span_find(rest, '#');
    url.path = (struct span){rest.at, span_find(rest, '?')};
    url.query = span_from(rest, url.path.length + 1);
    return url;
}

static int find_scheme(struct span scheme, enum dsn_scheme *found, struct error *err) {
    static const struct {
        const char *name;
        enum dsn_scheme scheme;
    } schemes[] = {{"mysql", DSN_MYSQL}, {"postgres", DSN_POSTGRES}, {"postgresql", DSN_POSTGRES}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strlen(schemes[i].name) == scheme.length &&
            strncasecmp(schemes[i].name, scheme.at, scheme.length) == 0) {
            *found = schemes[i].scheme;
            return 0;
        }
    if (scheme.length == 6 && strncasecmp(scheme.at, "sqlite", 6) == 0)
        return error_set(err, "Bugsink reads no sqlite URL here; name the file in DATABASE_PATH");
    return error_set(
        err, "Bugsink reads only URLs that begin with postgresql://, postgres:// or mysql:// here");
}

/* Characters that become one of / ? # @ : under Unicode's compatibility normalisation; Python refuses them in
 * a netloc
 * (_checknetloc). Found by normalising every code point with Unicode 14. */
static bool has_disguised_delimiter(struct span netloc) {
    static const char *const disguised[] = {"\u2047", "\u2048", "\u2049", "\u2100", "\u2101", "\u2105",
        "\u2106", "\u2a74", "\ufe13", "\ufe16", "\ufe55", "\ufe56", "\ufe5f", "\ufe6b", "\uff03", "\uff0f",
        "\uff1a", "\uff1f", "\uff20"};
    for (size_t i = 0; i < sizeof disguised / sizeof disguised[0]; i++) {
        size_t length = strlen(disguised[i]);
        for (size_t at = 0; at + length <= netloc.length; at++)
            if (memcmp(netloc.at + at, disguised[i], length) == 0)
                return true;
    }
    return false;
}

/* "v1.something" (RFC 3986's IPvFuture), which Python lets pass. */
static bool is_ip_future(struct span host) {
    size_t dot = span_find(host, '.');
    if (host.length == 0 || host.at[0] != 'v' || dot < 2 || dot + 1 >= host.length)
        return false;
    for (size_t i = 1; i < dot; i++)
        if (!isxdigit((unsigned char)host.at[i]))
            return false;
    return true;
}

/* As ipaddress.IPv6Address takes it: with a scope behind a %, which must not be empty or contain another one.
 */
static bool is_ipv6(struct span host) {
    char text[INET6_ADDRSTRLEN + 1];
    struct in6_addr address;
    size_t percent = span_find(host, '%');
    struct span scope = span_from(host, percent + 1);
    if (percent < host.length && (scope.length == 0 || span_find(scope, '%') < scope.length))
        return false;
    if (percent >= sizeof text)
        return false;
    memcpy(text, host.at, percent);
    text[percent] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* The netloc behind its last @. */
static struct span host_info(struct span netloc) {
    size_t at_sign = span_find_last(netloc, '@');
    return at_sign < netloc.length ? span_from(netloc, at_sign + 1) : netloc;
}

/* Splits as _hostinfo does: brackets first, then the first colon. */
static void split_host(struct span info, struct span *host, struct span *behind) {
    size_t open = span_find(info, '[');
    struct span bracketed = span_from(info, open + 1);
    if (open < info.length) {
        *host = (struct span){bracketed.at, span_find(bracketed, ']')};
        *behind = span_from(bracketed, host->length + 1);
    } else {
        *host = (struct span){info.at, span_find(info, ':')};
        *behind = span_from(info, host->length);
    }
}

/* Python 3.12.9's rules for brackets (older ones let more of them pass): in pairs only; and where a pair
 * stands anywhere, even in the password, the host must be an IPv6 address. */
static bool are_brackets_right(struct span netloc) {
    bool has_open = span_find(netloc, '[') < netloc.length,
         has_close = span_find(netloc, ']') < netloc.length;
    if (!has_open && !has_close)
        return true;
    struct span info = host_info(netloc), host, behind;
    split_host(info, &host, &behind);
    bool is_bracketed = span_find(info, '[') < info.length;
    if (is_bracketed && (info.at[0] != '[' || (behind.length > 0 && behind.at[0] != ':')))
        return false;
    return has_open && has_close && (is_ip_future(host) || is_ipv6(host));
}

static int unquote_part(struct span part, const char *what, char **text, struct error *err) {
    *text = uri_unquote(part);
    return *text ? 0 : error_set(err, "the %s contains %%00, which no server takes", what);
}

static int read_userinfo(struct span netloc, struct dsn *dsn, struct error *err) {
    size_t at_sign = span_find_last(netloc, '@');
    if (at_sign == netloc.length)
        return 0;
    struct span userinfo = {netloc.at, at_sign};
    size_t colon = span_find(userinfo, ':');
    struct span password = span_from(userinfo, colon + 1);
    if (colon > 0 && unquote_part((struct span){userinfo.at, colon}, "user name", &dsn->user, err) < 0)
        return -1;
    if (password.length > 0 && unquote_part(password, "password", &dsn->password, err) < 0)
        return -1;
    dsn_add_secret(dsn, password);
    if (dsn->password)
        dsn_add_secret(dsn, span_of(dsn->password));
    return 0;
}

/* int() of the port, and then `or` the default: 0 and 0000 are the default port too. */
static int read_port(struct span port, struct dsn *dsn, struct error *err) {
    size_t zeros = 0;
    while (zeros < port.length && port.at[zeros] == '0')
        zeros++;
    struct span digits = span_from(port, zeros);
    if (digits.length == 0) {
        dsn->port = str_dup(dsn->scheme == DSN_MYSQL ? "3306" : "5432");
        return 0;
    }
    if (!dsn_is_port(digits))
        return error_set(err,
            "its port is not a number from 0 to 65535, so Bugsink cannot read it either; %s", DSN_REMEDY);
    dsn->port = span_dup(digits);
    return 0;
}

static int read_host(struct span netloc, struct dsn *dsn, struct error *err) {
    struct span host, behind;
    split_host(host_info(netloc), &host, &behind);
    if (host.length > 0) {
        size_t zone = span_find(host, '%'); /* of an IPv6 address; it keeps its case */
        dsn->host = uri_lower(host);
        memcpy(dsn->host + zone, host.at + zone, host.length - zone);
    }
    return read_port(span_from(behind, 1), dsn, err);
}

static int read_database(struct span path, struct dsn *dsn, struct error *err) {
    while (path.length > 0 && path.at[0] == '/')
        path = span_from(path, 1);
    return path.length == 0 ? 0 : unquote_part(path, "database", &dsn->database, err);
}

/* -- a password that is not percent-encoded -- */

/* Whether a piece of a password may stand where Bugsink sees host, port, path or query: an @ or # too many,
 * or a colon where there is no netloc. A bad escape means that nobody encoded anything. */
static bool is_doubtful(struct span url, struct span netloc) {
    struct span behind = span_from(url, (size_t)(netloc.at + netloc.length - url.at));
    return span_find(url, '#') < url.length || uri_has_bad_escape(url) || span_count(netloc, '@') > 1 ||
           span_find(behind, '@') < behind.length ||
           (netloc.length == 0 && span_find(behind, ':') < behind.length);
}

/* Adds a piece as it may come back in a driver's message: written, decoded, and lower-cased where it became
 * the host. */
static void add_piece(struct dsn *dsn, struct span piece) {
    char *lower = uri_lower(piece);
    char *unquoted = uri_unquote(piece);
    dsn_add_secret(dsn, piece);
    dsn_add_secret(dsn, span_of(lower));
    if (unquoted) {
        char *both = uri_lower(span_of(unquoted));
        dsn_add_secret(dsn, span_of(unquoted));
        dsn_add_secret(dsn, span_of(both));
        str_free_secret(both);
    }
    str_free_secret(unquoted);
    str_free_secret(lower);
}

/* A password begins behind the first colon at the earliest, and may reach to the end: nobody knows which @
 * was meant. Whatever the parser and the driver make of it, they cut it at these characters. */
static void add_doubtful_secrets(struct dsn *dsn, struct span rest) {
    struct span region = span_from(rest, span_find(rest, ':') + 1);
    add_piece(dsn, region);
    add_piece(dsn, (struct span){region.at, span_find_last(region, '@')});
    while (region.length > 0) {
        struct span piece = {region.at, span_find_any(region, "/?#@:[],")};
        add_piece(dsn, piece);
        region = span_from(region, piece.length + 1);
    }
}

/* -- the whole -- */

static int parse(struct span text, struct dsn *dsn, struct error *err) {
    struct url url = split(text);
    if (find_scheme(url.scheme, &dsn->scheme, err) < 0)
        return -1;
    if (!are_brackets_right(url.netloc) || has_disguised_delimiter(url.netloc))
        return error_set(err,
            "its host part is malformed, so Bugsink cannot read it either; in user name and password "
            "[ is %%5B and ] is %%5D; %s",
            DSN_REMEDY);
    if (read_userinfo(url.netloc, dsn, err) < 0 || read_host(url.netloc, dsn, err) < 0 ||
        read_database(url.path, dsn, err) < 0)
        return -1;
    dsn->has_dropped_query = url.query.length > 0;
    dsn->is_doubtful = is_doubtful(text, url.netloc);
    if (dsn->is_doubtful)
        add_doubtful_secrets(dsn, span_from(text, url.scheme.length + 1));
    return 0;
}

int dsn_parse_bugsink(const char *text, struct dsn *dsn, struct error *err) {
    *dsn = (struct dsn){.scheme = DSN_SQLITE};
    char *url = clean(text);
    int result = parse(span_of(url), dsn, err);
    if (result == 0)
        dsn_make_safe(dsn);
    else
        dsn_release(dsn);
    str_free_secret(url);
    return result;
}
