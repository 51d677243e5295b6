/* The PostgreSQL kind. */
#include "kinds/kinds.h"
#include "kinds/postgres/library.h"
#include "kinds/postgres/postgres.h"
#include "run/check.h"

static int init(struct check *check, struct error *err) {
    return postgres_check_config(check->config, err);
}

/* libpq's own, Kerberos's and OpenSSL's. */
static const char *const ENVIRONMENT[] = {"PG*", "KRB5*", "OPENSSL_*", "USER", "LOGNAME", NULL};

const struct check_kind POSTGRES_KIND = {
    .traits = {.is_database = true, .measures_latency = true},
    .library = &postgres_library,
    .init = init,
    .start = check_run_in_child,
    .work = postgres_examine,
    .cancel = check_cancel_child,
    .environment = ENVIRONMENT,
    .kept_size = sizeof(struct postgres_kept),
    .watched = postgres_watched,
    .is_gone = postgres_is_gone,
    .hang_up = postgres_hang_up,
};
