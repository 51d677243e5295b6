/* Tries out a configuration's checks in a process of its own. */
#include "checker/trial.h"

#include "base/clock.h"
#include "base/io.h"
#include "kinds/kinds.h"
#include "run/check.h"

#include <string.h>

enum { PATIENCE_MS = 5000, TRIES = 3 };

struct verdict {
    struct error err; /* "": all is well */
    char linked[VERSIONS_TEXT_SIZE];
};

static bool is_foreign(const struct check_config *config) {
    const struct check_kind *kind = check_kind_find(config->kind);
    return kind && check_kind_is_tried(kind);
}

static void try_all(void *arg, int fd) {
    const struct config *config = arg;
    struct verdict verdict;
    memset(&verdict, 0, sizeof verdict);
    for (size_t i = 0; i < config->check_count; i++) {
        const struct check_config *check = &config->checks[i];
        if (!is_foreign(check) || check_try(check_kind_find(check->kind), check, &verdict.err) == 0)
            continue;
        error_prefix(&verdict.err, "check \"%s\"", check->name);
        break;
    }
    versions_format(verdict.linked);
    io_write_all(fd, &verdict, sizeof verdict);
}

/* One that was killed (by the kernel, say, for want of memory) says nothing of the configuration: another one
 * has what time is left. */
static int await_verdict(struct config *config, struct verdict *verdict, struct error *err) {
    int64_t end_ms = clock_now_ms(clock_system()) + PATIENCE_MS, left_ms = PATIENCE_MS;
    int result = -1;
    for (int tries = 0; result < 0 && tries < TRIES && left_ms > 0; tries++) {
        result = child_await(try_all, config, verdict, sizeof *verdict, left_ms, err);
        left_ms = end_ms - clock_now_ms(clock_system());
    }
    return result;
}

int trial_run(const struct config *config, char linked[VERSIONS_TEXT_SIZE], struct error *err) {
    bool is_needed = false;
    struct verdict verdict;
    for (size_t i = 0; i < config->check_count; i++)
        is_needed = is_needed || is_foreign(&config->checks[i]);
    versions_format(linked);
    if (!is_needed)
        return 0;
    struct config copy = *config; /* for the fork, which has its own of all that it points at */
    if (await_verdict(&copy, &verdict, err) < 0)
        return -1;
    verdict.err.text[sizeof verdict.err.text - 1] = '\0';
    verdict.linked[sizeof verdict.linked - 1] = '\0';
    memcpy(linked, verdict.linked, VERSIONS_TEXT_SIZE);
    return verdict.err.text[0] ? error_set(err, "%s", verdict.err.text) : 0;
}
