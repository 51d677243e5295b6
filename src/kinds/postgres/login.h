/* What only a login shows, as far as the catalogs tell it to who is logged in already: whether another login
 * would be let in, and with which settings. Pure. */
#ifndef BH_KINDS_POSTGRES_LOGIN_H
#define BH_KINDS_POSTGRES_LOGIN_H

#include "kinds/postgres/questions.h"

#include <stdbool.h>
#include <stdint.h>

/* One statement, which gives one row. */
extern const char POSTGRES_LOGIN_QUESTION[];

struct postgres_login {
    uint64_t fingerprint; /* of role, database and their settings; 0: not known */
    int backend_pid;      /* of the process that answered */
    bool is_full;         /* no place is left for one more: at the server, for the role, or in the database */
};

/* Returns false where the row is another question's. */
bool postgres_login_take(struct postgres_login *login, const struct postgres_row *row);

#endif
