/* DSNs: any text, as one of our own and as Bugsink's DATABASE_URL; beside libpq, which must read what we
 * read. Sources: src/config/dsn.c src/config/dsn_parse.c src/config/dsn_scheme.c src/config/dsn_uri.c
 * src/config/dsn_bugsink.c src/config/uri.c */
#include "base/str.h"
#include "kinds/postgres/library.h"
#include "config/dsn.h"
#include "fuzz/fuzz.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* Whether the secret stands in the text at a place where a scheme cannot: that may be quoted. */
static bool is_secret_behind_scheme(const char *text) {
    const char *secret = strstr(text, FUZZ_SECRET), *colon = strchr(text, ':');
    return secret && colon && secret > colon;
}

/* What is to be blanked is gone from a text afterwards; one with an asterisk in it may seem to be there. */
static void check_blanking(const struct dsn *dsn, const char *secret) {
    if (strchr(secret, '*'))
        return;
    struct strbuf message = {0};
    strbuf_format(&message, "[%s] and %s", secret, secret);
    dsn_blank(dsn, message.data);
    fuzz_assert(!strstr(message.data, secret));
    strbuf_release(&message);
}

static bool is_visible(const char *text) {
    for (; *text; text++)
        if (*text <= 0x20 || *text > 0x7e)
            return false;
    return true;
}

static void check_parsed(struct dsn *dsn, const char *text) {
    fuzz_assert(dsn->safe && is_visible(dsn->safe));
    fuzz_assert(dsn->scheme == DSN_SQLITE ? dsn->path && !dsn->host && !dsn->password && !dsn->secret_count
                                          : !dsn->path);
    if (dsn->is_doubtful)
        fuzz_assert(strcmp(dsn->safe, dsn->scheme == DSN_POSTGRES ? "postgresql:" : "mysql:") == 0);
    const char *secret = strstr(text, FUZZ_SECRET);
    bool is_there_once = secret && !strchr(text, '%') && !strstr(secret + 1, FUZZ_SECRET);
    if (is_there_once && dsn->password && strstr(dsn->password, FUZZ_SECRET))
        fuzz_assert(!fuzz_shows_secret(dsn->safe));
    for (size_t i = 0; i < dsn->secret_count; i++) {
        fuzz_assert(dsn->secrets[i][0]);
        fuzz_assert(i == 0 || strlen(dsn->secrets[i - 1]) >= strlen(dsn->secrets[i]));
        check_blanking(dsn, dsn->secrets[i]);
    }
    if (dsn->password)
        check_blanking(dsn, dsn->password);
    for (size_t i = 0; i < dsn->param_count; i++)
        fuzz_assert(dsn->params[i].key[0] &&
                    dsn_param(dsn, dsn->params[i].key) == dsn->params[i].value); /* none stands twice */
    dsn_set_password(dsn, FUZZ_SECRET);
    check_blanking(dsn, FUZZ_SECRET);
}

static const char *libpq_value(const PQconninfoOption *options, const char *keyword) {
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

static void check_part(const char *ours, const PQconninfoOption *options, const char *keyword) {
    const char *theirs = libpq_value(options, keyword);
    fuzz_assert(ours && *ours ? theirs && strcmp(ours, theirs) == 0 : !theirs);
}

/* Whatever we take libpq takes too, and reads the same in it: but for parameters that it does not know, and
 * ports of hosts, where it has its own form for none at all. */
static void compare_with_libpq(const char *text, const struct dsn *dsn) {
    char *why = NULL;
    fuzz_assert(library_load(&postgres_library, NULL) == 0);
    PQconninfoOption *options = PQconninfoParse(text, &why);
    if (!options) {
        fuzz_assert(why && strstr(why, "invalid URI query parameter"));
        PQfreemem(why);
        return;
    }
    check_part(dsn->host, options, "host");
    check_part(dsn->user, options, "user");
    check_part(dsn->password, options, "password");
    check_part(dsn->database, options, "dbname");
    const char *port = libpq_value(options, "port");
    bool has_none = port && !port[strspn(port, ",")];
    if (!has_none || dsn->port)
        check_part(dsn->port, options, "port");
    for (size_t i = 0; i < dsn->param_count; i++)
        check_part(dsn->params[i].value, options, dsn->params[i].key);
    PQconninfoFree(options);
}

/* Parses twice: the same text gives the same DSN. */
static void parse(const char *text, int (*parser)(const char *, struct dsn *, struct error *), bool is_own) {
    struct dsn dsn, again;
    struct error err = {.text = ""};
    int result = parser(text, &dsn, &err);
    fuzz_assert(result == parser(text, &again, NULL));
    fuzz_assert(result == 0 || result == -1);
    fuzz_assert((result < 0) == (err.text[0] != '\0'));
    fuzz_assert(result == 0 || !is_secret_behind_scheme(text) || !fuzz_shows_secret(err.text));
    if (result == 0) {
        fuzz_assert(dsn_equal(&dsn, &again));
        /* libpq knows its two schemes in small letters alone */
        if (is_own && (strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0))
            compare_with_libpq(text, &dsn);
        check_parsed(&dsn, text);
        fuzz_assert(!dsn_equal(&dsn, &again) || (again.password && strcmp(again.password, FUZZ_SECRET) == 0));
    }
    dsn_release(&dsn);
    dsn_release(&again);
    fuzz_assert(!dsn.safe && !dsn.secrets && !dsn.password);
}

FUZZ_TARGET(dsn) {
    char *text = fuzz_text(data, size);
    parse(text, dsn_parse, true);
    parse(text, dsn_parse_bugsink, false);
    free(text);
    return 0;
}
