/* Looks for the maintenance file. */
#include "checker/maintenance.h"

#include "base/log.h"
#include "kinds/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_INTERVAL_MS = 1000, LOOK_TIMEOUT_MS = 900 };

struct maintenance {
    struct check_config config; /* only its name, which is the path, and its timeout matter */
    struct check check;
    struct timer next;
    bool has_answer; /* of any look */
    bool is_on;
    bool is_blind; /* the last look had no answer, and that was told */
    void (*changed)(void *arg);
    void *arg;
};

/* Only a file that is not there means that there is no maintenance; whatever else fails answers nothing. */
static void look(struct run *run) {
    struct stat st;
    if (stat(run->config->name, &st) == 0)
        run->outcome.reason = REASON_MAINTENANCE;
    else if (errno != ENOENT && errno != ENOTDIR)
        finding_fail(&run->outcome, REASON_IO_ERROR, "%s", strerror(errno));
}

static const struct check_kind MAINTENANCE_KIND = {
    .start = check_run_in_child,
    .work = look,
    .cancel = check_cancel_child,
};

static bool is_answer(const struct outcome *outcome) {
    return outcome->reason == REASON_OK || outcome->reason == REASON_MAINTENANCE;
}

/* Once, until there is an answer again. */
static void tell_blindness(const struct maintenance *maintenance, const struct outcome *outcome) {
    struct log_line line;
    log_begin(&line, LOG_WARNING,
        maintenance->has_answer ? "the maintenance file cannot be looked for: the last answer stands"
                                : "the maintenance file cannot be looked for: not ready until it can");
    log_str(&line, "path", maintenance->config.name);
    log_str(&line, "last", maintenance->is_on ? "maintenance" : "none");
    log_str(&line, "error", *outcome->detail ? outcome->detail : reason_info(outcome->reason)->slug);
    log_end(&line);
}

/* A volume that hangs is given time where there was an answer before: that one stands. */
static void note_blindness(struct maintenance *maintenance, const struct outcome *outcome) {
    bool is_refused = outcome->reason == REASON_IO_ERROR;
    if (!is_refused && maintenance->has_answer)
        return;
    if (!maintenance->is_blind)
        tell_blindness(maintenance, outcome);
    maintenance->is_blind = true;
    bool is_news = is_refused && !maintenance->has_answer && !maintenance->is_on;
    maintenance->is_on = maintenance->is_on || is_news; /* it may well be there */
    if (is_news)
        maintenance->changed(maintenance->arg);
}

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    (void)duration_ms;
    struct maintenance *maintenance = check->arg;
    timer_arm(check->env->timers, &maintenance->next, LOOK_INTERVAL_MS);
    if (!is_answer(outcome)) {
        note_blindness(maintenance, outcome);
        return;
    }
    bool is_on = outcome->reason == REASON_MAINTENANCE;
    bool is_news = !maintenance->has_answer || is_on != maintenance->is_on;
    maintenance->has_answer = true;
    maintenance->is_blind = false;
    maintenance->is_on = is_on;
    if (is_news)
        maintenance->changed(maintenance->arg);
}

static void run(void *arg) {
    struct maintenance *maintenance = arg;
    check_start(&maintenance->check);
}

struct maintenance *maintenance_new(
    const struct check_env *env, const char *path, bool was_on, void (*changed)(void *arg), void *arg) {
    struct maintenance *maintenance = calloc(1, sizeof *maintenance);
    if (!maintenance)
        return NULL;
    maintenance->config.timeout_ms = LOOK_TIMEOUT_MS;
    maintenance->config.name = strdup(path);
    maintenance->is_on = was_on;
    maintenance->changed = changed;
    maintenance->arg = arg;
    timer_init(&maintenance->next, run, maintenance);
    if (!maintenance->config.name || check_init(&maintenance->check, &MAINTENANCE_KIND, env,
                                         &maintenance->config, on_finished, maintenance, NULL) < 0) {
        free(maintenance->config.name);
        free(maintenance);
        return NULL;
    }
    timer_arm(env->timers, &maintenance->next, 0);
    return maintenance;
}

void maintenance_free(struct maintenance *maintenance) {
    if (!maintenance)
        return;
    timer_disarm(&maintenance->next);
    check_release(&maintenance->check);
    free(maintenance->config.name);
    free(maintenance);
}

const char *maintenance_path(const struct maintenance *maintenance) {
    return maintenance->config.name;
}

bool maintenance_is_on(const struct maintenance *maintenance) {
    return maintenance->is_on;
}
