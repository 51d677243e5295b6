/* An owner of one-shot children that notes what it is told, and work for them. */
#ifndef BH_TESTS_RUN_CHILD_NOTES_H
#define BH_TESTS_RUN_CHILD_NOTES_H

#include "harness/rig.h"
#include "run/child.h"

struct child_notes {
    char text[128];
    int done, reaped, released;
    bool is_garbled;
    int signal, status;
    char result[16];
};

extern const struct child_callbacks CHILD_NOTES_CALLBACKS;

/* Starts a child, of which the notes begin anew. */
struct child *child_notes_start(
    struct rig *rig, void (*work)(void *arg, int fd), void *arg, struct child_notes *notes);

/* Of struct child_notes, for rig_turn_until. */
bool child_notes_is_released(void *arg);
bool child_notes_is_done(void *arg);
bool child_notes_is_noted(void *arg);

/* Two phases and a result; and one phase, and then nothing for ever. */
void child_work_reports(void *arg, int fd);
void child_work_hangs(void *arg, int fd);

#endif
