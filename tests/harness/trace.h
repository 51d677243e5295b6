/* The system calls that running processes make, as strace(1) sees them. */
#ifndef BH_TESTS_TRACE_H
#define BH_TESTS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TRACE_PIDS_MAX = 8 };

struct trace {
    pid_t strace; /* 0: it does not run */
    char path[256];
    char *text; /* as far as it was read */
};

/* Begins to watch these processes, and what they fork. Returns false, with why, where that cannot be done
 * here: there is no strace, or we may not look (only root may, for our processes are not dumpable). */
bool trace_start(struct trace *trace, const pid_t *pids, size_t count, const char **why);

/* How many calls there were so far: of that name (NULL: of any), in a line that holds the text ("": each
 * does). Descriptors are followed by what they are: "9<UNIX-STREAM:[1->2]>", "5<TCP:[127.0.0.1:1->...]>". */
int trace_count(struct trace *trace, const char *name, const char *text);

/* In how many turns there were calls of that name: a turn ends with a call of epoll_wait. */
int trace_turns(struct trace *trace, const char *name);

/* The name of the n-th call, from 0, into name; false where there are not so many. Of what trace_count has
 * read last. */
bool trace_name(const struct trace *trace, int n, char *name, size_t size);

/* Leaves them alone, and frees what was seen. */
void trace_end(struct trace *trace);

#endif
