/* Looks for the maintenance file. */
#include "checker/maintenance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_INTERVAL_MS = 1000, LOOK_TIMEOUT_MS = 900 };

struct maintenance {
    struct check_config config; /* only its name, which is the path, and its timeout matter */
    struct check check;
    struct timer next;
    bool has_looked;
    bool is_on;
    void (*changed)(void *arg);
    void *arg;
};

static void look(struct run *run) {
    struct stat st;
    run->outcome.reason = stat(run->config->name, &st) == 0 ? REASON_MAINTENANCE : REASON_OK;
}

static const struct check_kind MAINTENANCE_KIND = {
    .start = check_run_in_child,
    .work = look,
    .cancel = check_cancel_child,
};

static void on_finished(struct check *check, const struct outcome *outcome, int64_t duration_ms) {
    (void)duration_ms;
    struct maintenance *maintenance = check->arg;
    timer_arm(check->env->timers, &maintenance->next, LOOK_INTERVAL_MS);
    bool is_on = maintenance->is_on, is_first = !maintenance->has_looked;
    if (outcome->reason == REASON_OK || outcome->reason == REASON_MAINTENANCE)
        is_on = outcome->reason == REASON_MAINTENANCE;
    bool is_news = is_first || is_on != maintenance->is_on;
    maintenance->has_looked = true;
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
