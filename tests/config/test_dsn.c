/* Tests of DSNs: our own, and DATABASE_URL as Bugsink reads it. */
#include "config/dsn.h"

#include "base/str.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static void assert_text(const char *dsn, const char *what, const char *got, const char *want) {
    ck_assert_msg(got == want || (got && want && strcmp(got, want) == 0), "%s: %s is \"%s\", not \"%s\"", dsn,
        what, got ? got : "(none)", want ? want : "(none)");
}

/* -- Bugsink's reading -- */

struct bugsink_row {
    const char *url;
    bool is_read;
    enum dsn_scheme scheme;
    const char *user, *password, *host, *port, *database;
    bool has_dropped_query;
};

#define READ(scheme, url, ...) {url, true, DSN_##scheme, __VA_ARGS__},
#define REFUSED(url)           {url, false, DSN_SQLITE, NULL, NULL, NULL, NULL, NULL, false},
static const struct bugsink_row BUGSINK[] = {
#include "bugsink_urls.inc"
};

START_TEST(a_database_url_is_read_as_python_reads_it) {
    const struct bugsink_row *row = &BUGSINK[_i];
    struct dsn dsn;
    struct error err = {.text = ""};
    int result = dsn_parse_bugsink(row->url, &dsn, &err);
    ck_assert_msg((result == 0) == row->is_read, "%s: %d %s", row->url, result, err.text);
    if (result == 0) {
        ck_assert_int_eq(dsn.scheme, row->scheme);
        assert_text(row->url, "user", dsn.user, row->user);
        assert_text(row->url, "password", dsn.password, row->password);
        assert_text(row->url, "host", dsn.host, row->host);
        assert_text(row->url, "port", dsn.port, row->port);
        assert_text(row->url, "database", dsn.database, row->database);
        ck_assert_msg(dsn.has_dropped_query == row->has_dropped_query, "%s: query", row->url);
        ck_assert_ptr_nonnull(dsn.safe);
    } else {
        ck_assert_str_ne(err.text, "");
    }
    dsn_release(&dsn);
}
END_TEST

static const struct {
    const char *url;
    bool is_doubtful;
    const char *safe;
} DOUBTS[] = {
    {"postgres://u:p@h/d", false, "postgresql://h:5432/d"},
    {"mysql://u:p@h/d", false, "mysql://h:3306/d"},
    {"postgres://u:a%40b@h/d", false, "postgresql://h:5432/d"},
    {"postgres://u:a:b@h/d", false, "postgresql://h:5432/d"},
    {"postgres://u:p@h/d?sslmode=require", false, "postgresql://h:5432/d"},
    {"postgres://u:p@[::1]/d", false, "postgresql://[::1]:5432/d"},
    {"postgres://u:p@h/d\n", false, "postgresql://h:5432/d"},
    {"postgres:///d", false, "postgresql://:5432/d"},
    {"postgres:d", false, "postgresql://:5432/d"},
    {"postgres://u:a@b@h/d", true, "postgresql:"},
    {"postgres://u:1/b@h/d", true, "postgresql:"},
    {"postgres://u:1?b@h/d", true, "postgresql:"},
    {"postgres://u:1#b@h/d", true, "postgresql:"},
    {"postgres://u:1#b", true, "postgresql:"},
    {"postgres://u:100%safe@h/d", true, "postgresql:"},
    {"mysql://u:a@b@h/d", true, "mysql:"},
    {"postgres:u:secret", true, "postgresql:"},
    {"postgres:/u:secret@h/d", true, "postgresql:"},
};

START_TEST(a_database_url_that_nobody_encoded_shows_its_scheme_alone) {
    struct dsn dsn;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse_bugsink(DOUBTS[_i].url, &dsn, &err) == 0, "%s: %s", DOUBTS[_i].url, err.text);
    ck_assert_msg(dsn.is_doubtful == DOUBTS[_i].is_doubtful, "%s", DOUBTS[_i].url);
    assert_text(DOUBTS[_i].url, "safe", dsn.safe, DOUBTS[_i].safe);
    dsn_release(&dsn);
}
END_TEST

START_TEST(pieces_of_a_doubtful_password_are_blanked_wherever_they_end_up) {
    struct dsn dsn;
    ck_assert_int_eq(
        dsn_parse_bugsink("postgres://bugsink:One@TW0-Half/thr%65e%zz#four_4@db/name", &dsn, NULL), 0);
    ck_assert_str_eq(dsn.host, "tw0-half");
    ck_assert_str_eq(dsn.database, "three%zz");
    char text[] = "host \"tw0-half\" user bugsink database \"three%zz\" password "
                  "One@TW0-Half/thr%65e%zz#four_4, TW0-Half, "
                  "four_4";
    ck_assert(dsn_blank(&dsn, text));
    ck_assert_str_eq(text, "host \"********\" user bugsink database \"********\" password "
                           "******************************, ********, ******");
    dsn_release(&dsn);
}
END_TEST

/* -- our own -- */

struct own_row {
    const char *text;
    enum dsn_scheme scheme;
    const char *path, *user, *password, *host, *port, *database, *safe;
    const char *params; /* "key=value key=value" */
};

#define P DSN_POSTGRES
#define M DSN_MYSQL
#define S DSN_SQLITE
static const struct own_row OWN[] = {
    {"postgresql://u:p@h:5433/d", P, NULL, "u", "p", "h", "5433", "d", "postgresql://h:5433/d", ""},
    {"postgres://u@h/d", P, NULL, "u", NULL, "h", NULL, "d", "postgresql://h/d", ""},
    {"POSTGRES://u@H/d", P, NULL, "u", NULL, "H", NULL, "d", "postgresql://H/d", ""},
    {"postgresql://", P, NULL, NULL, NULL, NULL, NULL, NULL, "postgresql://", ""},
    {"postgresql:///d", P, NULL, NULL, NULL, NULL, NULL, "d", "postgresql:///d", ""},
    {"postgresql://h", P, NULL, NULL, NULL, "h", NULL, NULL, "postgresql://h", ""},
    {"postgresql://h/", P, NULL, NULL, NULL, "h", NULL, NULL, "postgresql://h", ""},
    {"postgresql://@h/", P, NULL, NULL, NULL, "h", NULL, NULL, "postgresql://h", ""},
    {"postgresql://:@h/", P, NULL, NULL, NULL, "h", NULL, NULL, "postgresql://h", ""},
    {"postgresql://:p@h/d", P, NULL, NULL, "p", "h", NULL, "d", "postgresql://h/d", ""},
    {"postgresql://u:a:b@h/d", P, NULL, "u", "a:b", "h", NULL, "d", "postgresql://h/d", ""},
    {"postgresql://u%40x:a%2Fb%23c%3Fd%25@h/d%20e", P, NULL, "u@x", "a/b#c?d%", "h", NULL, "d e",
        "postgresql://h/d%20e", ""},
    {"postgresql://h:5432", P, NULL, NULL, NULL, "h", "5432", NULL, "postgresql://h:5432", ""},
    {"postgresql://h:/d", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d", ""},
    {"postgresql://:5433/d", P, NULL, NULL, NULL, NULL, "5433", "d", "postgresql://:5433/d", ""},
    {"postgresql://a:1,b:2/d", P, NULL, NULL, NULL, "a,b", "1,2", "d", "postgresql://a:1,b:2/d", ""},
    {"postgresql://u:p@a,b:2,c/d", P, NULL, "u", "p", "a,b,c", ",2,", "d", "postgresql://a,b:2,c/d", ""},
    {"postgresql://a,b/d", P, NULL, NULL, NULL, "a,b", NULL, "d", "postgresql://a,b/d", ""},
    {"postgresql://[::1]/d", P, NULL, NULL, NULL, "::1", NULL, "d", "postgresql://[::1]/d", ""},
    {"postgresql://[2001:db8::1234]:5433/d", P, NULL, NULL, NULL, "2001:db8::1234", "5433", "d",
        "postgresql://[2001:db8::1234]:5433/d", ""},
    {"postgresql://[::1]:1,h:2/d", P, NULL, NULL, NULL, "::1,h", "1,2", "d", "postgresql://[::1]:1,h:2/d",
        ""},
    {"postgresql://%2Fvar%2Frun%2Fpostgresql/d", P, NULL, NULL, NULL, "/var/run/postgresql", NULL, "d",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/d", ""},
    {"postgresql:///d?host=/var/run/postgresql&port=5433", P, NULL, NULL, NULL, "/var/run/postgresql", "5433",
        "d", "postgresql://%2Fvar%2Frun%2Fpostgresql:5433/d", ""},
    {"postgresql://h/d?user=u&password=p%40q&dbname=e", P, NULL, "u", "p@q", "h", NULL, "e",
        "postgresql://h/e", ""},
    {"postgresql://u:p@h/d?password=q", P, NULL, "u", "q", "h", NULL, "d", "postgresql://h/d", ""},
    {"postgresql://h/d?sslmode=verify-full&connect_timeout=3", P, NULL, NULL, NULL, "h", NULL, "d",
        "postgresql://h/d", "sslmode=verify-full connect_timeout=3"},
    {"postgresql://h/d?sslmode=a&sslmode=b", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d",
        "sslmode=b"},
    {"postgresql://h/d?ssl=true", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d", "sslmode=require"},
    {"postgresql://h/d?ssl=1", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d", "ssl=1"},
    {"postgresql://h/d?options=-c%20a%3Db", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d",
        "options=-c a=b"},
    {"postgresql://h/d?nonsense=1", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d", "nonsense=1"},
    {"postgresql://h/d?", P, NULL, NULL, NULL, "h", NULL, "d", "postgresql://h/d", ""},
    {"postgresql://h?sslmode=a", P, NULL, NULL, NULL, "h", NULL, NULL, "postgresql://h", "sslmode=a"},
    {"postgresql://h/d?host=", P, NULL, NULL, NULL, NULL, NULL, "d", "postgresql:///d", ""},
    {"postgresql://h/d?host=a,b&port=1,2", P, NULL, NULL, NULL, "a,b", "1,2", "d", "postgresql://a:1,b:2/d",
        ""},
    {"mysql://u:p%40q@h:3307/d", M, NULL, "u", "p@q", "h", "3307", "d", "mysql://h:3307/d", ""},
    {"mysql://u:p@h/d?ssl=true&user=x", M, NULL, "u", "p", "h", NULL, "d", "mysql://h/d",
        "sslmode=require user=x"},
    {"mysql://u@%2Frun%2Fmysqld%2Fmysqld.sock/d", M, NULL, "u", NULL, "/run/mysqld/mysqld.sock", NULL, "d",
        "mysql://%2Frun%2Fmysqld%2Fmysqld.sock/d", ""},
    {"sqlite:////data/db.sqlite3", S, "/data/db.sqlite3", NULL, NULL, NULL, NULL, NULL,
        "sqlite:////data/db.sqlite3", ""},
    {"sqlite:///db.sqlite3", S, "db.sqlite3", NULL, NULL, NULL, NULL, NULL, "sqlite:///db.sqlite3", ""},
    {"SQLite:////a%20b%25", S, "/a b%", NULL, NULL, NULL, NULL, NULL, "sqlite:////a%20b%25", ""},
    {"/data/db.sqlite3", S, "/data/db.sqlite3", NULL, NULL, NULL, NULL, NULL, "sqlite:////data/db.sqlite3",
        ""},
    {"/data/a b%41@:?#=", S, "/data/a b%41@:?#=", NULL, NULL, NULL, NULL, NULL,
        "sqlite:////data/a%20b%2541%40:%3F%23=", ""},
    {"db.sqlite3", S, "db.sqlite3", NULL, NULL, NULL, NULL, NULL, "sqlite:///db.sqlite3", ""},
    {"./d b", S, "./d b", NULL, NULL, NULL, NULL, NULL, "sqlite:///./d%20b", ""},
    {"../db", S, "../db", NULL, NULL, NULL, NULL, NULL, "sqlite:///../db", ""},
};
#undef P
#undef M
#undef S

START_TEST(a_dsn_is_taken_apart) {
    const struct own_row *row = &OWN[_i];
    struct dsn dsn;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse(row->text, &dsn, &err) == 0, "%s: %s", row->text, err.text);
    ck_assert_int_eq(dsn.scheme, row->scheme);
    assert_text(row->text, "path", dsn.path, row->path);
    assert_text(row->text, "user", dsn.user, row->user);
    assert_text(row->text, "password", dsn.password, row->password);
    assert_text(row->text, "host", dsn.host, row->host);
    assert_text(row->text, "port", dsn.port, row->port);
    assert_text(row->text, "database", dsn.database, row->database);
    assert_text(row->text, "safe", dsn.safe, row->safe);
    char params[200] = "";
    for (size_t i = 0, length = 0; i < dsn.param_count; i++, length = strlen(params))
        snprintf(params + length, sizeof params - length, "%s%s=%s", i ? " " : "", dsn.params[i].key,
            dsn.params[i].value);
    assert_text(row->text, "params", params, row->params);
    ck_assert(!dsn.is_doubtful && !dsn.has_dropped_query);
    dsn_release(&dsn);
}
END_TEST

static const struct {
    const char *text;
    const char *says;
} WRONG[] = {
    {"", "must not be empty"},
    {"mongodb://h/d", "unknown scheme \"mongodb\""},
    {"postgresql+psycopg://h/d", "unknown scheme \"postgresql+psycopg\""},
    {"user:pass@host/d", "no known scheme"},
    {"postgres:d", "two slashes"},
    {"postgresql:/h/d", "two slashes"},
    {"mysql:h/d", "two slashes"},
    {"//u:pass@h/d", "neither a DSN nor a path"},
    {"host=h user=u password=p", "neither a DSN nor a path"},
    {"u@h", "neither a DSN nor a path"},
    {"~/db", "neither a DSN nor a path"},
    {"a b", "neither a DSN nor a path"},
    {"sqlite:db", "three slashes"},
    {"sqlite:/data/db", "three slashes"},
    {"sqlite://data/db", "three slashes"},
    {"sqlite:///", "must name a file"},
    {"sqlite:///:memory:", "must name a file"},
    {"sqlite:////db?mode=ro", "no query"},
    {"sqlite:////db#x", "no query"},
    {"sqlite:////db%zz", "two hex digits"},
    {"sqlite:////db%00", "two hex digits"},
    {"postgresql://u:pa@ss@h/d", "more than one @"},
    {"postgresql://u:pa/ss@h/d", "after the first / or ?"},
    {"postgresql://u:12/ss@h/d", "after the first / or ?"},
    {"postgresql://u:pa?ss@h/d", "after the first / or ?"},
    {"postgresql://u:pa#ss@h/d", "it contains a #"},
    {"postgresql://u:pass@h/d#x", "it contains a #"},
    {"postgresql://u:pa%ss@h/d", "% without two hex digits"},
    {"postgresql://u:pa%@h/d", "% without two hex digits"},
    {"postgresql://u:pa%4@h/d", "% without two hex digits"},
    {"postgresql://u:pa%00ss@h/d", "the password contains %00"},
    {"postgresql://u%00:pass@h/d", "the user name contains %00"},
    {"postgresql://h/d%00", "the database contains %00"},
    {"postgresql://h%00/d", "the host contains %00"},
    {"postgresql://h/d?a=%00", "its query contains %00"},
    {"postgresql://u:pa ss@h/d", "space or control character"},
    {"postgresql://u:pass@h/d\n", "space or control character"},
    {"postgresql://u:pa\tss@h/d", "space or control character"},
    {"postgresql://u:secret", "not a number from 1 to 65535"},
    {"postgresql://u:pass/h", "not a number from 1 to 65535"},
    {"postgresql://h:0/d", "not a number from 1 to 65535"},
    {"postgresql://h:65536/d", "not a number from 1 to 65535"},
    {"postgresql://h:99999999999999999999/d", "not a number from 1 to 65535"},
    {"postgresql://h:-1/d", "not a number from 1 to 65535"},
    {"postgresql://a:1,b:x/d", "not a number from 1 to 65535"},
    {"postgresql://h/d?port=x", "not a number from 1 to 65535"},
    {"postgresql://h/d?port=1,x", "not a number from 1 to 65535"},
    {"postgresql://[::1/d", "brackets"},
    {"postgresql://[]/d", "brackets"},
    {"postgresql://[::1]5432/d", "brackets"},
    {"postgresql://::1/d", "not a number from 1 to 65535"},
    {"postgresql://h/d?a", "no value"},
    {"postgresql://h/d?a=b&c", "no value"},
    {"postgresql://h/d?a=b&&c=d", "no value"},
    {"postgresql://h/d?a=b=c", "second ="},
    {"postgresql://h/d?=b", "no name"},
    {"mysql://a,b/d", "one host"},
};

START_TEST(a_wrong_dsn_is_refused_with_what_would_be_right) {
    struct dsn dsn;
    struct error err = {.text = ""};
    ck_assert_msg(dsn_parse(WRONG[_i].text, &dsn, &err) == -1, "%s", WRONG[_i].text);
    ck_assert_msg(strstr(err.text, WRONG[_i].says) != NULL, "%s: %s", WRONG[_i].text, err.text);
    ck_assert_ptr_null(dsn.safe);
    ck_assert_uint_eq(dsn.secret_count, 0);
}
END_TEST

START_TEST(the_remedy_fits_into_an_error) {
    struct dsn dsn;
    struct error err;
    ck_assert_int_eq(dsn_parse("postgresql://u:pa/ss@h/d", &dsn, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/ is %2F"));
    ck_assert_ptr_nonnull(strstr(err.text, "% is %25"));
}
END_TEST

/* -- use -- */

START_TEST(the_password_is_blanked_as_written_and_as_decoded) {
    struct dsn dsn;
    ck_assert_int_eq(dsn_parse("postgresql://u:pa%2Fss%20w@h/d?sslpassword=k%65y-4-us", &dsn, NULL), 0);
    char text[] = "pa%2Fss%20w | pa/ss w | k%65y-4-us | key-4-us | h | d";
    ck_assert(dsn_blank(&dsn, text));
    ck_assert_str_eq(text, "*********** | ******* | ********** | ******** | h | d");
    dsn_release(&dsn);
}
END_TEST

START_TEST(the_longest_secret_is_blanked_first) {
    struct dsn dsn;
    ck_assert_int_eq(dsn_parse("postgresql://u:ab12cd%41@h/d", &dsn, NULL), 0);
    dsn_set_password(&dsn, "ab12cd");
    char text[] = "ab12cd%41 ab12cdA ab12cd";
    ck_assert(dsn_blank(&dsn, text));
    ck_assert_str_eq(text, "********* ******* ******");
    dsn_release(&dsn);
}
END_TEST

START_TEST(a_password_from_elsewhere_takes_the_place_and_is_a_secret) {
    struct dsn dsn;
    ck_assert_int_eq(dsn_parse("postgresql://u@h/d", &dsn, NULL), 0);
    ck_assert_uint_eq(dsn.secret_count, 0);
    dsn_set_password(&dsn, "the 1st");
    dsn_set_password(&dsn, "the 2nd");
    ck_assert_str_eq(dsn.password, "the 2nd");
    char text[] = "the 1st the 2nd";
    ck_assert(dsn_blank(&dsn, text));
    ck_assert_str_eq(text, "******* *******");
    dsn_release(&dsn);
}
END_TEST

/* What a driver or a server says, with a password that it may be guessed from: NULL where it is not shown. */
static const struct {
    const char *dsn, *text, *shown;
} SAID[] = {
#define DENIED "Access denied for user 'samepw'@'127.0.0.1' (using password: YES)"
    {"mysql://samepw:s@h/d", DENIED, DENIED},
    {"mysql://samepw:e@h/d", DENIED, DENIED},
    {"mysql://samepw:127@h/d", DENIED, NULL},
    {"mysql://samepw:127.0@h/d", DENIED, NULL},
    {"mysql://samepw:samepw@h/d", DENIED, NULL},
    {"mysql://SamePw:samepw@h/d", DENIED, NULL},
    {"mysql://samepw:Access@h/d", DENIED, NULL},
    {"mysql://samepw:password@h/d", DENIED, NULL},
    {"mysql://samepw:for@h/d", DENIED, NULL},
    {"mysql://samepw:user@h/d", DENIED, NULL},
    {"mysql://samepw:same@h/d", DENIED, NULL},
    {"mysql://samepw:%27@h/d", DENIED, NULL},
    {"mysql://samepw:YES@h/d", DENIED, NULL},
    {"mysql://samepw:ES@h/d", DENIED, DENIED},
    {"mysql://samepw:quite-another@h/d", DENIED, DENIED},
    {"mysql://samepw@h/d", DENIED, DENIED},
    {"mysql://u:b0gsink@h/b0gsink", "Unknown database 'b0gsink'", NULL},
    {"mysql://u:db1-main@db1-main/d", "Unknown MySQL server host 'db1-main' (-2)", NULL},
    {"mysql://u:33061a@h/d", "said 33061a", "said ******"},
    {"mysql://u:hunter2@h/d", "you said hunter2! (xhunter2x)", "you said *******! (x*******x)"},
    {"mysql://u:horse@h/d", "you said horse", NULL},
    {"mysql://u:horse@h/d", "you said xhorsex", NULL},
    {"mysql://u:hunter2@h/d?ssl-ca=/a", "/a: no such file", "/a: no such file"},
    {"postgresql://u@h/d?password=u", "FATAL: user u", NULL},
    {"postgresql://u:p@h/d?sslpassword=k", "could not load key: bad k", NULL},
};

START_TEST(a_text_that_gives_a_secret_away_is_not_shown_at_all) {
    struct dsn dsn;
    char text[128];
    ck_assert_int_eq(dsn_parse(SAID[_i].dsn, &dsn, NULL), 0);
    str_copy(text, sizeof text, SAID[_i].text);
    bool is_shown = dsn_blank(&dsn, text);
    ck_assert_msg(is_shown == (SAID[_i].shown != NULL), "%s: %s", SAID[_i].dsn, text);
    ck_assert_str_eq(text, SAID[_i].shown ? SAID[_i].shown : "");
    dsn_release(&dsn);
}
END_TEST

START_TEST(a_parameter_is_found_by_its_name) {
    struct dsn dsn;
    ck_assert_int_eq(dsn_parse("postgresql://h/d?sslmode=require&application_name=a%20b", &dsn, NULL), 0);
    ck_assert_str_eq(dsn_param(&dsn, "sslmode"), "require");
    ck_assert_str_eq(dsn_param(&dsn, "application_name"), "a b");
    ck_assert_ptr_null(dsn_param(&dsn, "sslcert"));
    dsn_release(&dsn);
}
END_TEST

START_TEST(a_path_is_taken_as_it_stands) {
    struct dsn dsn;
    dsn_from_path("//odd @path:%41?#", &dsn);
    ck_assert_str_eq(dsn.path, "//odd @path:%41?#");
    ck_assert_str_eq(dsn.safe, "sqlite://///odd%20%40path:%2541%3F%23");
    dsn_release(&dsn);
}
END_TEST

START_TEST(dsns_are_equal_when_every_part_is) {
    static const char *const texts[] = {"postgresql://u:p@h:1/d?a=b", "postgresql://v:p@h:1/d?a=b",
        "postgresql://u:q@h:1/d?a=b", "postgresql://u@h:1/d?a=b", "postgresql://u:p@i:1/d?a=b",
        "postgresql://u:p@h:2/d?a=b", "postgresql://u:p@h/d?a=b", "postgresql://u:p@h:1/e?a=b",
        "postgresql://u:p@h:1/d?a=c", "postgresql://u:p@h:1/d?c=b", "postgresql://u:p@h:1/d",
        "mysql://u:p@h:1/d?a=b", "/a", "/b"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    struct dsn left, right;
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++) {
            ck_assert_int_eq(dsn_parse(texts[i], &left, NULL), 0);
            ck_assert_int_eq(dsn_parse(texts[j], &right, NULL), 0);
            ck_assert_msg(dsn_equal(&left, &right) == (i == j), "%s, %s", texts[i], texts[j]);
            dsn_release(&left);
            dsn_release(&right);
        }
}
END_TEST

Suite *dsn_suite(void) {
    Suite *suite = suite_create("dsn");
    TCase *bugsink = tcase_create("bugsink");
    suite_add_tcase(suite, bugsink);
    tcase_add_loop_test(bugsink, a_database_url_is_read_as_python_reads_it, 0, ROWS(BUGSINK));
    tcase_add_loop_test(bugsink, a_database_url_that_nobody_encoded_shows_its_scheme_alone, 0, ROWS(DOUBTS));
    tcase_add_test(bugsink, pieces_of_a_doubtful_password_are_blanked_wherever_they_end_up);
    TCase *own = tcase_create("own");
    suite_add_tcase(suite, own);
    tcase_add_loop_test(own, a_dsn_is_taken_apart, 0, ROWS(OWN));
    tcase_add_loop_test(own, a_wrong_dsn_is_refused_with_what_would_be_right, 0, ROWS(WRONG));
    tcase_add_test(own, the_remedy_fits_into_an_error);
    tcase_add_test(own, the_password_is_blanked_as_written_and_as_decoded);
    tcase_add_test(own, the_longest_secret_is_blanked_first);
    tcase_add_test(own, a_password_from_elsewhere_takes_the_place_and_is_a_secret);
    tcase_add_loop_test(own, a_text_that_gives_a_secret_away_is_not_shown_at_all, 0, ROWS(SAID));
    tcase_add_test(own, a_parameter_is_found_by_its_name);
    tcase_add_test(own, a_path_is_taken_as_it_stands);
    tcase_add_test(own, dsns_are_equal_when_every_part_is);
    return suite;
}
