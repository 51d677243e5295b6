/* What only a login shows, as far as a server tells it to who is logged in already: whether another login
 * would be let in, and with which rights and settings. */
#ifndef BH_KINDS_MYSQL_LOGIN_H
#define BH_KINDS_MYSQL_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

struct mysql_talk;

struct mysql_login {
    uint64_t fingerprint; /* of account, rights and settings; 0: not known */
    bool is_full;         /* no place is left for one more: at the server, or for the account */
};

/* Asks, in one message. What fails leaves its part unknown, and the outcome as it is. */
void mysql_login_ask(struct mysql_talk *talk, struct mysql_login *login);

#endif
