/* From a PostgreSQL DSN to the keywords libpq is given. */
#include "kinds/postgres/target.h"

#include "base/str.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_OPTIONS = 10 }; /* at most, besides the DSN's parameters */

/* -- the target -- */

/* Splits a list at its commas, as libpq does: an empty piece stands for libpq's default. Returns the count,
 * max + 1 where there are more, -1 when memory is out. */
static int split(const char *list, char **pieces, int max) {
    int count = 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        if (count == max)
            return max + 1;
        /* The caller's now. NOLINTNEXTLINE(Wanalyzer-malloc-leak) */
        if ((pieces[count++] = strndup(at, length)) == NULL)
            return -1;
        at += length;
        if (*at == '\0')
            return count;
    }
}

static const char *find_default(const PQconninfoOption *defaults, const char *keyword) {
    for (const PQconninfoOption *option = defaults; option && option->keyword; option++)
        if (strcmp(option->keyword, keyword) == 0 && option->val)
            return option->val;
    return "";
}

/* As in libpq's URIs a parameter goes before the part of the same meaning, and both before PGHOST and its
 * like. */
static const char *choose(
    const struct dsn *dsn, const char *keyword, const char *part, const PQconninfoOption *defaults) {
    const char *value = dsn_param(dsn, keyword);
    if (!value)
        value = part;
    return value ? value : find_default(defaults, keyword);
}

static int take_ports(struct postgres_target *target, const char *list, struct error *err) {
    int count = split(list, target->ports, RESOLVE_HOSTS_MAX);
    if (count < 0)
        return error_set(err, "out of memory");
    if (count != 1 && count != target->count)
        return error_set(
            err, "%d ports for %d hosts: give one for each, or one for all", count, target->count);
    for (int i = 1; count == 1 && i < target->count; i++)
        if ((target->ports[i] = strdup(target->ports[0])) == NULL)
            return error_set(err, "out of memory");
    return 0;
}

/* Whether libpq would have to ask a name server: not for its default, a socket's directory or an abstract
 * socket. */
static bool is_name(const char *host) {
    return *host != '\0' && *host != '/' && *host != '@' && !resolve_is_numeric(host);
}

static int take_hosts(struct postgres_target *target, const struct dsn *dsn, const PQconninfoOption *defaults,
    struct error *err) {
    const char *hostaddr = choose(dsn, "hostaddr", NULL, defaults);
    const char *hosts = choose(dsn, "host", dsn->host, defaults);
    if (*hostaddr != '\0' && (target->hostaddr = strdup(hostaddr)) == NULL)
        return error_set(err, "out of memory");
    target->count = split(hosts, target->hosts, RESOLVE_HOSTS_MAX);
    if (target->count < 0)
        return error_set(err, "out of memory");
    if (target->count > RESOLVE_HOSTS_MAX) {
        target->count = RESOLVE_HOSTS_MAX;
        return error_set(err, "more than %d hosts in one DSN", RESOLVE_HOSTS_MAX);
    }
    for (int i = 0; i < target->count && !target->hostaddr; i++)
        if (is_name(target->hosts[i])) {
            target->names[target->name_count] = target->hosts[i];
            target->name_hosts[target->name_count++] = i;
        }
    if (target->hostaddr) { /* libpq itself counts hosts, addresses and ports then */
        target->ports[0] = strdup(choose(dsn, "port", dsn->port, defaults));
        return target->ports[0] ? 0 : error_set(err, "out of memory");
    }
    return take_ports(target, choose(dsn, "port", dsn->port, defaults), err);
}

/* The one alias that libpq knows in URIs, from JDBC: ssl=true. */
static bool is_ssl_alias(const struct dsn_param *param) {
    return strcmp(param->key, "ssl") == 0 && strcmp(param->value, "true") == 0;
}

static int check_params(const struct dsn *dsn, struct error *err) {
    PQconninfoOption *known = PQconninfoParse("", NULL);
    int result = known ? 0 : error_set(err, "out of memory");
    for (size_t i = 0; known && i < dsn->param_count; i++) {
        const PQconninfoOption *option = known;
        while (option->keyword && strcmp(option->keyword, dsn->params[i].key) != 0)
            option++;
        if (!option->keyword && !is_ssl_alias(&dsn->params[i]))
            result = error_set(err, "libpq knows no parameter \"%s\"", dsn->params[i].key);
    }
    PQconninfoFree(known);
    /* A service file could name a host, which would then be resolved in the checker's own process. */
    if (dsn_param(dsn, "service"))
        result = error_set(err, "\"service\" is not supported here: write its parameters into the DSN");
    return result;
}

static bool is_listed(const char *list, const char *value) {
    size_t length = strlen(value);
    for (const char *at = list; (at = strstr(at, value)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* Who gave a parameter: the DSN, or one of libpq's own variables. */
static const char *origin_of(const struct dsn *dsn, const char *keyword, const PQconninfoOption *defaults) {
    while (defaults && defaults->keyword && strcmp(defaults->keyword, keyword) != 0)
        defaults++;
    return !dsn_param(dsn, keyword) && defaults && defaults->envvar ? defaults->envvar : keyword;
}

/* What libpq would refuse at each connection. That is no fault of the server's, nor of this program's. The
 * values are those of libpq 12 to 17 (fe-connect.c, connectOptions2). */
static int check_values(const struct dsn *dsn, const PQconninfoOption *defaults, struct error *err) {
    static const struct {
        const char *keyword, *values;
    } ROWS[] = {{"sslmode", "disable, allow, prefer, require, verify-ca, verify-full"},
        {"channel_binding", "disable, prefer, require"}, {"gssencmode", "disable, prefer, require"},
        {"target_session_attrs", "any, read-write, read-only, primary, standby, prefer-standby"},
        {"ssl_min_protocol_version", "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"},
        {"ssl_max_protocol_version", "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"},
        {"sslcertmode", "disable, allow, require"}, {"load_balance_hosts", "disable, random"}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const char *value = choose(dsn, ROWS[i].keyword, NULL, defaults);
        bool is_ours = strcmp(ROWS[i].keyword, "gssencmode") == 0 && !dsn_param(dsn, ROWS[i].keyword);
        if (*value && !is_ours && !is_listed(ROWS[i].values, value))
            return error_set(err, "%s: %s is none of %s", origin_of(dsn, ROWS[i].keyword, defaults),
                str_quotable(value, ""), ROWS[i].values);
    }
    return 0;
}

/* PGHOSTADDR, too, has addresses, not names. */
static int check_addresses(const struct postgres_target *target, const struct dsn *dsn,
    const PQconninfoOption *defaults, struct error *err) {
    char *pieces[RESOLVE_HOSTS_MAX] = {NULL};
    int count = target->hostaddr ? split(target->hostaddr, pieces, RESOLVE_HOSTS_MAX) : 0;
    int result = 0;
    for (int i = 0; i < RESOLVE_HOSTS_MAX; i++) {
        if (i < count && pieces[i] && *pieces[i] && !resolve_is_numeric(pieces[i]))
            result = error_set(err, "%s: %s is not an IP address", origin_of(dsn, "hostaddr", defaults),
                str_quotable(pieces[i], ":"));
        free(pieces[i]);
    }
    return result;
}

int postgres_target_init(struct postgres_target *target, const struct dsn *dsn, struct error *err) {
    *target = (struct postgres_target){0};
    PQconninfoOption *defaults = PQconndefaults();
    int result = defaults ? check_params(dsn, err) : error_set(err, "out of memory");
    if (result == 0)
        result = check_values(dsn, defaults, err);
    if (result == 0)
        result = take_hosts(target, dsn, defaults, err);
    if (result == 0)
        result = check_addresses(target, dsn, defaults, err);
    PQconninfoFree(defaults);
    if (result < 0 && err && !dsn_blank(dsn, err->text))
        error_set(err, "the DSN is refused; what is wrong with it cannot be said without a secret of its");
    return result;
}

void postgres_target_release(struct postgres_target *target) {
    for (int i = 0; i < RESOLVE_HOSTS_MAX; i++) {
        free(target->hosts[i]);
        free(target->ports[i]);
    }
    free(target->hostaddr);
    *target = (struct postgres_target){0};
}

int64_t postgres_address_limit_ms(const struct dsn *dsn) {
    enum { LEAST_S = 2, MOST_S = 24 * 3600 };
    const char *text = dsn_param(dsn, "connect_timeout");
    if (!text)
        text = getenv("PGCONNECT_TIMEOUT");
    long seconds = text ? strtol(text, NULL, 10) : 0;
    if (seconds <= 0)
        return -1;
    if (seconds < LEAST_S)
        seconds = LEAST_S;
    return (seconds > MOST_S ? MOST_S : seconds) * INT64_C(1000);
}

/* -- the options -- */

static void add(struct postgres_options *options, const char *keyword, const char *value) {
    if (!value)
        return;
    options->keywords[options->count] = keyword;
    options->values[options->count++] = value;
}

static void add_host(
    struct postgres_options *options, const struct postgres_target *target, int host, const char *address) {
    if (options->addresses++ < options->skipped)
        return;
    const char *comma = options->port.data ? "," : "";
    strbuf_format(&options->host, "%s%s", comma, target->hosts[host]);
    strbuf_format(&options->hostaddr, "%s%s", comma, address);
    strbuf_format(&options->port, "%s%s", comma, target->ports[host]);
}

static void add_hosts(struct postgres_options *options, const struct postgres_target *target,
    const struct resolve_answer *answer) {
    for (int host = 0, name = 0; host < target->count; host++) {
        bool is_a_name = name < target->name_count && target->name_hosts[name] == host;
        for (int i = 0; is_a_name && i < answer->count; i++)
            if (answer->addresses[i].host == name)
                add_host(options, target, host, answer->addresses[i].text);
        if (is_a_name)
            name++; /* one without an address is left out, as libpq itself goes on to the next */
        else
            add_host(options, target, host, "");
    }
}

static void add_list(struct postgres_options *options, const char *keyword, const struct strbuf *list) {
    if (list->length > 0)
        add(options, keyword, list->data);
}

int postgres_options_init(struct postgres_options *options, const struct dsn *dsn,
    const struct postgres_target *target, const struct resolve_answer *answer) {
    return postgres_options_init_from(options, dsn, target, answer, 0);
}

int postgres_options_init_from(struct postgres_options *options, const struct dsn *dsn,
    const struct postgres_target *target, const struct resolve_answer *answer, int skipped) {
    *options = (struct postgres_options){.skipped = skipped};
    size_t most = dsn->param_count + OWN_OPTIONS;
    options->keywords = calloc(most, sizeof *options->keywords);
    options->values = calloc(most, sizeof *options->values);
    if (!options->keywords || !options->values)
        return -1;
    if (target->hostaddr) {
        strbuf_append(&options->port, target->ports[0]);
        add(options, "hostaddr", target->hostaddr);
        add(options, "host", dsn->host);
    } else {
        add_hosts(options, target, answer);
    }
    if (options->host.is_broken || options->hostaddr.is_broken || options->port.is_broken)
        return -1;
    /* Of a keyword given twice libpq takes the last. */
    add(options, "fallback_application_name", "bugsink-health");
    add(options, "gssencmode",
        "disable"); /* asking Kerberos for a ticket may block, and Bugsink's images have none */
    add(options, "user", dsn->user);
    add(options, "password", dsn->password);
    add(options, "dbname", dsn->database);
    for (size_t i = 0; i < dsn->param_count; i++) {
        bool is_alias = is_ssl_alias(&dsn->params[i]);
        add(options, is_alias ? "sslmode" : dsn->params[i].key, is_alias ? "require" : dsn->params[i].value);
    }
    add_list(options, "host", &options->host);
    add_list(options, "hostaddr", &options->hostaddr);
    add_list(options, "port", &options->port);
    return 0;
}

void postgres_options_release(struct postgres_options *options) {
    free(options->keywords);
    free(options->values);
    strbuf_release(&options->host);
    strbuf_release(&options->hostaddr);
    strbuf_release(&options->port);
    *options = (struct postgres_options){0};
}
