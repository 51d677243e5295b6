/* The faults of the endurance test that befall the sidecar itself: for the table of all of them. */
#ifndef BH_TESTS_E2E_ENDURANCE_SIDECAR_H
#define BH_TESTS_E2E_ENDURANCE_SIDECAR_H

#include "e2e/endurance.h"

void sidecar_begin_maintenance(struct scene *scene);
void sidecar_end_maintenance(struct scene *scene);
void sidecar_reload_now_and_then(struct scene *scene);
void sidecar_change_config(struct scene *scene);
void sidecar_change_or_spoil_config(struct scene *scene);
void sidecar_spoil_config(struct scene *scene);
void sidecar_restore_config(struct scene *scene);
void sidecar_kill_child(struct scene *scene);
void sidecar_stop_checker(struct scene *scene);
void sidecar_resume_checker(struct scene *scene);
void sidecar_limit(struct scene *scene);
void sidecar_unlimit(struct scene *scene);

#endif
