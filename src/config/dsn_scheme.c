/* The schemes of DSNs of our own: what each is called, and the kind of check that asks what it names. */
#include "config/dsn_parts.h"

#include <string.h>
#include <strings.h>

/* The first name of a scheme is the one that is shown. */
static const struct {
    const char *name;
    enum dsn_scheme scheme;
    enum check_kind_id kind;
} SCHEMES[] = {
    {"postgresql", DSN_POSTGRES, KIND_POSTGRES},
    {"postgres", DSN_POSTGRES, KIND_POSTGRES},
    {"mysql", DSN_MYSQL, KIND_MYSQL},
    {"sqlite", DSN_SQLITE, KIND_SQLITE},
};

enum { SCHEME_COUNT = sizeof SCHEMES / sizeof SCHEMES[0] };

static int find(enum dsn_scheme scheme) {
    int i = 0;
    while (i < SCHEME_COUNT - 1 && SCHEMES[i].scheme != scheme)
        i++;
    return i;
}

bool dsn_find_scheme(struct span name, enum dsn_scheme *scheme) {
    for (int i = 0; i < SCHEME_COUNT; i++)
        if (strlen(SCHEMES[i].name) == name.length &&
            strncasecmp(SCHEMES[i].name, name.at, name.length) == 0) {
            *scheme = SCHEMES[i].scheme;
            return true;
        }
    return false;
}

const char *dsn_scheme_name(enum dsn_scheme scheme) {
    return SCHEMES[find(scheme)].name;
}

enum check_kind_id dsn_kind(enum dsn_scheme scheme) {
    return SCHEMES[find(scheme)].kind;
}

void dsn_list_schemes(char *text, size_t size) {
    struct strbuf list = strbuf_in(text, size);
    for (int i = 0; i < SCHEME_COUNT; i++)
        strbuf_format(&list, "%s%s:%s",
            i == 0                  ? ""
            : i == SCHEME_COUNT - 1 ? " and "
                                    : ", ",
            SCHEMES[i].name, SCHEMES[i].scheme == DSN_SQLITE ? "///" : "//");
}
