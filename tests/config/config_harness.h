/* Loading a configuration in a test: from a text as the file, an environment and flags. */
#ifndef BH_TESTS_CONFIG_HARNESS_H
#define BH_TESTS_CONFIG_HARNESS_H

#include "config/config.h"

#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ENVIRONMENT   ((const char *const[]){NULL})

/* Loads with flags alternately name and value, NULL-terminated (NULL: none), and with json as the file (NULL:
 * none).
 * @DIR@ in json, environment and flags stands for this test's scratch directory. */
struct config *harness_load(
    const char *json, const char *const *environment, const char *const *flags, struct error *err);

/* As harness_load, but fails the test with the error. */
struct config *harness_load_good(const char *json, const char *const *environment, const char *const *flags);

/* Loads, and fails the test unless it is refused with an error that contains `says`. */
void harness_load_bad(
    const char *json, const char *const *environment, const char *const *flags, const char *says);

/* Writes a file NAME in the scratch directory. */
void harness_write(const char *name, const char *text);

/* Whether the check is of a database, and so has a DSN. */
bool harness_is_database(const struct check_config *check);

/* What is found under that name or key; NULL where there is none. The origin, in which @DIR@ stands for the
 * directory again, is valid until the next call. */
const struct check_config *harness_check(const struct config *config, const char *name);
const char *harness_item(const struct config *config, const char *key);
const char *harness_origin(const struct config *config, const char *key);

/* Fails the test unless a warning contains `says`. */
void harness_assert_warning(const struct config *config, const char *says);

/* Asserts equality; NULL equals NULL alone. */
void harness_assert_text(const char *what, const char *got, const char *want);

#endif
