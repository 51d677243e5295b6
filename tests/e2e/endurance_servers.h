/* The faults of the endurance test that befall the database servers: for the table of all of them. */
#ifndef BH_TESTS_ENDURANCE_SERVERS_H
#define BH_TESTS_ENDURANCE_SERVERS_H

#include "e2e/endurance.h"

void fault_postgres_stop(struct scene *scene);
void fault_postgres_crash(struct scene *scene);
void fault_postgres_start(struct scene *scene);
void fault_postgres_stall(struct scene *scene);
void fault_postgres_resume(struct scene *scene);
void fault_postgres_change_password(struct scene *scene);
void fault_postgres_restore_password(struct scene *scene);
void fault_postgres_forbid_writing(struct scene *scene);
void fault_postgres_allow_writing(struct scene *scene);
void fault_postgres_add_installation(struct scene *scene);
void fault_postgres_remove_installation(struct scene *scene);
void fault_postgres_use_up_quota(struct scene *scene);
void fault_postgres_grant_quota(struct scene *scene);
void fault_postgres_kill_backend(struct scene *scene);
void fault_postgres_await(struct scene *scene);

/* Why there can be no MariaDB; or NULL. */
const char *mariadb_lack(void);

/* Starts and ends it. */
void mariadb_enter(struct scene *scene);
void mariadb_leave(struct scene *scene);

void fault_mariadb_stop(struct scene *scene);
void fault_mariadb_crash(struct scene *scene);
void fault_mariadb_start(struct scene *scene);
void fault_mariadb_freeze(struct scene *scene);
void fault_mariadb_thaw(struct scene *scene);
void fault_mariadb_change_password(struct scene *scene);
void fault_mariadb_restore_password(struct scene *scene);
void fault_mariadb_lock_account(struct scene *scene);
void fault_mariadb_unlock_account(struct scene *scene);
void fault_mariadb_forbid_writing(struct scene *scene);
void fault_mariadb_allow_writing(struct scene *scene);
void fault_mariadb_fill(struct scene *scene);
void fault_mariadb_empty(struct scene *scene);
void fault_mariadb_lock_all(struct scene *scene);
void fault_mariadb_unlock_all(struct scene *scene);
void fault_mariadb_take_table(struct scene *scene);
void fault_mariadb_return_table(struct scene *scene);

#endif
