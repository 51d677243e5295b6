/* Tests of the rules by which Bugsink's start-up judges its settings. */
#include "kinds/settings/settings_judged.h"

#include <check.h>

START_TEST(the_secret_key_is_judged_as_django_judges_it) {
    static const struct judged_row ROWS[] = {
        {"SECRET_KEY=" KEY50, ""},
        {"SECRET_KEY=" KEY49, "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=", "SECRET_KEY is empty"},
        {"SECRET_KEY=''", "SECRET_KEY is empty"},
        {"SECRET_KEY=django-insecure-" KEY50, "SECRET_KEY begins with django-insecure-"},
        {"SECRET_KEY=not-django-insecure-" KEY50, ""},
        {"SECRET_KEY=aaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbccccccccccdd",
            "SECRET_KEY has fewer than 5 different characters"},
        {"SECRET_KEY=aaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbccccccccccde", ""},
        /* characters, not bytes: 49 of them, in 51 bytes */
        {"SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ\xc3\xa4\xc3\xb6",
            "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY=\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ""},
        {"OTHER=1", ""},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(a_base_url_needs_http_and_a_host) {
    static const struct judged_row ROWS[] = {
        {"BASE_URL=http://bugsink.example.com", ""},
        {"BASE_URL=HTTPS://user:pw@host:8000/path?q#f", ""},
        {"BASE_URL=http://[::1]:8000", ""},
        {"BASE_URL=http://[v1.a]", ""},
        {"BASE_URL=bugsink.example.com", "BASE_URL must begin with http:// or https://"},
        {"BASE_URL=bugsink.example.com:8000", "BASE_URL must begin with http:// or https://"},
        {"BASE_URL=ftp://h", "BASE_URL must begin with http:// or https://"},
        {"BASE_URL=", "BASE_URL must begin with http:// or https://"},
        {"BASE_URL=//h", "BASE_URL must begin with http:// or https://"},
        {"BASE_URL=https:bugsink", "BASE_URL names no host"},
        {"BASE_URL=http://", "BASE_URL names no host"},
        {"BASE_URL=http:///path", "BASE_URL names no host"},
        {"BASE_URL=http://:8000", "BASE_URL names no host"},
        {"BASE_URL=http://user@", "BASE_URL names no host"},
        {"BASE_URL=http://user@:80/", "BASE_URL names no host"},
        {"BASE_URL=http://[]:80", "BASE_URL is not a URL: what is in brackets is not an IPv6 address"},
        {"BASE_URL=http://[::1", "BASE_URL is not a URL: a bracket is not closed"},
        {"BASE_URL=http://::1]", "BASE_URL is not a URL: a bracket is not closed"},
        {"BASE_URL=http://[127.0.0.1]", "BASE_URL is not a URL: what is in brackets is not an IPv6 address"},
        {"BASE_URL=http://[bugs]", "BASE_URL is not a URL: what is in brackets is not an IPv6 address"},
        {"BASE_URL=http://[v1]", "BASE_URL is not a URL: what is in brackets is not an IPv6 address"},
        {"BASE_URL=http://[fe80::1%eth0]/", ""},
        {"BASE_URL=http://[fe80::1%]/", "BASE_URL is not a URL: what is in brackets is not an IPv6 address"},
        {"BASE_URL=http://h/[x", ""},
        {"BASE_URL=http://h:x", ""}, /* nobody reads its port */
        {"BASE_URL=\"  http://h\"", ""},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(settings_about_proxies_exclude_each_other) {
    static const struct judged_row ROWS[] = {
        {"BEHIND_HTTPS_PROXY=True", ""},
        {"BEHIND_HTTPS_PROXY=yes\nBEHIND_PLAIN_HTTP_PROXY=0", ""},
        {"BEHIND_HTTPS_PROXY=YES\nBEHIND_PLAIN_HTTP_PROXY=1",
            "BEHIND_PLAIN_HTTP_PROXY is set, and BEHIND_HTTPS_PROXY too"},
        {"BEHIND_HTTPS_PROXY=on\nBEHIND_PLAIN_HTTP_PROXY=true", ""},
        {"USE_X_FORWARDED_FOR=true", ""}, /* not behind a proxy, it is not read */
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_FORWARDED_FOR=true\nX_FORWARDED_FOR_PROXY_COUNT=1",
            "USE_X_FORWARDED_FOR is set, and USE_X_REAL_IP (true unless set to False) too"},
        {"BEHIND_PLAIN_HTTP_PROXY=1\nUSE_X_REAL_IP=true\nUSE_X_FORWARDED_FOR=1\n"
         "X_FORWARDED_FOR_PROXY_COUNT=2",
            "USE_X_FORWARDED_FOR is set, and USE_X_REAL_IP (true unless set to False) too"},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=false\nUSE_X_FORWARDED_FOR=true\n"
         "X_FORWARDED_FOR_PROXY_COUNT= 02 ",
            ""},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=$REAL\nUSE_X_FORWARDED_FOR=1\nX_FORWARDED_FOR_PROXY_COUNT=1",
            ""},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=0\nUSE_X_FORWARDED_FOR=true",
            "X_FORWARDED_FOR_PROXY_COUNT must be set where USE_X_FORWARDED_FOR is"},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=0\nUSE_X_FORWARDED_FOR=true\nX_FORWARDED_FOR_PROXY_COUNT=0",
            "X_FORWARDED_FOR_PROXY_COUNT must be above 0"},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=0\nUSE_X_FORWARDED_FOR=true\nX_FORWARDED_FOR_PROXY_COUNT=-3",
            "X_FORWARDED_FOR_PROXY_COUNT must be above 0"},
        {"BEHIND_HTTPS_PROXY=1\nUSE_X_REAL_IP=0\nUSE_X_FORWARDED_FOR=true\nX_FORWARDED_FOR_PROXY_COUNT=two",
            "X_FORWARDED_FOR_PROXY_COUNT is not a whole number"},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(the_rest_of_the_environment_has_its_rules) {
    static const struct judged_row ROWS[] = {
        {"DATABASE_URL=postgres://u:p@h/d", ""}, {"DATABASE_URL=PostgreSQL://u:p@h/d", ""},
        {"DATABASE_URL=mysql://h/d", ""}, {"DATABASE_URL=", ""},
        {"DATABASE_URL=sqlite:////d", "DATABASE_URL must begin with mysql://, postgres:// or postgresql://"},
        {"DATABASE_URL=' mysql://u:p@h/d'", ""}, /* urlsplit leaves blanks in front away */
        {"DATABASE_URL=my_sql://u:p@h/d",
            "DATABASE_URL must begin with mysql://, postgres:// or postgresql://"},
        {"DATABASE_URL=/data/db", "DATABASE_URL must begin with mysql://, postgres:// or postgresql://"},
        {"DATABASE_URL=postgres://u:p@h:x/db", "DATABASE_URL has a port that is not a number"},
        {"DATABASE_URL=postgres://u:p@h:65535/db", ""},
        {"DATABASE_URL=mysql://u:p@[::1]:65536/db", "DATABASE_URL has a port above 65535"},
        {"DATABASE_URL=postgres://u:p@h:/db?port=x", ""}, {"CREATE_SUPERUSER=a@b.c:pw:x", ""},
        {"CREATE_SUPERUSER=", ""}, {"CREATE_SUPERUSER=a@b.c", "CREATE_SUPERUSER must be EMAIL:PASSWORD"},
        {"SNAPPEA_NUM_WORKERS=4", ""},
        {"SNAPPEA_NUM_WORKERS=four", "SNAPPEA_NUM_WORKERS is not a whole number"},
        {"SNAPPEA_NUM_WORKERS=", "SNAPPEA_NUM_WORKERS is not a whole number"},
        {"MAX_EVENT_SIZE=1MB\nMAX_EVENTS_PER_HOUR=1e3",
            "MAX_EVENT_SIZE is not a whole number; MAX_EVENTS_PER_HOUR is not a whole number"},
        {"MAX_EVENT_AGE_DAYS=", ""},
        {"MAX_EVENT_AGE_DAYS=x\nMAX_EMAILS_PER_HOUR=x\nMAX_STORED_FILE_BYTES=unlimited",
            ""}, /* int_or_none */
        {"MAX_EVENT_TAGS=", "MAX_EVENT_TAGS is not a whole number"},
        {"MAX_FILE_SIZE=", "MAX_FILE_SIZE is not a whole number"},
        {"MAX_CSP_REPORT_SIZE=64k", "MAX_CSP_REPORT_SIZE is not a whole number"},
        {"DEBUG=yes", "DEBUG must not be true"}, {"DEBUG=on", ""},
        {"EMAIL_PORT=smtp", ""}, /* no mail is sent, and it is not read */
        {"EMAIL_HOST=h\nEMAIL_PORT=smtp", "EMAIL_PORT is not a whole number"},
        {"EMAIL_HOST=h\nEMAIL_PORT=", "EMAIL_PORT is not a whole number"},
        {"EMAIL_BACKEND=x.Y\nEMAIL_HOST=h\nEMAIL_PORT=", ""}, /* nor is it read beside another backend */
        {"EMAIL_BACKEND=\nEMAIL_HOST=h\nEMAIL_PORT=x", "EMAIL_PORT is not a whole number"},
        {"EMAIL_BACKEND=$X\nEMAIL_HOST=h\nEMAIL_PORT=x", ""},
        {"EMAIL_HOST=h\nEMAIL_PORT=587\nEMAIL_TIMEOUT=", ""},
        {"EMAIL_TIMEOUT=5s", "EMAIL_TIMEOUT is not a whole number"},
        {"PORT=tcp://10.0.0.1:80", ""}, /* used as text */
        {"SITE_TITLE=x\nPHONEHOME=false\nINGEST_STORE_BASE_DIR=/",
            ""}, /* a module's dictionary is no matter here */
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(a_time_zone_has_the_form_of_one) {
    static const struct judged_row ROWS[] = {
        {"TIME_ZONE=", ""}, {"TIME_ZONE=UTC", ""}, {"TIME_ZONE=EST5EDT", ""}, {"TIME_ZONE=Etc/GMT+5", ""},
        {"TIME_ZONE=America/Argentina/Buenos_Aires", ""}, {"TIME_ZONE=America/Port-au-Prince", ""},
        {"TIME_ZONE=Europe", ""}, /* a directory, and Django asks no more than whether it is there */
        {"TIME_ZONE=posix/Europe/Paris", ""}, {"TIME_ZONE=utc", "TIME_ZONE is not the name of a time zone"},
        {"TIME_ZONE=europe/amsterdam", "TIME_ZONE is not the name of a time zone"},
        {"TIME_ZONE=+02:00", "TIME_ZONE is not the name of a time zone"},
        {"TIME_ZONE=Europe/New York", "TIME_ZONE is not the name of a time zone"},
        {"TIME_ZONE=Nowhere/City", "TIME_ZONE names no area of the time zone database"},
        {"TIME_ZONE=Europe/Nowhere", ""}, /* only the database knows */
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(a_dsn_for_bugsinks_own_errors_is_judged_as_the_sdk_does) {
    static const struct judged_row ROWS[] = {
        {"SENTRY_DSN=", ""},
        {"SENTRY_DSN=https://key@h/1", ""},
        {"SENTRY_DSN=http://key:secret@localhost:8000/path/42", ""},
        {"SENTRY_DSN=notadsn", "SENTRY_DSN must begin with http:// or https://"},
        {"SENTRY_DSN=https://key@/1", "SENTRY_DSN names no host"},
        {"SENTRY_DSN=https://h/1", "SENTRY_DSN has no public key"},
        {"SENTRY_DSN=https://key@h/", "SENTRY_DSN ends in no project's number"},
        {"SENTRY_DSN=https://key@h", "SENTRY_DSN ends in no project's number"},
        {"SENTRY_DSN=https://key@h/x", "SENTRY_DSN ends in no project's number"},
        {"SENTRY_DSN=https://key@h:x/1", "SENTRY_DSN has a port that is not a number"},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(mail_from_bugsink_com_needs_a_host_of_bugsink_com) {
    static const char WHAT[] = "DEFAULT_FROM_EMAIL is of bugsink.com, and ALLOWED_HOSTS is not";
    const struct judged_row ROWS[] = {
        {"DEFAULT_FROM_EMAIL=x@example.org", ""},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com\nBASE_URL=http://h", WHAT},
        {"DEFAULT_FROM_EMAIL=Bugs <x@BUGSINK.com>\nBASE_URL=http://h", WHAT},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com", WHAT},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com\nBASE_URL=http://app.bugsink.com", ""},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com\nALLOWED_HOSTS=\"h, .bugsink.com\"", ""},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com\nALLOWED_HOSTS=h,*", WHAT},
        {"DEFAULT_FROM_EMAIL=x@bugsink.com\nALLOWED_HOSTS=$HOSTS", ""},
    };
    ASSERT_ROWS(ROWS, SETTINGS_ENV);
}
END_TEST

START_TEST(integers_are_those_of_python) {
    static const char *const good[] = {"0", "007", "+1", "-1", " 1 ", "\t1\n", "1_000", "1_0_0",
        ("\x1c"
         "1"),
        "99999999999999999999999999", "\xd9\xa3"};
    static const char *const bad[] = {"", " ", "+", "-", "+-1", "1.0", "1e3", "0x10", "_1", "1_", "1__0",
        "1 0", "- 1", "one", "1,000", "\"1\"", "\xd9\xa3k"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(settings_rules_is_integer(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!settings_rules_is_integer(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(json_and_the_shared_environment_are_judged_alike) {
    static const struct judged_row JSON[] = {
        {"{\"SECRET_KEY\": \"" KEY50 "\", \"MAX_EVENT_SIZE\": 5, \"BASE_URL\": \"http://h\"}", ""},
        {"{\"SECRET_KEY\": \"x\"}", "SECRET_KEY is shorter than 50 characters"},
        {"{\"MAX_EVENT_SIZE\": \"many\"}", "MAX_EVENT_SIZE is not a whole number"},
        {"{\"MAX_EVENT_SIZE\": null, \"SECRET_KEY\": null}", ""},
        {"{\"BEHIND_HTTPS_PROXY\": true, \"BEHIND_PLAIN_HTTP_PROXY\": 1}",
            "BEHIND_PLAIN_HTTP_PROXY is set, and BEHIND_HTTPS_PROXY too"},
        {"{\"BUGSINK\": {\"BASE_URL\": \"bugsink\"}}",
            "BUGSINK.BASE_URL must begin with http:// or https://"},
        {"{\"BUGSINK\": {\"BASE_URL\": \"bugsink\"}, \"BUGSINK\": {}}", ""},
        {"{\"BUGSINK\": {\"X\": {\"BASE_URL\": 1}, \"BASE_URL\": \"x\"}, \"SECRET_KEY\": \"\\u00e4\"}",
            "SECRET_KEY is shorter than 50 characters; BUGSINK.BASE_URL must begin with http:// or https://"},
        {"{\"BUGSINK\": {\"BASE_URL\": \"http://h\", \"SITE_TITLE\": 1.5}}", ""},
    };
    static const struct judged_row SHARED[] = {
        {"SECRET_KEY=" KEY50, ""},
        {"SECRET_KEY=x", "SECRET_KEY is shorter than 50 characters"},
        {"BASE_URL=\"http://h\"",
            "BASE_URL must begin with http:// or https://"}, /* quotes are a part of it */
        {"MAX_EVENT_SIZE=", "MAX_EVENT_SIZE is not a whole number"},
    };
    ASSERT_ROWS(JSON, SETTINGS_JSON);
    ASSERT_ROWS(SHARED, SETTINGS_ENVIRONMENT);
}
END_TEST

START_TEST(a_module_is_judged_by_its_literals) {
    static const struct judged_row ROWS[] = {
        {"SECRET_KEY = '" KEY50 "'", ""},
        {"SECRET_KEY = '" KEY49 "'", "SECRET_KEY is shorter than 50 characters"},
        {"SECRET_KEY = None", "SECRET_KEY is empty"},
        {"SECRET_KEY = ''", "SECRET_KEY is empty"},
        {"BUGSINK = {'BASE_URL': 'bugsink'}", "BUGSINK.BASE_URL must begin with http:// or https://"},
        {"BUGSINK = {\"BASE_URL\": \"http://h\"}", ""},
        /* the rules on proxies are the image's own */
        {"BEHIND_HTTPS_PROXY = True\nBEHIND_PLAIN_HTTP_PROXY = True", ""},
        {"USE_X_FORWARDED_FOR = True\nUSE_X_REAL_IP = True", ""},
        {"USE_X_FORWARDED_FOR = True\nX_FORWARDED_FOR_PROXY_COUNT = -1", ""},
        {"DEBUG = True\nDEFAULT_FROM_EMAIL = 'x@bugsink.com'\nSENTRY_DSN = 'x'", ""},
        {"TIME_ZONE = 'Europe/Amsterdam'", ""},
        {"TIME_ZONE = 'amsterdam'", "TIME_ZONE is not the name of a time zone"},
        {"BUGSINK = {'ALERTS_WEBHOOK_OUTBOUND_MODE': 'Open'}", ""},
        {"BUGSINK = {'ALERTS_WEBHOOK_OUTBOUND_MODE': 'closed'}",
            "BUGSINK.ALERTS_WEBHOOK_OUTBOUND_MODE must be open or allowlist_only"},
        {"MAX_CSP_REPORT_SIZE = 5", "MAX_CSP_REPORT_SIZE belongs in the dictionary BUGSINK"},
        {"STATS_RETENTION_MINUTES = 5", "STATS_RETENTION_MINUTES belongs in the dictionary SNAPPEA"},
        {"SITE_TITLE = f()", "SITE_TITLE belongs in the dictionary BUGSINK"},
        {"NUM_WORKERS = 4", "NUM_WORKERS belongs in the dictionary SNAPPEA"},
        {"BASE_URL = 'http://h'\nBUGSINK = {'BASE_URL': BASE_URL}",
            "BASE_URL belongs in the dictionary BUGSINK"},
        {"if X:\n  SITE_TITLE = 1", ""},
        {"SITE_TITLE = 1\ndel SITE_TITLE", ""},
        {"def f():\n  SITE_TITLE = 1", ""},
        {"class C:\n  MAX_EVENT_SIZE = 1", ""},
        {"EMAIL_PORT = 'x'\nDATABASE_URL = 'x'\nCREATE_SUPERUSER = 'x'\nSNAPPEA_NUM_WORKERS = 'x'", ""},
    };
    ASSERT_ROWS(ROWS, SETTINGS_PYTHON);
}
END_TEST

Suite *settings_rules_suite(void) {
    Suite *suite = suite_create("settings_rules");
    TCase *tcase = tcase_create("settings_rules");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, the_secret_key_is_judged_as_django_judges_it);
    tcase_add_test(tcase, a_base_url_needs_http_and_a_host);
    tcase_add_test(tcase, settings_about_proxies_exclude_each_other);
    tcase_add_test(tcase, the_rest_of_the_environment_has_its_rules);
    tcase_add_test(tcase, a_time_zone_has_the_form_of_one);
    tcase_add_test(tcase, a_dsn_for_bugsinks_own_errors_is_judged_as_the_sdk_does);
    tcase_add_test(tcase, mail_from_bugsink_com_needs_a_host_of_bugsink_com);
    tcase_add_test(tcase, integers_are_those_of_python);
    tcase_add_test(tcase, json_and_the_shared_environment_are_judged_alike);
    tcase_add_test(tcase, a_module_is_judged_by_its_literals);
    return suite;
}
