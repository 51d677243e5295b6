/* The parameters of a mysql DSN. In names and values - and _ are the same, and so are capitals and small
 * letters. */
#include "kinds/mysql/target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        int left = *a == '_' ? '-' : tolower((unsigned char)*a);
        int right = *b == '_' ? '-' : tolower((unsigned char)*b);
        if (left != right)
            return false;
    }
    return *a == *b;
}

/* MySQL's words, and libpq's for the same. */
static int parse_tls(const char *text, enum mysql_tls *tls, struct error *err) {
    static const struct {
        const char *word;
        enum mysql_tls tls;
    } WORDS[] = {{"disabled", MYSQL_TLS_DISABLED}, {"disable", MYSQL_TLS_DISABLED},
        {"preferred", MYSQL_TLS_PREFERRED}, {"prefer", MYSQL_TLS_PREFERRED}, {"required", MYSQL_TLS_REQUIRED},
        {"require", MYSQL_TLS_REQUIRED}, {"verify-ca", MYSQL_TLS_VERIFY_CA},
        {"verify-identity", MYSQL_TLS_VERIFY_IDENTITY}, {"verify-full", MYSQL_TLS_VERIFY_IDENTITY}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (is_same(WORDS[i].word, text)) {
            *tls = WORDS[i].tls;
            return 0;
        }
    return error_set(
        err, "the parameter ssl-mode is disabled, preferred, required, verify-ca or verify-identity");
}

/* Returns false where the name is none of ours. */
static bool take_text(struct mysql_target *target, const struct dsn_param *param) {
    const struct {
        const char *name;
        const char **text;
    } texts[] = {{"ssl-ca", &target->ca}, {"ssl-cert", &target->cert}, {"ssl-key", &target->key},
        {"charset", &target->charset}, {"unix-socket", &target->socket}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (is_same(texts[i].name, param->key)) {
            *texts[i].text = param->value;
            return true;
        }
    return false;
}

static int take_params(
    struct mysql_target *target, const struct dsn *dsn, bool *has_mode, struct error *err) {
    for (size_t i = 0; i < dsn->param_count; i++) {
        const struct dsn_param *param = &dsn->params[i];
        bool is_mode = is_same(param->key, "ssl-mode") || is_same(param->key, "sslmode");
        if (is_mode && parse_tls(param->value, &target->tls, err) < 0)
            return -1;
        if (!is_mode && !take_text(target, param))
            return error_set(err,
                "a mysql DSN knows no parameter \"%s\"; it knows ssl-mode, ssl-ca, ssl-cert, ssl-key, "
                "charset and unix-socket",
                param->key);
        *has_mode = *has_mode || is_mode;
        if (!*param->value)
            return error_set(err, "the parameter %s is empty", param->key);
    }
    return 0;
}

/* The library takes a CA file as the wish to verify, whatever the mode; and verifies nothing without one,
 * unless it is to look at the name as well: then the system's CAs count. */
static int check_tls(struct mysql_target *target, bool has_mode, struct error *err) {
    if (target->ca && !has_mode)
        target->tls = MYSQL_TLS_VERIFY_CA;
    if (target->ca && target->tls < MYSQL_TLS_VERIFY_CA)
        return error_set(err, "ssl-ca has no use without ssl-mode=verify-ca or verify-identity");
    if (!target->ca && target->tls == MYSQL_TLS_VERIFY_CA)
        return error_set(err, "ssl-mode=verify-ca needs ssl-ca, the file of the authority's certificate");
    if ((target->cert || target->key) && target->tls == MYSQL_TLS_DISABLED)
        return error_set(err, "ssl-cert and ssl-key have no use with ssl-mode=disabled");
    return 0;
}

int mysql_target_init(struct mysql_target *target, const struct dsn *dsn, struct error *err) {
    bool has_mode = false;
    *target = (struct mysql_target){.host = dsn->host, .tls = MYSQL_TLS_PREFERRED};
    if (take_params(target, dsn, &has_mode, err) < 0)
        goto failed;
    if (dsn->port)
        target->port = (unsigned)strtoul(dsn->port, NULL, 10);
    if (target->host && target->host[0] == '/' && !target->socket)
        target->socket = target->host;
    if (target->socket)
        target->host = NULL;
    target->is_local = !target->host || strcmp(target->host, "localhost") == 0;
    /* As MySQL's own clients have it: what does not leave the machine needs no encryption. */
    if (target->is_local && !has_mode && !target->ca && !target->cert && !target->key)
        target->tls = MYSQL_TLS_DISABLED;
    if (check_tls(target, has_mode, err) == 0)
        return 0;
failed:
    if (err && !dsn_blank(dsn, err->text))
        error_set(err, "the DSN is refused; what is wrong with it cannot be said without a secret of its");
    return -1;
}
