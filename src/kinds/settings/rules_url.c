/* The rules on URLs, which urlsplit of Python's urllib.parse takes apart, and on what the host of one
 * decides. */
#include "kinds/settings/rule.h"
#include "kinds/settings/rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 8192, HOST_MAX = 64, PORT_MAX = 65535 };

static const char NO_IPV6[] = "is not a URL: what is in brackets is not an IPv6 address";
static const char UNCLOSED[] = "is not a URL: a bracket is not closed";

struct span {
    const char *at;
    size_t length;
};

struct url {
    char text[URL_MAX]; /* as urlsplit cleans it; a secret */
    struct span scheme, netloc, host, port, user, path;
};

/* Leaves away what urlsplit does: white space and control characters in front, and tabs and line ends.
 * Returns false where the text is too long to be judged. */
static bool clean(struct url *url, const char *text) {
    size_t length = 0;
    url->text[0] = '\0';
    while (*text && (unsigned char)*text <= ' ')
        text++;
    for (; *text; text++) {
        if (length == URL_MAX - 1)
            return false;
        if (!strchr("\t\r\n", *text))
            url->text[length++] = *text;
    }
    url->text[length] = '\0';
    return true;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Sets the scheme, empty where there is none, and returns what follows its colon. */
static const char *split_scheme(struct url *url) {
    const char *text = url->text;
    size_t colon = strcspn(text, ":");
    url->scheme = (struct span){text, 0};
    if (colon == 0 || !text[colon] || !is_letter(*text))
        return text;
    for (size_t i = 0; i < colon; i++)
        if (!is_letter(text[i]) && !strchr("0123456789+-.", text[i]))
            return text;
    url->scheme.length = colon;
    return text + colon + 1;
}

/* Splits at the first c; false, and nothing behind, where there is none. */
static bool partition(struct span span, char c, struct span *before, struct span *behind) {
    const char *found = span.length > 0 ? memchr(span.at, c, span.length) : NULL;
    const char *end = span.at + span.length;
    *before = (struct span){span.at, found ? (size_t)(found - span.at) : span.length};
    *behind = (struct span){found ? found + 1 : end, found ? (size_t)(end - found - 1) : 0};
    return found != NULL;
}

static void split_netloc(struct url *url) {
    const struct span all = url->netloc;
    const char *at_sign = all.length > 0 ? memrchr(all.at, '@', all.length) : NULL;
    const char *host = at_sign ? at_sign + 1 : all.at;
    struct span info = {host, (size_t)(all.at + all.length - host)}, bracketed, ignored;
    struct span login = {all.at, at_sign ? (size_t)(at_sign - all.at) : 0};
    partition(login, ':', &url->user, &ignored);
    if (partition(info, '[', &ignored, &bracketed)) {
        partition(bracketed, ']', &url->host, &info);
        partition(info, ':', &ignored, &url->port);
    } else {
        partition(info, ':', &url->host, &url->port);
    }
}

/* v1.fe80::a+en1 */
static bool is_future_address(const char *text) {
    size_t digits = strspn(text + 1, "0123456789abcdefABCDEF");
    return digits > 0 && text[1 + digits] == '.' && text[2 + digits] != '\0';
}

/* Whether urlsplit takes what is in brackets: an IPv6 address, which may have a scope, or one of the future.
 */
static bool is_bracketed_host(struct span host) {
    char text[HOST_MAX];
    unsigned char address[16];
    if (host.length >= sizeof text)
        return host.length > 0 && *host.at == 'v';
    memcpy(text, host.at, host.length);
    text[host.length] = '\0';
    if (*text == 'v')
        return is_future_address(text);
    char *scope = strchr(text, '%');
    if (scope && (scope[1] == '\0' || strchr(scope + 1, '%')))
        return false;
    if (scope)
        *scope = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

static const char *judge_brackets(struct span netloc) {
    struct span ignored, bracketed, host;
    bool is_open = partition(netloc, '[', &ignored, &bracketed);
    bool is_closed = partition(netloc, ']', &ignored, &host);
    if (is_open != is_closed)
        return UNCLOSED;
    if (!is_open)
        return NULL;
    partition(bracketed, ']', &host, &ignored);
    return is_bracketed_host(host) ? NULL : NO_IPV6;
}

/* Takes a URL apart; says what is wrong with it where urlsplit raises a ValueError. */
static const char *split(struct url *url) {
    const char *rest = split_scheme(url);
    bool has_netloc = strncmp(rest, "//", 2) == 0;
    const char *netloc = has_netloc ? rest + 2 : rest;
    url->netloc = (struct span){netloc, has_netloc ? strcspn(netloc, "/?#") : 0};
    const char *path = netloc + url->netloc.length;
    url->path = (struct span){path, strcspn(path, "?#")};
    split_netloc(url);
    return judge_brackets(url->netloc);
}

static bool is_scheme(const struct url *url, const char *scheme) {
    return url->scheme.length == strlen(scheme) &&
           strncasecmp(url->scheme.at, scheme, url->scheme.length) == 0;
}

static bool is_web(const struct url *url) {
    return is_scheme(url, "http") || is_scheme(url, "https");
}

/* An empty port is none. */
static const char *judge_port(const struct url *url) {
    long port = 0;
    for (size_t i = 0; i < url->port.length; i++) {
        if (!isdigit((unsigned char)url->port.at[i]))
            return "has a port that is not a number";
        port = port > PORT_MAX ? port : port * 10 + (url->port.at[i] - '0');
    }
    return port > PORT_MAX ? "has a port above 65535" : NULL;
}

/* -- the rules -- */

static const char *judge_base(struct url *url) {
    const char *what = split(url);
    if (what)
        return what;
    if (!is_web(url))
        return "must begin with http:// or https://";
    return url->host.length == 0 ? "names no host" : NULL;
}

static const char *judge_database(struct url *url) {
    const char *what = split(url);
    if (what)
        return what;
    if (!is_scheme(url, "mysql") && !is_scheme(url, "postgres") && !is_scheme(url, "postgresql"))
        return "must begin with mysql://, postgres:// or postgresql://";
    return judge_port(url);
}

/* Whether int() takes what is behind the path's last slash. */
static bool has_project(const struct url *url) {
    char number[HOST_MAX];
    const char *slash = url->path.length > 0 ? memrchr(url->path.at, '/', url->path.length) : NULL;
    const char *at = slash ? slash + 1 : url->path.at;
    size_t length = (size_t)(url->path.at + url->path.length - at);
    if (length >= sizeof number)
        return true;
    memcpy(number, at, length);
    number[length] = '\0';
    return settings_rules_is_integer(number);
}

/* sentry_sdk/utils.py, class Dsn. */
static const char *judge_dsn(struct url *url) {
    const char *what = split(url);
    if (what)
        return what;
    if (!is_web(url))
        return "must begin with http:// or https://";
    if (url->host.length == 0)
        return "names no host";
    if ((what = judge_port(url)) != NULL)
        return what;
    if (url->user.length == 0)
        return "has no public key";
    return has_project(url) ? NULL : "ends in no project's number";
}

static const char *judge_url(
    const struct settings_subject *subject, bool may_be_empty, const char *(*judge)(struct url *url)) {
    struct url url = {.text = ""};
    bool is_known = subject->setting && subject->setting->kind != VALUE_UNKNOWN;
    const char *text = is_known ? subject_value(subject) : NULL;
    if (!text || (may_be_empty && !*text))
        return NULL;
    const char *what = clean(&url, text) ? judge(&url) : NULL;
    explicit_bzero(url.text, sizeof url.text);
    return what;
}

const char *judge_base_url(const struct settings_subject *subject) {
    return judge_url(subject, false, judge_base);
}

const char *judge_database_url(const struct settings_subject *subject) {
    return judge_url(subject, true, judge_database);
}

const char *judge_sentry_dsn(const struct settings_subject *subject) {
    return judge_url(subject, true, judge_dsn);
}

/* -- the sender of mail (bugsink/utils.py, sends_email_as_bugsink_but_is_not_hosted_on_bugsink) -- */

static struct span strip(struct span span) {
    while (span.length > 0 && isspace((unsigned char)*span.at))
        span = (struct span){span.at + 1, span.length - 1};
    while (span.length > 0 && isspace((unsigned char)span.at[span.length - 1]))
        span.length--;
    return span;
}

static bool ends_with(struct span span, const char *end) {
    size_t length = strlen(end);
    return span.length >= length && strncasecmp(span.at + span.length - length, end, length) == 0;
}

static bool is_listed(const char *hosts) {
    struct span left = {hosts, strlen(hosts)}, host;
    bool is_more = true;
    while (is_more) {
        is_more = partition(left, ',', &host, &left);
        if (ends_with(strip(host), "bugsink.com"))
            return true;
    }
    return false;
}

/* Whether the hosts that Bugsink deduces from its BASE_URL are of bugsink.com, or not known. */
static bool may_be_hosted(const char *base_url) {
    struct url url = {.text = ""};
    bool may_be = !clean(&url, base_url) || split(&url) || ends_with(url.host, "bugsink.com");
    explicit_bzero(url.text, sizeof url.text);
    return may_be;
}

const char *judge_sender(const struct settings_subject *subject) {
    const char *from = subject_text(subject, "DEFAULT_FROM_EMAIL");
    const char *hosts = subject_text(subject, "ALLOWED_HOSTS"), *base = subject_text(subject, "BASE_URL");
    if (!from || subject_is_unknown(subject, "ALLOWED_HOSTS") || subject_is_unknown(subject, "BASE_URL"))
        return NULL;
    struct span address = strip((struct span){from, strlen(from)});
    if (!ends_with(address, "@bugsink.com") && !ends_with(address, "@bugsink.com>"))
        return NULL;
    bool may_be = hosts && *hosts ? is_listed(hosts) : base && *base && may_be_hosted(base);
    return may_be ? NULL : "is of bugsink.com, and ALLOWED_HOSTS is not";
}
