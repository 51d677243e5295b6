/* The faults of the endurance test that befall MariaDB. */
#include "e2e/endurance_servers.h"

#include "harness/mariadb.h"

#include <stdlib.h>

const char *mariadb_lack(void) {
    return mariadb_is_installed() ? NULL : "MariaDB is not installed";
}

void mariadb_enter(struct scene *scene) {
    scene->mariadb = mariadb_start(NULL);
    scene->mariadb_dsn = mariadb_dsn(scene->mariadb, "bugsink", MARIADB_PASSWORD_ENCODED, "bugsink", "");
}

void mariadb_leave(struct scene *scene) {
    free(scene->mariadb_dsn);
    mariadb_free(scene->mariadb);
}

void fault_mariadb_stop(struct scene *scene) {
    mariadb_stop(scene->mariadb);
}

void fault_mariadb_crash(struct scene *scene) {
    mariadb_crash(scene->mariadb);
}

void fault_mariadb_start(struct scene *scene) {
    mariadb_restart(scene->mariadb, NULL);
}

void fault_mariadb_freeze(struct scene *scene) {
    mariadb_pause(scene->mariadb);
}

void fault_mariadb_thaw(struct scene *scene) {
    mariadb_continue(scene->mariadb);
}

void fault_mariadb_change_password(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "SET PASSWORD FOR bugsink@'%' = PASSWORD('another')");
}

void fault_mariadb_restore_password(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "SET PASSWORD FOR bugsink@'%' = PASSWORD('" MARIADB_PASSWORD "')");
}

void fault_mariadb_lock_account(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "ALTER USER bugsink@'%' ACCOUNT LOCK");
}

void fault_mariadb_unlock_account(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "ALTER USER bugsink@'%' ACCOUNT UNLOCK");
}

void fault_mariadb_forbid_writing(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "SET GLOBAL read_only = ON");
}

void fault_mariadb_allow_writing(struct scene *scene) {
    mariadb_do(scene->mariadb, NULL, "SET GLOBAL read_only = OFF");
}

/* Again and again: the sidecar gives up the place that it has. */
void fault_mariadb_fill(struct scene *scene) {
    mariadb_fill(scene->mariadb);
}

void fault_mariadb_empty(struct scene *scene) {
    mariadb_empty(scene->mariadb);
}

void fault_mariadb_lock_all(struct scene *scene) {
    scene->global_lock = mariadb_hold(scene->mariadb, "FLUSH TABLES WITH READ LOCK");
}

void fault_mariadb_unlock_all(struct scene *scene) {
    mariadb_let_go(scene->global_lock);
    scene->global_lock = NULL;
}

void fault_mariadb_take_table(struct scene *scene) {
    mariadb_do(scene->mariadb, "bugsink", "RENAME TABLE phonehome_installation TO phonehome_elsewhere");
}

void fault_mariadb_return_table(struct scene *scene) {
    mariadb_do(scene->mariadb, "bugsink", "RENAME TABLE phonehome_elsewhere TO phonehome_installation");
}
