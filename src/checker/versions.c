/* Asks the linked libraries for their versions: of what runs, not of what it was built with. */
#include "checker/versions.h"

#include <event2/event.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#ifdef WITH_MYSQL
#include <mysql.h>
#endif

void versions_format(char text[VERSIONS_TEXT_SIZE]) {
    int pq = PQlibVersion();
    char mysql[48] = "";
#ifdef WITH_MYSQL
    snprintf(mysql, sizeof mysql, "MariaDB Connector/C %s, ", mysql_get_client_info());
#endif
    snprintf(text, VERSIONS_TEXT_SIZE, "libevent %s, libpq %d.%d, %sSQLite %s, jansson %s",
        event_get_version(), pq / 10000, pq % 10000, mysql, sqlite3_libversion(), jansson_version_str());
}
