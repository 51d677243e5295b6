/* The faults of the endurance test that befall the sidecar itself, and what its operators do to it. */
#include "e2e/endurance_sidecar.h"

#include "harness/proc.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHILDREN_MAX = 64, LIMIT_THOUSANDTHS = 250 };

void sidecar_begin_maintenance(struct scene *scene) {
    tempdir_write(scene->maintenance, "");
}

void sidecar_end_maintenance(struct scene *scene) {
    ck_assert_int_eq(unlink(scene->maintenance), 0);
}

static void write_bad_config(struct scene *scene) {
    char *draft = tempdir_path(scene->world->dir, "config.bad");
    tempdir_write(
        draft, dice_roll(&scene->dice, 2) == 0
                   ? "{\"databases\": {\"default\": {\"dsn\": \"oracle://u:Vb3nBrokenConfig5tRy@h/d\"}}}"
                   : "{\"databases\": Vb3nBrokenConfig5tRy");
    ck_assert_int_eq(rename(draft, scene->world->config), 0);
    free(draft);
}

void sidecar_reload_now_and_then(struct scene *scene) {
    if (dice_roll(&scene->dice, 4) == 0)
        scene_reload(scene);
}

void sidecar_change_config(struct scene *scene) {
    if (dice_roll(&scene->dice, 4) != 0)
        return;
    scene_write_config(scene, dice_roll(&scene->dice, 4));
    scene_reload(scene);
}

void sidecar_change_or_spoil_config(struct scene *scene) {
    if (dice_roll(&scene->dice, 2) == 0) {
        sidecar_change_config(scene);
    } else {
        write_bad_config(scene);
        scene_reload(scene);
    }
}

void sidecar_spoil_config(struct scene *scene) {
    write_bad_config(scene);
    scene_reload(scene);
}

void sidecar_restore_config(struct scene *scene) {
    scene_write_config(scene, 0);
    scene_reload(scene);
}

/* Any of them but the responder; which check it was for shows in what that check says. */
void sidecar_kill_child(struct scene *scene) {
    pid_t children[CHILDREN_MAX];
    const struct daemon *daemon = &scene->world->daemon;
    for (int64_t end_ms = wait_now_ms() + INTERVAL_MS; wait_now_ms() < end_ms;) {
        int count = proc_family(daemon->checker, children, CHILDREN_MAX);
        for (int i = 0; i < count; i++)
            if (children[i] != daemon->responder && proc_state(children[i]) != 'Z') {
                scene->children_killed++;
                kill(children[i], SIGKILL);
                return;
            }
    }
}

void sidecar_stop_checker(struct scene *scene) {
    scene->is_checker_stopped = true;
    ck_assert_int_eq(kill(scene->world->daemon.checker, SIGSTOP), 0);
}

void sidecar_resume_checker(struct scene *scene) {
    ck_assert_int_eq(kill(scene->world->daemon.checker, SIGCONT), 0);
    scene->is_checker_stopped = false;
}

/* Of one processor, for all its processes together. */
void sidecar_limit(struct scene *scene) {
    processor_limit_set(&scene->limit, LIMIT_THOUSANDTHS);
    scene->is_limited = true;
}

void sidecar_unlimit(struct scene *scene) {
    processor_limit_set(&scene->limit, 0);
    scene->is_limited = false;
}
