/* Where a PostgreSQL DSN leads, and how libpq is told: host lists taken apart, names replaced by addresses.
 * Pure but for libpq's defaults, which come from the environment and the service file. */
#ifndef BH_KINDS_POSTGRES_TARGET_H
#define BH_KINDS_POSTGRES_TARGET_H

#include "base/error.h"
#include "base/str.h"
#include "run/resolve.h"
#include "config/dsn.h"

#include <stdbool.h>
#include <stdint.h>

/* The hosts of a DSN, in order. */
struct postgres_target {
    int count;
    char *hosts[RESOLVE_HOSTS_MAX]; /* "": libpq's own default, a Unix socket */
    char *ports[RESOLVE_HOSTS_MAX]; /* "": libpq's own default */
    char *hostaddr;                 /* given by the DSN: nothing is to be resolved. Else NULL */
    int name_count;                 /* the hosts that must be resolved first, */
    const char *names[RESOLVE_HOSTS_MAX];
    int name_hosts[RESOLVE_HOSTS_MAX]; /* and their places in hosts */
};

/* Takes the DSN apart. Refuses a parameter that libpq does not know, too many hosts, and ports that do not
 * match the hosts; the error holds no secret. The caller releases the target in any case. */
int postgres_target_init(struct postgres_target *target, const struct dsn *dsn, struct error *err);
void postgres_target_release(struct postgres_target *target);

/* How long one address may take, as libpq's blocking calls have it: connect_timeout, of the DSN or
 * PGCONNECT_TIMEOUT, at least 2 s; -1: no limit of its own. (libpq, fe-connect.c: connectDBComplete.) */
int64_t postgres_address_limit_ms(const struct dsn *dsn);

/* The arguments of PQconnectStartParams. They borrow from the DSN. */
struct postgres_options {
    const char **keywords; /* NULL-terminated, as are the values */
    const char **values;
    size_t count;
    struct strbuf host, hostaddr, port;
    int skipped, addresses; /* how many of the addresses are left out, and how many there are with them */
};

/* Each address that answer gives for a name becomes a host of its own in libpq's lists: hostaddr says where
 * to connect, host what the server's certificate must say. answer may be NULL where name_count is 0. Returns
 * -1 when memory is out. The caller releases the options in any case. */
int postgres_options_init(struct postgres_options *options, const struct dsn *dsn,
    const struct postgres_target *target, const struct resolve_answer *answer);

/* The same without the first `skipped` addresses. */
int postgres_options_init_from(struct postgres_options *options, const struct dsn *dsn,
    const struct postgres_target *target, const struct resolve_answer *answer, int skipped);
void postgres_options_release(struct postgres_options *options);

#endif
