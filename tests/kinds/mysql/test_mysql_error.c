/* Tests of what errors of MySQL, MariaDB and Connector/C mean. The messages are the real ones (Connector/C
 * 3.3.20, MariaDB 10.11). */
#include "kinds/mysql/error.h"

#include <check.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct {
    unsigned error;
    const char *message;
    enum reason reason;
} ROWS[] = {
    {1040, "Too many connections", REASON_TOO_MANY_CLIENTS},
    {1203, "User u already has more than 'max_user_connections' active connections", REASON_TOO_MANY_CLIENTS},
    {1226, "User 'u' has exceeded the 'max_connections_per_hour' resource", REASON_TOO_MANY_CLIENTS},
    {1129, "Host '10.9.9.9' is blocked because of many connection errors", REASON_HOST_BLOCKED},
    {1130, "Host 'h' is not allowed to connect to this MariaDB server", REASON_HOST_DENIED},
    {1044, "Access denied for user 'u'@'%' to database 'd'", REASON_AUTH_FAILED},
    {1045, "Access denied for user 'u'@'localhost' (using password: YES)", REASON_AUTH_FAILED},
    {1698, "Access denied for user 'root'@'localhost'", REASON_AUTH_FAILED},
    {1820, "You must SET PASSWORD before executing this statement", REASON_AUTH_FAILED},
    {1862, "Your password has expired", REASON_AUTH_FAILED},
    {4151, "Access denied, this account is locked", REASON_AUTH_FAILED},
    {1045,
        "Plugin client_ed25519 could not be loaded: /nonexistent/client_ed25519.so: cannot open shared "
        "object",
        REASON_AUTH_UNSUPPORTED},
    {2013, "Plugin x could not be loaded: x.so", REASON_AUTH_UNSUPPORTED},
    {2059, "Plugin x could not be loaded: x.so", REASON_AUTH_UNSUPPORTED},
    {1251, "Client does not support authentication protocol requested by server", REASON_AUTH_UNSUPPORTED},
    {1524, "Plugin 'x' is not loaded", REASON_AUTH_UNSUPPORTED},
    {1049, "Unknown database 'd'", REASON_DB_MISSING},
    {1046, "No database selected", REASON_DB_MISSING},
    {3159, "Connections using insecure transport are prohibited", REASON_TLS},
    {2026, "TLS/SSL error: unable to get local issuer certificate", REASON_TLS},
    {2026, "TLS/SSL error: unexpected eof while reading", REASON_RESET},
    {1290, "The MariaDB server is running with the --read-only option", REASON_READ_ONLY},
    {1836, "Running in read-only mode", REASON_READ_ONLY},
    {1792, "Cannot execute statement in a READ ONLY transaction", REASON_READ_ONLY},
    {1053, "Server shutdown in progress", REASON_DB_STARTING},
    {1047, "WSREP has not yet prepared node for application use", REASON_DB_STARTING},
    {1021, "Disk full (/tmp); waiting for someone to free some space", REASON_DISK_FULL},
    {1114, "The table 't' is full", REASON_DISK_FULL},
    {1030, "Got error 28 \"No space left on device\" from storage engine InnoDB", REASON_DISK_FULL},
    {1030, "Got error 168 \"Unknown (generic) error from engine\"", REASON_QUERY_FAILED},
    {1037, "Out of memory; restart server and try again", REASON_OUT_OF_MEMORY},
    {1038, "Out of sort memory", REASON_OUT_OF_MEMORY},
    {1146, "Table 'd.django_migrations' doesn't exist", REASON_UNMIGRATED},
    {1142, "SELECT command denied to user", REASON_UNMIGRATED},
    {1054, "Unknown column 'x'", REASON_UNMIGRATED},
    {1969, "Query execution was interrupted (max_statement_time exceeded)", REASON_TIMEOUT},
    {3024, "Query execution was interrupted, maximum statement execution time exceeded", REASON_TIMEOUT},
    {1205, "Lock wait timeout exceeded; try restarting transaction", REASON_TIMEOUT},
    {1927, "Connection was killed", REASON_RESET},
    {1064, "You have an error in your SQL syntax", REASON_QUERY_FAILED},
    {2005, "Unknown server host 'h' (-2)", REASON_UNRESOLVED},
    {2002, "Can't connect to server on '127.0.0.1' (111)", REASON_REFUSED},
    {2002, "Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)", REASON_REFUSED},
    {2002, "Can't connect to local server through socket '/x (113)' (13)", REASON_PERMISSION},
    {2002, "Can't connect to server on 'h' (13)", REASON_UNREACHABLE},
    {2002, "Can't connect to server on 'h' (113)", REASON_UNREACHABLE},
    {2002, "Can't connect to server on 'h' (101)", REASON_UNREACHABLE},
    {2002, "Can't connect to server on 'h' (110)", REASON_TIMEOUT},
    {2003, "Can't connect to server on 'h' (104)", REASON_RESET},
    {2002, "Can't connect to server on 'h' (24)", REASON_INTERNAL},
    {2002,
        "Received error packet before completion of TLS handshake. The authenticity of the following error "
        "cannot be verified: 1129 - Host '10.9.9.9' is blocked because of many connection errors",
        REASON_HOST_BLOCKED},
    {2013, "Lost connection to server at 'reading authorization packet', system error: 104", REASON_RESET},
    {2013, "Lost connection to server at 'handshake: reading initial communication packet', system error: 11",
        REASON_RESET},
    {2013, "Lost connection to server at 'reading authorization packet', system error: 110", REASON_TIMEOUT},
    {2006, "Server has gone away", REASON_RESET},
    {2007, "Protocol mismatch. Server Version = 9 Client Version = 10", REASON_PROTOCOL},
    {2012, "Error in server handshake", REASON_PROTOCOL},
    {2027, "Malformed packet", REASON_PROTOCOL},
    {2000, "Unknown or undefined error code (2000)", REASON_PROTOCOL},
    {2008, "Client run out of memory", REASON_INTERNAL},
    {0, "", REASON_QUERY_FAILED},
};

START_TEST(each_error_has_its_reason) {
    enum reason reason = mysql_reason_of_error(ROWS[_i].error, ROWS[_i].message);
    ck_assert_msg(
        reason == ROWS[_i].reason, "%u %s: %s", ROWS[_i].error, ROWS[_i].message, reason_info(reason)->slug);
}
END_TEST

START_TEST(the_librarys_errors_are_told_from_the_servers) {
    static const unsigned LIBRARYS[] = {2000, 2013, 2999, 5000, 5012}, SERVERS[] = {1045, 1999, 3000, 4999};
    for (int i = 0; i < COUNT(LIBRARYS); i++)
        ck_assert(mysql_error_is_librarys(LIBRARYS[i]));
    for (int i = 0; i < COUNT(SERVERS); i++)
        ck_assert(!mysql_error_is_librarys(SERVERS[i]));
}
END_TEST

START_TEST(a_hidden_number_is_found) {
    ck_assert_uint_eq(mysql_number_of_error(2002, "x cannot be verified: 1040 - Too many connections"), 1040);
    ck_assert_uint_eq(mysql_number_of_error(2002, "x cannot be verified: nothing"), 2002);
    ck_assert_uint_eq(mysql_number_of_error(2002, "Can't connect to server on 'h' (111)"), 2002);
    ck_assert_uint_eq(mysql_number_of_error(1146, "Table 'cannot be verified: 1' doesn't exist"), 1146);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    bool may_be;
} GREETINGS[] = {
    {"\x59\0\0\0\x0a", 5, true},
    {"\x17\0\0\0\xff", 5, true},
    {"\x10\0\0\0\x09", 5, true},
    {"\x59\0\0\0", 4, true},
    {"\x59", 1, true},
    {"", 0, true},
    {"\x59\0\0\1\x0a", 5, false}, /* its number is not the first */
    {"\x59\0\0\0\x0b", 5, false}, /* the X protocol (port 33060) */
    {"\0\0\0\0\x0a", 5, false},
    {"HTTP/", 5, false},
    {"SSH-2", 5, false},
    {"220 m", 5, false},
    {"HTT", 3, false},
};

START_TEST(a_greeting_is_known_by_its_first_bytes) {
    for (int i = 0; i < COUNT(GREETINGS); i++)
        ck_assert_msg(mysql_may_be_greeting((const unsigned char *)GREETINGS[i].bytes, GREETINGS[i].size) ==
                          GREETINGS[i].may_be,
            "row %d", i);
}
END_TEST

#define GREETING_HEAD(length)                                                                                \
    length "\0\0\0\x0a"                                                                                      \
           "8.0.30\0"                                                                                        \
           "\7\0\0\0"                                                                                        \
           "12345678\0"

static const struct {
    const char *bytes;
    size_t size;
    enum mysql_offer offer;
} OFFERS[] = {
    {GREETING_HEAD("\x40") "\xff\xff", 27, MYSQL_OFFER_TLS},
    {GREETING_HEAD("\x40") "\xff\xf7", 27, MYSQL_OFFER_NONE},
    {GREETING_HEAD("\x40") "\xff\xff", 26, MYSQL_OFFER_UNKNOWN}, /* half of the capabilities */
    {GREETING_HEAD("\x40") "\xff\xff", 13, MYSQL_OFFER_UNKNOWN},
    {GREETING_HEAD("\x40") "\xff\xff", 9, MYSQL_OFFER_UNKNOWN}, /* within the version */
    {GREETING_HEAD("\x40") "\xff\xff", 5, MYSQL_OFFER_UNKNOWN},
    {GREETING_HEAD("\x40") "\xff\xff", 4, MYSQL_OFFER_UNKNOWN},
    {"", 0, MYSQL_OFFER_UNKNOWN},
    {GREETING_HEAD("\x16") "\xff\xff", 27, MYSQL_OFFER_NONE}, /* the packet ends before them */
    {GREETING_HEAD("\x17") "\xff\xff", 27, MYSQL_OFFER_TLS},
    {"\1\0\0\0\x0a\xff\xff\xff\xff\xff", 10, MYSQL_OFFER_NONE},
    {"\4\0\0\0\x0a"
     "8.0\xff\xff\xff",
        11, MYSQL_OFFER_NONE}, /* a version without an end */
    {"\x17\0\0\0\xff\x10\x04Too many connections", 27, MYSQL_OFFER_NOTHING},
    {"\x10\0\0\0\x09oldserver", 14, MYSQL_OFFER_NOTHING},
};

START_TEST(a_greeting_says_whether_there_is_tls) {
    for (int i = 0; i < COUNT(OFFERS); i++)
        ck_assert_msg(mysql_offer_of_greeting((const unsigned char *)OFFERS[i].bytes, OFFERS[i].size) ==
                          OFFERS[i].offer,
            "row %d", i);
}
END_TEST

Suite *mysql_error_suite(void) {
    Suite *suite = suite_create("mysql_error");
    TCase *tcase = tcase_create("mysql_error");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, each_error_has_its_reason, 0, COUNT(ROWS));
    tcase_add_test(tcase, a_hidden_number_is_found);
    tcase_add_test(tcase, the_librarys_errors_are_told_from_the_servers);
    tcase_add_test(tcase, a_greeting_is_known_by_its_first_bytes);
    tcase_add_test(tcase, a_greeting_says_whether_there_is_tls);
    return suite;
}
