/* Connector/C's functions, by their own names: each hands its call on to the library, once that is loaded. */
#include "kinds/mysql/library.h"

#include "base/str.h"

#include <mysql.h>

/* result, name, parameters, arguments: a line for each function that is called, F for those with a result and
 * P for those without. The header's own declaration stands beside each, so that the compiler finds one that
 * is not as it should be. */
#define FUNCTIONS(F, P)                                                                                      \
    F(MYSQL *, mysql_init, (MYSQL * mysql), (mysql))                                                         \
    P(void, mysql_close, (MYSQL * mysql), (mysql))                                                           \
    F(unsigned int, mysql_errno, (MYSQL * mysql), (mysql))                                                   \
    F(const char *, mysql_error, (MYSQL * mysql), (mysql))                                                   \
    F(int, mysql_options, (MYSQL * mysql, enum mysql_option option, const void *value),                      \
        (mysql, option, value))                                                                              \
    F(int, mysql_options4, (MYSQL * mysql, enum mysql_option option, const void *name, const void *value),   \
        (mysql, option, name, value))                                                                        \
    F(int, mysql_real_connect_start,                                                                         \
        (MYSQL * *connected, MYSQL * mysql, const char *host, const char *user, const char *password,        \
            const char *database, unsigned int port, const char *socket, unsigned long flags),               \
        (connected, mysql, host, user, password, database, port, socket, flags))                             \
    F(int, mysql_real_connect_cont, (MYSQL * *connected, MYSQL * mysql, int status),                         \
        (connected, mysql, status))                                                                          \
    F(int, mysql_ping_start, (int *failed, MYSQL *mysql), (failed, mysql))                                   \
    F(int, mysql_ping_cont, (int *failed, MYSQL *mysql, int status), (failed, mysql, status))                \
    F(my_socket, mysql_get_socket, (MYSQL * mysql), (mysql))                                                 \
    F(const char *, mysql_get_ssl_cipher, (MYSQL * mysql), (mysql))                                          \
    F(char *, mysql_get_server_info, (MYSQL * mysql), (mysql))                                               \
    F(unsigned long, mysql_get_server_version, (MYSQL * mysql), (mysql))                                     \
    F(my_bool, mariadb_connection, (MYSQL * mysql), (mysql))                                                 \
    F(int, mysql_query, (MYSQL * mysql, const char *sql), (mysql, sql))                                      \
    F(MYSQL_RES *, mysql_use_result, (MYSQL * mysql), (mysql))                                               \
    F(int, mysql_next_result, (MYSQL * mysql), (mysql))                                                      \
    F(unsigned int, mysql_num_fields, (MYSQL_RES * result), (result))                                        \
    F(MYSQL_ROW, mysql_fetch_row, (MYSQL_RES * result), (result))                                            \
    P(void, mysql_free_result, (MYSQL_RES * result), (result))                                               \
    F(MARIADB_CHARSET_INFO *, mariadb_get_charset_by_name, (const char *name), (name))                       \
    F(const char *, mysql_get_client_info, (void), ())

LIBRARY_FUNCTIONS(FUNCTIONS)

static void version(char *text, size_t size) {
    str_copy(text, size, mysql_get_client_info());
}

struct library mysql_library = {
    .name = "MariaDB Connector/C",
    .soname = "libmariadb.so.3",
    .package = "libmariadb3",
    .symbols = SYMBOLS,
    .symbol_count = sizeof SYMBOLS / sizeof SYMBOLS[0],
    .version = version,
};
