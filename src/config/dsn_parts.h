/* What the DSN parsers share: the filling of a struct dsn. For this room alone. */
#ifndef BH_CONFIG_DSN_PARTS_H
#define BH_CONFIG_DSN_PARTS_H

#include "base/error.h"
#include "config/config.h"
#include "config/dsn.h"
#include "config/uri.h"

struct walk;

/* What to do about a password that is not percent-encoded: the end of many errors. */
#define DSN_REMEDY                                                                                           \
    "percent-encode what is special in the user name and the password: / is %2F, ? is %3F, # is %23, @ is "  \
    "%40, "                                                                                                  \
    ": is %3A, % is %25"

/* Adds a copy of the text to the secrets, unless it is empty or there already. */
void dsn_add_secret(struct dsn *dsn, struct span text);

/* Sets a parameter, or replaces it; takes both strings. */
void dsn_take_param(struct dsn *dsn, char *key, char *value);

/* Builds dsn->safe from what the DSN holds. */
void dsn_make_safe(struct dsn *dsn);

/* Parses what follows "postgresql://" or "mysql://" in a DSN of our own. */
int dsn_parse_authority_form(struct span rest, struct dsn *dsn, struct error *err);

/* The scheme of that name, in whatever case. Returns false where there is none. */
bool dsn_find_scheme(struct span name, enum dsn_scheme *scheme);

/* "postgresql", "mysql", "sqlite". */
const char *dsn_scheme_name(enum dsn_scheme scheme);

/* The kind of check that asks what such a DSN names. */
enum check_kind_id dsn_kind(enum dsn_scheme scheme);

/* "postgresql://, postgres://, mysql:// and sqlite:///", cut to size. */
void dsn_list_schemes(char *text, size_t size);

/* Whether port is the number of a TCP port, 1 to 65535, in digits. */
bool dsn_is_port(struct span port);

/* Packs or unpacks it (config/walk.h). */
void dsn_walk(struct walk *walk, struct dsn *dsn);

#endif
