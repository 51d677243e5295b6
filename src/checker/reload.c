/* Reads a new configuration in a one-shot child, to see whether it can be read. */
#include "checker/reload.h"

#include "run/child.h"

#include <string.h>

/* What the child reports: an empty text when all is well. */
static void try_load(void *arg, int fd) {
    const struct config_source *source = arg;
    struct error err = {.text = ""};
    struct config *config = config_load(source, &err);
    if (config)
        err.text[0] = '\0';
    child_report_result(fd, &err, sizeof err);
    config_free(config);
}

/* Nothing is known of the configuration. Nobody may be there to ask once more when the volume, the processor
 * or the memory is there again: so the next reading begins when this one is gone, a few times. */
static void try_again(struct reload *reload) {
    reload->is_wanted_again = reload->is_wanted_again || ++reload->late < RELOAD_TRIES;
}

static void on_done(void *arg, const struct child_end *end) {
    struct reload *reload = arg;
    struct error err = {.text = "the process that read the configuration died"};
    timer_disarm(&reload->deadline);
    if (end->result && end->result_size == sizeof err)
        memcpy(&err, end->result, sizeof err);
    else
        try_again(reload);
    err.text[sizeof err.text - 1] = '\0';
    if (err.text[0])
        reload->failed(reload->arg, err.text);
    else
        reload->ready(reload->arg);
}

static void begin(struct reload *reload);

static void on_reaped(void *arg) {
    struct reload *reload = arg;
    reload->child = NULL;
    if (!reload->is_wanted_again)
        return;
    reload->is_wanted_again = false;
    begin(reload);
}

static void on_deadline(void *arg) {
    struct reload *reload = arg;
    try_again(reload);
    child_abandon(reload->child);
    reload->failed(reload->arg, "the configuration, or a file it names, could not be read within 5 s");
}

void reload_init(struct reload *reload, struct loop *loop, const struct config_source *source,
    void (*begun)(void *arg), void (*ready)(void *arg), void (*failed)(void *arg, const char *why),
    void *arg) {
    *reload = (struct reload){
        .loop = loop, .source = source, .begun = begun, .ready = ready, .failed = failed, .arg = arg};
    timer_init(&reload->deadline, on_deadline, reload);
}

static void begin(struct reload *reload) {
    static const struct child_callbacks CALLBACKS = {.done = on_done, .reaped = on_reaped};
    struct error err;
    reload->begun(reload->arg);
    /* The child has its own copy of the source, by the fork. */
    struct config_source source = *reload->source;
    reload->child =
        child_start(&reload->loop->children, try_load, &source, &CALLBACKS, reload, RELOAD_TIMEOUT_MS, &err);
    if (reload->child)
        timer_arm(&reload->loop->timers, &reload->deadline, RELOAD_TIMEOUT_MS);
    else
        reload->failed(reload->arg, err.text);
}

void reload_begin(struct reload *reload) {
    reload->late = 0;
    if (reload->child)
        reload->is_wanted_again = true;
    else
        begin(reload);
}

void reload_release(struct reload *reload) {
    timer_disarm(&reload->deadline);
    if (reload->child)
        child_disown(reload->child, NULL);
    reload->child = NULL;
}
