/* The reader of the check of Bugsink itself over HTTP: its URL, and the Host under which it knows itself. */
#include "config/address.h"
#include "config/duration.h"
#include "config/kind.h"
#include "config/walk.h"
#include "config/loader.h"
#include "config/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char DEFAULT_PATH[] = "/health/ready"; /* Bugsink's own, since its version 1.6 */

enum { HTTP_PORT = 80, HOST_MAX = 255, EXPECT_MAX = 1024, PATH_MAX_LENGTH = 1024 };

static bool is_host(struct span host) {
    for (size_t i = 0; i < host.length; i++)
        if ((unsigned char)host.at[i] <= 0x20 || (unsigned char)host.at[i] >= 0x7f ||
            strchr("/?#@\\\"<>", host.at[i]))
            return false;
    return host.length > 0 && host.length <= HOST_MAX;
}

/* Splits the authority into a numeric host and a port. */
static int parse_authority(struct span authority, struct address *address, struct error *err) {
    bool is_bracketed = authority.length > 0 && authority.at[0] == '[';
    struct span host = {authority.at, span_find(authority, is_bracketed ? ']' : ':')};
    struct span behind = span_from(authority, host.length + (is_bracketed ? 1 : 0));
    char text[ADDRESS_HOST_SIZE] = "";
    if (is_bracketed)
        host = span_from(host, 1);
    bool is_closed = !is_bracketed || span_find(authority, ']') < authority.length;
    if (is_closed && host.length < sizeof text)
        str_copy(text, host.length + 1, host.at);
    if (!address_set_host(address, text) || address->is_ipv6 != is_bracketed)
        return error_set(err,
            "the host must be a numeric address, such as 127.0.0.1 or [::1] (within a pod the app is on "
            "127.0.0.1): no name is looked up for it, so that trouble with DNS cannot look like a dead app");
    unsigned long port = HTTP_PORT;
    if (behind.length > 0) {
        char digits[7] = "";
        str_copy(digits, behind.length < sizeof digits ? behind.length : sizeof digits, behind.at + 1);
        port = behind.at[0] == ':' && behind.length <= 6 && strspn(digits, "0123456789") == behind.length - 1
                   ? strtoul(digits, NULL, 10)
                   : 0;
        if (port < 1 || port > UINT16_MAX)
            return error_set(err, "the port must be a number from 1 to 65535: http://127.0.0.1:9000");
    }
    address->port = (uint16_t)port;
    return 0;
}

/* Takes the URL apart, into an address and what follows it. */
static int parse_url(const char *text, struct address *address, struct span *path, struct error *err) {
    struct span url = span_of(text);
    if (strncasecmp(text, "https://", 8) == 0)
        return error_set(err,
            "the app is not asked over https: give its plain address inside the pod, http://127.0.0.1:PORT");
    if (strncasecmp(text, "http://", 7) != 0)
        return error_set(err, "must begin with http://, as in http://127.0.0.1:9000/health/ready");
    for (size_t i = 0; i < url.length; i++)
        if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f)
            return error_set(
                err, "it contains a space, a control character or one that is not ASCII; percent-encode it");
    if (span_find_any(url, "@#") < url.length)
        return error_set(err,
            "a user name, a password or a fragment has no place in it: http://127.0.0.1:9000/health/ready");
    struct span rest = span_from(url, 7);
    struct span authority = {rest.at, span_find_any(rest, "/?")};
    *path = span_from(rest, authority.length);
    if (path->length > PATH_MAX_LENGTH)
        return error_set(err, "the path is longer than %d characters", PATH_MAX_LENGTH);
    return parse_authority(authority, address, err);
}

static int check_not_ourselves(struct loader *loader, const struct address *app) {
    struct address own;
    if (address_parse(loader->config->listen, &own, loader->err) < 0)
        return -1;
    if (!address_reaches(app, &own))
        return 0;
    return error_set(loader->err,
        "that is where this sidecar listens (%s): in one pod the app needs another port, such as "
        "PORT=9000 for Bugsink",
        loader->config->listen);
}

static char *build_url(const struct address *address, struct span path) {
    struct strbuf url = {.is_vital = true};
    char where[ADDRESS_TEXT_SIZE];
    address_format(address, where);
    strbuf_format(&url, "http://%s", where);
    /* It is set, for error_set always returns -1. NOLINTNEXTLINE(clang-analyzer-core.*) */
    if (path.length == 0)
        strbuf_append(&url, DEFAULT_PATH);
    else if (path.at[0] == '?')
        strbuf_append(&url, "/");
    strbuf_append_n(&url, path.at, path.length);
    return url.data;
}

enum { URL_SIZE = ADDRESS_TEXT_SIZE + PATH_MAX_LENGTH + sizeof "http://" };

/* As it may be shown: what follows the question mark may be somebody's token. */
static const char *show_url(const char *url, char shown[URL_SIZE]) {
    size_t length = strcspn(url, "?");
    snprintf(shown, URL_SIZE, "%.*s%s", (int)length, url, url[length] ? "?***" : "");
    return shown;
}

bool config_asks(const struct config *config, const char *listen) {
    struct address own, app;
    struct span path;
    for (size_t i = 0; i < config->check_count; i++)
        if (config->checks[i].kind == KIND_HTTP && address_parse(listen, &own, NULL) == 0 &&
            parse_url(config->checks[i].app.url, &app, &path, NULL) == 0 && address_reaches(&app, &own))
            return true;
    return false;
}

/* The host, and the port if it has one, of BASE_URL; *host stays NULL where it has none that can be sent. */
static void find_base_host(struct loader *loader, char **host) {
    const struct option_value *base = &loader->values[OPTION_BASE_URL];
    const char *start = base->text ? strstr(base->text, "://") : NULL;
    if (!base->text)
        return;
    struct span rest = span_of(start ? start + 3 : "");
    rest.length = span_find_any(rest, "/?#");
    size_t at_sign = span_find_last(rest, '@');
    struct span found = at_sign < rest.length ? span_from(rest, at_sign + 1) : rest;
    if (is_host(found))
        *host = span_dup(found);
    else
        loader_add_warning(
            loader, "%s: no host found in it, so the app is asked with its URL's own as Host", base->place);
}

static int set_host(struct loader *loader, struct app_config *app) {
    const struct option_value *host = &loader->values[OPTION_APP_HOST];
    if (host->text && !is_host(span_of(host->text))) {
        error_set(loader->err,
            "%s is not a host; write a name, and a port if need be, as in bugsink.example.com",
            option_quotable(host->text));
        return option_value_fail(loader, host);
    }
    app->host = str_dup(host->text);
    if (!app->host)
        find_base_host(loader, &app->host);
    const char *origin = host->text  ? host->origin
                         : app->host ? loader->values[OPTION_BASE_URL].origin
                                     : NULL;
    loader_add_item(loader, "app.host", app->host ? app->host : "the URL's own", origin);
    return 0;
}

static int set_expect(struct loader *loader, struct app_config *app) {
    const struct option_value *expect = &loader->values[OPTION_APP_EXPECT];
    if (strlen(expect->text) > EXPECT_MAX) {
        error_set(loader->err, "longer than %d characters", EXPECT_MAX);
        return option_value_fail(loader, expect);
    }
    app->expect = str_dup(expect->text);
    loader_add_item(loader, "app.expect", app->expect, expect->origin);
    return 0;
}

/* -- the questions -- */

static int set_ask(struct loader *loader, struct app_config *app) {
    const struct option_value *ask = &loader->values[OPTION_APP_ASK];
    const struct option_value *interval = &loader->values[OPTION_APP_ASK_INTERVAL];
    char text[DURATION_TEXT_SIZE];
    app->asks = strcmp(ask->text, "true") == 0;
    if (duration_parse(interval->text, &app->ask_interval_ms, loader->err) < 0 ||
        loader_check_range(loader, option_get(OPTION_APP_ASK_INTERVAL), app->ask_interval_ms) < 0)
        return option_value_fail(loader, interval);
    duration_format(app->ask_interval_ms, text);
    loader_add_item(loader, "app.ask", app->asks ? "true" : "false", ask->origin);
    loader_add_item(loader, "app.ask_interval", text, interval->origin);
    return 0;
}

/* What stands before Bugsink's own paths, as far as the path of its endpoint tells: what stands before
 * /health/ready there, or, where that is another endpoint, the path of BASE_URL, if it begins with that. */
static char *find_root(const char *base, struct span path) {
    const size_t own = sizeof DEFAULT_PATH - 1;
    struct span bare = {path.at, span_find_any(path, "?")};
    while (bare.length > 0 && bare.at[bare.length - 1] == '/')
        bare.length--;
    if (bare.length >= own && memcmp(bare.at + bare.length - own, DEFAULT_PATH, own) == 0)
        return str_dup_n(bare.at, bare.length - own);
    const char *scheme = base ? strstr(base, "://") : NULL;
    struct span rest = span_of(scheme ? scheme + 3 : "");
    struct span root = span_from(rest, span_find_any(rest, "/?#"));
    root.length = span_find_any(root, "?#");
    while (root.length > 0 && root.at[root.length - 1] == '/')
        root.length--;
    bool begins = root.length > 0 && bare.length > root.length && bare.at[root.length] == '/' &&
                  memcmp(bare.at, root.at, root.length) == 0;
    return str_dup_n(root.at, begins ? root.length : 0);
}

static int load(struct loader *loader) {
    const struct option_value *url = &loader->values[OPTION_APP_URL];
    struct address address;
    struct span path;
    if (!url->text) {
        if (loader->file.root && json_is_object(json_object_get(loader->file.root, "app"))) {
            error_set(loader->err, "missing: where does Bugsink listen? Write http://127.0.0.1:9000");
            return loader_fail_in_file(loader, "app.url");
        }
        loader_add_item(loader, "app.url", NULL, NULL);
        return 0;
    }
    if (parse_url(url->text, &address, &path, loader->err) < 0 || check_not_ourselves(loader, &address) < 0)
        return option_value_fail(loader, url);
    struct app_config *app = &loader_add_check(loader, CHECK_NAME_APP, KIND_HTTP)->app;
    const char *base = loader->values[OPTION_BASE_URL].text;
    app->url = build_url(&address, path);
    app->root = find_root(base, path);
    app->fall = loader->config->fall;
    app->start_grace_ms = loader->config->start_grace_ms;
    app->is_https = base && strncasecmp(base, "https://", 8) == 0;
    char shown[URL_SIZE];
    loader_add_item(loader, "app.url", show_url(app->url, shown), url->origin);
    return set_host(loader, app) < 0 || set_expect(loader, app) < 0 || set_ask(loader, app) < 0 ? -1 : 0;
}

/* -- what the check can do -- */

static bool asks_the_same(const struct check_config *a, const struct check_config *b) {
    return strcmp(a->app.url, b->app.url) == 0 && str_equal(a->app.host, b->app.host) &&
           a->app.is_https == b->app.is_https && strcmp(a->app.expect, b->app.expect) == 0 &&
           strcmp(a->app.root, b->app.root) == 0 && a->app.asks == b->app.asks;
}

static bool has_same_limits(const struct check_config *a, const struct check_config *b) {
    return a->app.fall == b->app.fall && a->app.start_grace_ms == b->app.start_grace_ms &&
           a->app.ask_interval_ms == b->app.ask_interval_ms;
}

enum { HOST_SIZE = 300 };

/* The Host header that Bugsink is asked with: url_host is room for the URL's own. */
static const char *host_sent(const struct check_config *check, char url_host[HOST_SIZE]) {
    const char *start = check->app.url + strlen("http://");
    if (check->app.host)
        return check->app.host;
    snprintf(url_host, HOST_SIZE, "%.*s", (int)strcspn(start, "/?#"), start);
    return url_host;
}

static void log_what(const struct check_config *check, struct log_line *line) {
    char url_host[HOST_SIZE], shown[URL_SIZE];
    log_str(line, "url", show_url(check->app.url, shown));
    log_str(line, "host", host_sent(check, url_host));
}

static void append_where(const struct check_config *check, struct strbuf *where) {
    char url_host[HOST_SIZE], shown[URL_SIZE];
    strbuf_format(where, "%s (Host: %s)", show_url(check->app.url, shown), host_sent(check, url_host));
}

static void walk(struct walk *walk, struct check_config *check) {
    struct app_config *config = &check->app;
    walk_text(walk, &config->url);
    walk_text(walk, &config->host);
    WALK_FIELD(walk, config->is_https);
    walk_text(walk, &config->expect);
    walk_text(walk, &config->root);
    WALK_FIELD(walk, config->asks);
    WALK_FIELD(walk, config->ask_interval_ms);
    WALK_FIELD(walk, config->fall);
    WALK_FIELD(walk, config->start_grace_ms);
}

static void release(struct check_config *check) {
    free(check->app.url);
    free(check->app.host);
    free(check->app.expect);
    free(check->app.root);
}

const struct config_kind CONFIG_APP = {
    .load = load,
    .asks_the_same = asks_the_same,
    .has_same_limits = has_same_limits,
    .log = log_what,
    .where = append_where,
    .walk = walk,
    .release = release,
};
