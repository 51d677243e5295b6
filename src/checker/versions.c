/* Asks the libraries in use for their versions: of what runs, not of what it was built with. */
#include "checker/versions.h"

#include "base/str.h"
#include "kinds/mysql/library.h"
#include "kinds/postgres/library.h"

#include <event2/event.h>
#include <jansson.h>
#include <sqlite3.h>

/* Those that are loaded on demand tell nothing before they are. */
void versions_format(char text[VERSIONS_TEXT_SIZE]) {
    struct strbuf list = strbuf_in(text, VERSIONS_TEXT_SIZE);
    char number[16];
    const char *libpq = postgres_library_version(number);
    strbuf_format(&list, "libevent %s, SQLite %s, jansson %s", event_get_version(), sqlite3_libversion(),
        jansson_version_str());
    if (libpq)
        strbuf_format(&list, ", libpq %s", libpq);
#ifdef WITH_MYSQL
    if (mysql_library_version())
        strbuf_format(&list, ", MariaDB Connector/C %s", mysql_library_version());
#endif
}

void versions_load_all(void) {
    struct error none;
    postgres_library_load(&none);
#ifdef WITH_MYSQL
    mysql_library_load(&none);
#endif
}
