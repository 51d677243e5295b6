/* What the endurance test is made of: the scene (a daemon, and all that it checks), the faults that can be
 * made in it, and the model, which knows from the faults in force what must be true. */
#ifndef BH_TESTS_ENDURANCE_H
#define BH_TESTS_ENDURANCE_H

#include "base/str.h"
#include "e2e/world.h"
#include "harness/dice.h"
#include "harness/hungfs.h"
#include "harness/peer.h"
#include "harness/postgres.h"
#include "harness/processor.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* Of the daemon that is tested. */
enum {
    INTERVAL_MS = 2000,
    TIMEOUT_MS = 1500,
    RETRY_MS = 1000,
    RETRY_MAX_MS = RETRY_MS * 7 / 5, /* "1 to 1.4 seconds after each run": docs/checks.md */
    ASK_MS = 2 * INTERVAL_MS,
    FALL = 3,
};

/* -- the scene -- */

/* Each target has at most one fault at a time; those of different targets overlap as they like. */
enum target_id {
    TARGET_POSTGRES,
    TARGET_MARIADB,
    TARGET_FILE,
    TARGET_QUEUE,
    TARGET_SETTINGS,
    TARGET_SPOOL,
    TARGET_VOLUME,
    TARGET_APP,
    TARGET_MAINTENANCE,
    TARGET_CONFIG,
    TARGET_CHILD,
    TARGET_SIDECAR, /* all of it: two faults of this kind would undo each other */
    TARGET_COUNT,
};

/* The name of its check on the page; NULL: it has none of its own. */
const char *target_check(enum target_id target);

/* Where its check is not there, and none of its faults can be made. */
struct scene;
bool target_is_absent(const struct scene *scene, enum target_id target);

struct scene {
    struct world *world;
    struct postgres_server *server;
    struct mariadb_server *mariadb;
    const char *no_mariadb; /* why there is none; or NULL */
    void *global_lock;      /* the session that holds it */
    struct bugsink *app;    /* NULL: it does not run */
    struct peer other;      /* in its place; pid 0: none */
    int app_port;
    struct hungfs fs;
    struct processor_limit limit;
    const char *confined; /* why there are no namespaces, and so no hung volume and no full disk; or NULL */
    char *dsn, *mariadb_dsn, *maintenance;
    char *file, *file_aside, *settings_aside, *spool, *spool_filler, *queue_aside;
    sqlite3 *lock;
    struct dice dice, app_dice; /* of what a fault does, beyond which one it is */
    bool is_checker_stopped, is_limited;
    int64_t children_killed, reloads, reloaded_at_ms;
    int foreign_requests, most_questions; /* what Bugsink was asked beyond its questions, and at one time */
};

/* What no output may hold; NULL-terminated. */
extern const char *const SCENE_SECRETS[];

/* Starts everything, and waits until all is well. Ends the test on failure. */
void scene_start(struct scene *scene, uint64_t seed);
void scene_end(struct scene *scene);

/* Writes the configuration: the same checks in each variant, and besides, in some, one more. */
void scene_write_config(struct scene *scene, int variant);

/* Sends SIGHUP. */
void scene_reload(struct scene *scene);

/* -- the faults -- */

enum effect {
    EFFECT_NONE,     /* all stays as it is */
    EFFECT_PASSES,   /* anything may show while it lasts, and for a while afterwards */
    EFFECT_ERROR,    /* of the target's check: must show */
    EFFECT_DEGRADED, /* likewise */
    EFFECT_PREDICTS, /* likewise: degraded while Bugsink is seen to work, else an error */
};

/* How soon all is well after its end: "Recovery" in docs/checks.md. */
enum recovery {
    RECOVERS_FAST,     /* the failing check is looked at again after the retry interval */
    RECOVERS_INTERVAL, /* degraded: with the next run */
    RECOVERS_LOGIN,    /* a login that the fault has broken off is made again after a long pause */
    RECOVERS_WAITING,  /* a login waits, and goes on; one that was ended is one that was broken off */
    RECOVERS_REFUSED,  /* each attempt doubles the pause */
};

struct fault {
    const char *name;
    enum target_id target;
    enum effect effect;
    const char *codes; /* that may show meanwhile, with a blank before and behind each */
    int64_t more_ms;   /* added to the time within which it must show */
    enum recovery recovery;
    bool needs_namespace;
    void (*begin)(struct scene *scene);
    void (*during)(struct scene *scene); /* again and again; may be NULL */
    void (*end)(struct scene *scene);    /* returns when the cause is gone */
};

extern const struct fault FAULTS[];
extern const size_t FAULT_COUNT;

/* Whether it can be made here. */
bool fault_is_possible(const struct fault *fault, const struct scene *scene);

/* The one that follows it at once, whatever else would; NULL: none. */
const struct fault *fault_after(const struct fault *fault);

/* -- the model -- */

enum { MODEL_VIOLATIONS_MAX = 20 };

/* What is known of one kind of fault. */
struct fault_count {
    int64_t begun, shown;
    int64_t slowest_show_ms, slowest_recovery_ms, recovery_bound_ms;
};

/* Where a target stands. */
struct standing {
    const struct fault *fault; /* NULL: none */
    const struct fault *last;  /* the one before */
    bool is_settled;           /* what must be true has been seen, and must stay so until the next change */
    bool has_shown;            /* the fault has been seen */
    bool is_live_settled;      /* of the app: the same of liveness */
    bool has_broken_login;     /* since it was last well: the next attempt may take its time */
    int64_t began_ms;          /* when the fault began */
    int64_t changed_ms;        /* when the fault began or ended, or a check of it begins anew */
    int64_t due_ms;            /* until when what must be true must be seen */
    int64_t proves_ms;         /* what is seen before then proves nothing */
    int64_t live_due_ms;
    int64_t bound_ms;
};

struct model {
    const struct scene *scene;
    struct standing standings[TARGET_COUNT];
    int64_t started_ms;
    struct fault_count *counts; /* one for each of FAULTS */
    int64_t stopped_ms;         /* since when the checker is stopped */
    int64_t resumed_ms;         /* since when it is not */
    int64_t limited_until_ms;   /* what has begun under a processor limit may still be late */
    int64_t withheld_until_ms;  /* no question may have been asked since its file was missing */
    int64_t working_unknown_ms; /* until when it cannot be known whether Bugsink is seen to work */
    int64_t crashes_allowed;    /* of checks whose child was killed */
    int64_t crashes_until_ms;
    int64_t starved_until_ms; /* this machine does not run us: what is seen meanwhile proves little */
    int64_t held_up_ms;       /* when the sidecar last may have been */
    int64_t observations, starvations;
    int64_t was_starved_at; /* the observation that followed */
    struct strbuf violations;
    int violation_count;
    bool is_tracing; /* $BH_ENDURANCE_TRACE: each fault's begin, end and showing is told */
};

void model_init(struct model *model, const struct scene *scene);
void model_release(struct model *model);

/* The fault has begun; will_show: it will last until it must show. */
void model_begin(struct model *model, const struct fault *fault, bool will_show);

/* The fault of the target has ended. */
void model_end(struct model *model, enum target_id target);

/* Within which time a fault that lasts must show. */
int64_t model_show_bound_ms(const struct fault *fault);

/* We, or a process as modest as a worker, have been run so much later than asked for; passed_ms: the length
 * of this turn. */
void model_starve(struct model *model, int64_t late_ms, int64_t passed_ms);

/* Looks at the pages and judges them. */
void model_observe(struct model *model);

/* Tells what has happened to a target, where that is wanted. */
void model_trace(const struct model *model, enum target_id target, const char *what);

/* Notes what must not be; the first MODEL_VIOLATIONS_MAX are kept. */
void model_violation(struct model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
