/* An owner of one-shot children that notes what it is told, and work for them. */
#include "run/child_notes.h"

#include "base/str.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

static void note(struct child_notes *notes, const char *text) {
    size_t length = strlen(notes->text);
    str_copy(notes->text + length, sizeof notes->text - length, text);
}

static void on_phase(void *arg, enum phase phase) {
    note(arg, phase_name(phase));
    note(arg, " ");
}

static void on_done(void *arg, const struct child_end *end) {
    struct child_notes *notes = arg;
    notes->done++;
    notes->is_garbled = end->is_garbled;
    notes->signal = end->signal;
    notes->status = end->status;
    if (end->result) {
        ck_assert_uint_lt(end->result_size, sizeof notes->result);
        memcpy(notes->result, end->result, end->result_size);
    }
    note(notes, "done ");
}

static void on_reaped(void *arg) {
    struct child_notes *notes = arg;
    notes->reaped++;
    note(notes, "reaped ");
}

static void on_release(void *arg) {
    struct child_notes *notes = arg;
    notes->released++;
}

const struct child_callbacks CHILD_NOTES_CALLBACKS = {
    .phase = on_phase, .done = on_done, .reaped = on_reaped, .release = on_release};

struct child *child_notes_start(
    struct rig *rig, void (*work)(void *arg, int fd), void *arg, struct child_notes *notes) {
    struct error err;
    *notes = (struct child_notes){.text = ""};
    struct child *child = child_start(&rig->children, work, arg, &CHILD_NOTES_CALLBACKS, notes, 5000, &err);
    ck_assert_msg(child != NULL, "%s", err.text);
    return child;
}

bool child_notes_is_released(void *arg) {
    const struct child_notes *notes = arg;
    return notes->released > 0;
}

bool child_notes_is_done(void *arg) {
    const struct child_notes *notes = arg;
    return notes->done > 0;
}

bool child_notes_is_noted(void *arg) {
    const struct child_notes *notes = arg;
    return notes->text[0] != '\0';
}

void child_work_reports(void *arg, int fd) {
    (void)arg;
    child_report_phase(fd, PHASE_OPEN);
    child_report_phase(fd, PHASE_READ);
    child_report_result(fd, "answer", 7);
}

void child_work_hangs(void *arg, int fd) {
    (void)arg;
    child_report_phase(fd, PHASE_READ);
    for (;;)
        pause();
}
