/* The nursery: a small process, forked before an option is read, which forks workers when it is asked to,
 * reaps them and says how they ended. A worker that it forks holds no page and no credential of the
 * checker's.
 *
 * Crash-only: when the checker goes, the nursery ends its workers and itself; when the nursery goes, its
 * workers go with it, and the checker hears of it and ends, too. */
#ifndef BH_RUN_NURSERY_H
#define BH_RUN_NURSERY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where its workers note their phases (src/run/phase_board.h). */
struct phase_board {
    char *pages; /* NULL: there are none */
    uint64_t taken;
};

/* The checker's side. {.fd = -1}: there is none. */
struct nursery {
    struct phase_board board;
    int fd;
    pid_t pid;
    uint64_t last_id;
};

/* What the nursery says of a worker. */
enum nursery_news_type { NURSERY_FORKED, NURSERY_NOT_FORKED, NURSERY_ENDED };

struct nursery_news {
    uint32_t type;
    int32_t number; /* its process; an errno; its status as of waitpid */
    uint64_t id;
    int64_t cpu_us; /* of one that has ended */
};

/* Forks it. To be called before anything is read that a worker must not know. */
int nursery_start(struct nursery *nursery, bool is_sandboxed, struct error *err);

/* Hangs up, and makes sure that it ends, with all its workers. */
void nursery_stop(struct nursery *nursery);

/* Has a worker forked, which serves fd (it stays the caller's) and notes its phases on that page of the
 * board. Returns its id, of which news will come; 0 with an error: none is. Waits 0.1 s at most. */
uint64_t nursery_fork(struct nursery *nursery, int fd, int page, struct error *err);

/* Has it sent a signal, unless it has ended. */
void nursery_signal(struct nursery *nursery, uint64_t id, int number);

/* The next news that is there. Returns 1, 0 where there is none, -1 where the nursery is gone. */
int nursery_read(struct nursery *nursery, struct nursery_news *news);

#endif
