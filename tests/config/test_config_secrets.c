/* Tests that no password comes out of the configuration: not in an error, an item, a warning or a DSN's safe
 * text, not in a driver's message once blanked, and not in memory once freed. */
#include "config/config.h"

#include "config/config_harness.h"
#include "harness/tempdir.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

/* No four characters of one of these stand in any text of ours. */
static const char *const PASSWORDS[] = {
    "Zq7xWv9kJh2p",
    "Zq7x/Wv9k",
    "Zq7x@Wv9k",
    "Zq7x:Wv9k",
    "Zq7x#Wv9k",
    "Zq7x?Wv9k",
    "Zq7x%Wv9k",
    "Zq7x%41Wv9k",
    "Zq7x[Wv9k]Jh2p",
    "Zq7x Wv9k",
    "Zq7x\tWv9k",
    "Zq7x&Wv9k=Jh2p",
    "Zq7x,Wv9k;Jh2p",
    "Zq7x\\Wv9k",
    "Zq7x'Wv9k`Jh2p",
    "Zq7x\xc3\xa4Wv9k",
    "Zq7x\xff\xfeWv9k",
    "@Zq7xWv9k@",
    "/Zq7xWv9k/",
    "#Zq7xWv9k#",
    "?Zq7xWv9k?",
    ":Zq7xWv9k:",
    "Zq7x@Wv9k/Jh2p#Qm8r?Tb5n:Yc3s%Fd6g",
    "Zq7x#Wv9k@Jh2p/Qm8r",
    "Zq7x?Wv9k@Jh2p#Qm8r",
    "8317/9264Zq7x",
    "8317#9264Zq7x",
    "8317?9264Zq7x",
    "8317@9264/Zq7x",
    "//Zq7xWv9k",
    "Zq7x://Wv9k",
    "[fe80::7]Zq7x@Wv9k",
};

/* Forms of a DSN; %s is the password. */
static const char *const FORMS[] = {
    "postgresql://bugsink:%s@db/bugsink",
    "postgres://bugsink:%s@db:5432/bugsink",
    "mysql://bugsink:%s@db/bugsink",
    "postgresql://:%s@db/bugsink",
    "postgresql://bugsink:%s@/bugsink",
    "postgresql://bugsink:%s@[::1]:5432/bugsink",
    "postgresql://bugsink:%s@a:1,b:2/bugsink",
    "postgresql://bugsink:%s@db/bugsink?sslmode=require",
    "postgresql://bugsink@db/bugsink?password=%s",
    "postgresql://db/bugsink?user=bugsink&sslpassword=%s&connect_timeout=1",
    "postgresql://bugsink:%s@db:none/bugsink",
    "postgresql://bugsink:%s@db:99999/bugsink",
    "postgresql://bugsink:%s@[db]/bugsink",
    "postgresql://bugsink:%s@db",
    "postgresql:bugsink:%s@db/bugsink",
    "postgresql:/bugsink:%s@db/bugsink",
    "postgres:bugsink:%s",
    "//bugsink:%s@db/bugsink",
    "bugsink:%s@db/bugsink",
    "oracle://bugsink:%s@db/bugsink",
    "sqlite://bugsink:%s@db/bugsink",
    "host=db user=bugsink password=%s",
    "PGPASSWORD=%s",
};

static void encode(const char *text, bool is_encoded, char *encoded, size_t size) {
    size_t length = 0;
    for (; *text; text++) {
        bool is_plain = strchr("ZqxWvkJhpQmrTbnYcsFdg0123456789", *text) != NULL;
        if (is_encoded && !is_plain)
            snprintf(encoded + length, size - length, "%%%02X", (unsigned)(unsigned char)*text);
        else
            snprintf(encoded + length, size - length, "%c", *text);
        length = strlen(encoded);
    }
}

/* Fails when four characters in a row of the password stand in the text. Asserts only what fails: each
 * assertion is a message to libcheck's parent process, and there would be millions. */
static void assert_clean(const char *where, const char *text, const char *password) {
    for (size_t i = 0; text && strlen(password + i) >= 4; i++) {
        char piece[5] = "";
        memcpy(piece, password + i, 4);
        if (strstr(text, piece))
            ck_abort_msg("%s shows \"%s\" of \"%s\": %s", where, piece, password, text);
    }
}

static void assert_config_clean(const struct config *config, const char *password) {
    for (size_t i = 0; i < config->item_count; i++) {
        assert_clean("an item's key", config->items[i].key, password);
        assert_clean("an item", config->items[i].value, password);
        assert_clean("an origin", config->items[i].origin, password);
    }
    for (size_t i = 0; i < config->warning_count; i++)
        assert_clean("a warning", config->warnings[i], password);
    for (size_t i = 0; i < config->check_count; i++)
        if (harness_is_database(&config->checks[i]))
            assert_clean("safe", config->checks[i].database.dsn.safe, password);
}

/* As a driver would quote the parts of the DSN. */
static void assert_blanked(const struct dsn *dsn, const char *password) {
    char message[1024];
    snprintf(message, sizeof message,
        "connection to \"%s\" (%s), port %s failed: FATAL: user %s password %s database %s",
        dsn->host ? dsn->host : "", dsn->host ? dsn->host : "", dsn->port ? dsn->port : "",
        dsn->user && dsn->is_doubtful ? dsn->user : "", dsn->password ? dsn->password : "",
        dsn->database ? dsn->database : "");
    dsn_blank(dsn, message);
    assert_clean("a driver's message", message, password);
}

static char *build_dsn(const char *form, const char *password, bool is_encoded) {
    char encoded[256] = "";
    static char dsn[512];
    encode(password, is_encoded, encoded, sizeof encoded);
    const char *at = strstr(form, "%s");
    snprintf(dsn, sizeof dsn, "%.*s%s%s", (int)(at - form), form, encoded, at + 2);
    return dsn;
}

static char *json_text(const char *text) {
    static char escaped[1024];
    size_t length = 0;
    for (; *text; text++) {
        bool is_special = strchr("\"\\\t", *text) != NULL;
        snprintf(escaped + length, sizeof escaped - length, is_special ? "\\%c" : "%c",
            *text == '\t' ? 't' : *text);
        length = strlen(escaped);
    }
    return escaped;
}

/* Where a DSN, or something else, can stand; %s is what stands there. Those that take a DSN come first. */
static const char *const PLACES[] = {
    "DATABASE_URL=%s",
    "DATABASE_URL_FILE=%s",
    "{\"databases\": {\"default\": {\"dsn\": \"%s\"}}}",
    "{\"databases\": {\"a\": {\"dsn_file\": \"%s\"}}}",
    "{\"databases\": {\"default\": {\"dsn\": \"%s",
    "BUGSINK_HEALTH_DATABASE_URL=%s",
    "BUGSINK_HEALTH_APP_URL=%s",
    "{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"password_file\": \"%s\"}}}",
    "{\"databases\": {\"%s\": {\"dsn\": \"/d\"}}}",
    "{\"databases\": \"%s\"}",
    "{\"databases\": {\"a\": {\"role\": \"%s\", \"dsn\": \"/d\"}}}",
    "{\"%s\": 1}",
    "{\"app\": {\"host\": \"%s\"}}",
};

enum { PLACES_OF_DSNS = 5, PLACES_ALL = ROWS(PLACES) };

static void try_place(const char *place, const char *dsn, const char *password) {
    char text[2048];
    struct error err = {.text = ""};
    bool is_json = place[0] == '{';
    const char *at = strstr(place, "%s");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - place), place, is_json ? json_text(dsn) : dsn, at + 2);
    struct config *config =
        harness_load(is_json ? text : NULL, is_json ? NO_ENVIRONMENT : ENVIRONMENT(text), NULL, &err);
    assert_clean("an error", err.text, password);
    if (config) {
        assert_config_clean(config, password);
        assert_blanked(&config->checks[0].database.dsn, password);
    }
    config_free(config);
}

START_TEST(no_piece_of_a_password_is_ever_shown) {
    for (int is_encoded = 0; is_encoded < 2; is_encoded++)
        for (int form = 0; form < ROWS(FORMS); form++) {
            const char *dsn = build_dsn(FORMS[form], PASSWORDS[_i], is_encoded);
            for (int place = 0; place < (form == 0 ? PLACES_ALL : PLACES_OF_DSNS); place++)
                try_place(PLACES[place], dsn, PASSWORDS[_i]);
        }
}
END_TEST

START_TEST(a_password_that_nothing_follows_is_blanked_to_its_end) {
    static const char *const passwords[] = {
        "12@Wv9k/Jh2p#Qm8r?Tb5n:Yc3s", "12@Wv9k?Jh2p@Qm8r/Tb5n", "12/Wv9k@Jh2p/Qm8r"};
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        struct dsn dsn;
        struct error err = {.text = ""};
        ck_assert_msg(
            dsn_parse_bugsink(build_dsn("postgresql://bugsink:%s", passwords[i], false), &dsn, &err) == 0,
            "%s", err.text);
        assert_clean("safe", dsn.safe, passwords[i]);
        assert_blanked(&dsn, passwords[i]);
        dsn_release(&dsn);
    }
}
END_TEST

START_TEST(a_rightly_encoded_password_arrives) {
    for (size_t i = 0; i < 9; i++) {
        struct dsn dsn;
        struct error err = {.text = ""};
        const char *text = build_dsn(FORMS[i], PASSWORDS[_i], true);
        ck_assert_msg(dsn_parse(text, &dsn, &err) == 0, "%s: %s", text, err.text);
        ck_assert_str_eq(dsn.password, PASSWORDS[_i]);
        dsn_release(&dsn);
        if (i == 6 || i == 8 ||
            strstr(PASSWORDS[_i],
                "\xff")) /* Bugsink reads no list of hosts and no query; Python replaces what is not UTF-8 */
            continue;
        ck_assert_msg(dsn_parse_bugsink(text, &dsn, &err) == 0, "%s: %s", text, err.text);
        ck_assert_str_eq(dsn.password, PASSWORDS[_i]);
        ck_assert(!dsn.is_doubtful);
        dsn_release(&dsn);
    }
}
END_TEST

/* -- memory -- */

enum { SECRET_LENGTH = 160, TAIL_LENGTH = 80, CHUNK = 1 << 16, REGION_MAX = 256 << 20 };

/* The password, built so that it stands nowhere in the program's text. */
static void build_secret(char secret[SECRET_LENGTH + 1]) {
    for (int i = 0; i < SECRET_LENGTH; i++)
        secret[i] = (char)('a' + (i * 7 + i * i * 3 + 11) % 26);
    secret[SECRET_LENGTH] = '\0';
}

/* Compares with the end of the password, without having it anywhere. The end alone: free() itself overwrites
 * the beginning of what is freed. Longer than a vector register, which the dynamic linker may have saved on
 * the stack. */
static bool is_tail(const char *text) {
    for (int i = SECRET_LENGTH - TAIL_LENGTH; i < SECRET_LENGTH; i++, text++)
        if (*text != (char)('a' + (i * 7 + i * i * 3 + 11) % 26))
            return false;
    return true;
}

static bool region_has_secret(int memory, unsigned long start, unsigned long end, char *buffer) {
    for (unsigned long at = start; at < end; at += CHUNK - TAIL_LENGTH) {
        size_t want = end - at < CHUNK ? end - at : CHUNK;
        ssize_t got = pread(memory, buffer, want, (off_t)at);
        for (ssize_t i = 0; i + TAIL_LENGTH <= got; i++)
            if (is_tail(buffer + i))
                return true;
        if (got <= 0 || end - at <= CHUNK)
            break;
    }
    return false;
}

/* Searches all memory of this process that it can write. Nothing here comes from the heap, where it would
 * cover what was just freed. */
static bool memory_has_secret(void) {
    static char maps[CHUNK], buffer[CHUNK];
    bool has_secret = false;
    char permissions[8];
    unsigned long start, end;
    size_t length = 0;
    int memory = open("/proc/self/mem", O_RDONLY), list = open("/proc/self/maps", O_RDONLY);
    ck_assert(memory >= 0 && list >= 0);
    for (ssize_t got; (got = read(list, maps + length, sizeof maps - 1 - length)) > 0;)
        length += (size_t)got;
    maps[length] = '\0';
    for (const char *line = maps; *line && !has_secret; line += strcspn(line, "\n"), line += *line == '\n')
        if (sscanf(line, "%lx-%lx %7s", &start, &end, permissions) == 3 && permissions[1] == 'w' &&
            end - start < REGION_MAX)
            has_secret = region_has_secret(memory, start, end, buffer);
    explicit_bzero(buffer, sizeof buffer);
    close(list);
    close(memory);
    return has_secret;
}

static void write_with_secret(const char *path, const char *before, const char *after) {
    char secret[SECRET_LENGTH + 1];
    build_secret(secret);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, before, strlen(before)), (ssize_t)strlen(before));
    ck_assert_int_eq(write(fd, secret, SECRET_LENGTH), SECRET_LENGTH);
    ck_assert_int_eq(write(fd, after, strlen(after)), (ssize_t)strlen(after));
    close(fd);
    explicit_bzero(secret, sizeof secret);
}

static const struct {
    const char *before, *after;
} HOLDERS[] = {
    {"{\"databases\": {\"a\": {\"dsn\": \"postgresql://u:", "@h/d\"}}}"},
    {"{\"databases\": {\"a\": {\"dsn\": \"postgresql://h/d?password=", "\"}}}"},
    {"{\"databases\": {\"a\": {\"dsn\": \"mysql://u:%20\\u00e4", "%20@h/d\"}}}"},
};

START_TEST(nothing_of_a_file_stays_in_memory) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "config.json");
    write_with_secret(path, HOLDERS[_i].before, HOLDERS[_i].after);
    ck_assert_msg(!memory_has_secret(), "the test itself keeps the password in memory");
    const struct config_flag flag = {"--config", path, NULL};
    struct config_source source = {NULL, &flag, 1};
    struct error err = {.text = ""};
    struct config *config = config_load(&source, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    ck_assert_uint_ge(strlen(config->checks[0].database.dsn.password), SECRET_LENGTH);
    ck_assert_msg(memory_has_secret(), "the search finds nothing");
    config_free(config);
    ck_assert_msg(!memory_has_secret(), "the password outlives the configuration");
    free(path);
    free(dir);
}
END_TEST

static const char *const REFUSED_ENDS[] = {"@h@h/d\"}}}", "@h/d\"", "@h/d\"}}, \"x\": 1}", "%00@h/d\"}}}",
    "@h/d\", \"role\": \"queue\"}}}", "@h/d\"}}, \"timeout\": \"9s\"}"};

START_TEST(nothing_of_a_refused_file_stays_in_memory) {
    char *dir = tempdir_new(), *path = tempdir_path(dir, "config.json");
    write_with_secret(path, "{\"databases\": {\"a\": {\"dsn\": \"postgresql://u:", REFUSED_ENDS[_i]);
    const struct config_flag flag = {"--config", path, NULL};
    struct config_source source = {NULL, &flag, 1};
    struct error err = {.text = ""};
    ck_assert_ptr_null(config_load(&source, &err));
    ck_assert_msg(!memory_has_secret(), "%s", err.text);
    free(path);
    free(dir);
}
END_TEST

START_TEST(nothing_of_a_secret_file_stays_in_memory) {
    char *dir = tempdir_new(), *url = tempdir_path(dir, "url"), *password = tempdir_path(dir, "password");
    char *json = tempdir_path(dir, "config.json"), text[512], variable[300];
    write_with_secret(url, "postgres://u:x#", "@h/d\n");
    write_with_secret(password, "", "\n");
    snprintf(text, sizeof text,
        "{\"databases\": {\"a\": {\"dsn\": \"mysql://h/d\", \"password_file\": \"%s\"}}}", password);
    snprintf(variable, sizeof variable, "DATABASE_URL_FILE=%s", url);
    tempdir_write(json, text);
    const struct config_flag flag = {"--config", json, NULL};
    const char *const environment[] = {variable, NULL};
    struct config_source source = {environment, &flag, 1};
    struct error err = {.text = ""};
    struct config *config = config_load(&source, &err);
    ck_assert_ptr_null(config); /* x is no port: refused after reading */
    write_with_secret(url, "postgres://u:1#", "@h/d\n");
    config = config_load(&source, &err);
    ck_assert_msg(config != NULL, "%s", err.text); /* no database in front of the #: a warning */
    config_free(config);
    ck_assert(!memory_has_secret());
    write_with_secret(url, "postgres://u:1/", "@h/d\n");
    config = config_load(&source, &err);
    ck_assert_msg(config != NULL, "%s", err.text);
    ck_assert_uint_ge(strlen(config->checks[1].database.dsn.password), SECRET_LENGTH);
    ck_assert_uint_eq(config->check_count, 2);
    config_free(config);
    ck_assert(!memory_has_secret());
    snprintf(text, sizeof text, "{\"databases\": {\"a\": {\"dsn_file\": \"%s\"}}}", url);
    tempdir_write(json, text);
    for (int is_good = 0; is_good < 2; is_good++) { /* the first has no port; no variable is in play */
        write_with_secret(url, "postgres://u:", is_good ? "@h/d" : "");
        config = config_load(&(struct config_source){NULL, &flag, 1}, &err);
        ck_assert_int_eq(config != NULL, is_good);
        config_free(config);
        ck_assert(!memory_has_secret());
    }
    free(password);
    free(json);
    free(url);
    free(dir);
}
END_TEST

START_TEST(nothing_of_the_environment_stays_in_memory) {
    char key[SECRET_LENGTH + 32] = "SECRET_KEY=", url[SECRET_LENGTH + 64] = "DATABASE_URL=postgres://u:";
    build_secret(key + strlen(key));
    build_secret(url + strlen(url));
    str_copy(url + strlen(url), 16, "@h/d");
    const char *const environment[] = {key, url, NULL};
    struct config_source source = {environment, NULL, 0};
    struct config *config = config_load(&source, NULL);
    ck_assert_ptr_nonnull(config);
    explicit_bzero(key, sizeof key);
    explicit_bzero(url, sizeof url);
    ck_assert_uint_eq(config->check_count, 5);
    ck_assert(memory_has_secret());
    config_free(config);
    ck_assert(!memory_has_secret());
}
END_TEST

Suite *config_secrets_suite(void) {
    Suite *suite = suite_create("config_secrets");
    TCase *texts = tcase_create("texts");
    suite_add_tcase(suite, texts);
    tcase_set_timeout(texts, 60);
    tcase_add_loop_test(texts, no_piece_of_a_password_is_ever_shown, 0, ROWS(PASSWORDS));
    tcase_add_test(texts, a_password_that_nothing_follows_is_blanked_to_its_end);
    tcase_add_loop_test(texts, a_rightly_encoded_password_arrives, 0, ROWS(PASSWORDS));
    TCase *memory = tcase_create("memory");
    suite_add_tcase(suite, memory);
    tcase_set_timeout(memory, 60);
    tcase_add_loop_test(memory, nothing_of_a_file_stays_in_memory, 0, ROWS(HOLDERS));
    tcase_add_loop_test(memory, nothing_of_a_refused_file_stays_in_memory, 0, ROWS(REFUSED_ENDS));
    tcase_add_test(memory, nothing_of_a_secret_file_stays_in_memory);
    tcase_add_test(memory, nothing_of_the_environment_stays_in_memory);
    return suite;
}
