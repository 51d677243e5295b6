/* What a process may do to itself. Where a system lacks a feature, the call does nothing. */
#ifndef BH_BASE_PROCESS_H
#define BH_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Ends this process when its parent ends (Linux). Returns false if the parent has ended already: parent_pid
 * is what getpid() said there before the fork. */
bool process_die_with_parent(int parent_pid);

/* No core file and no ptrace from processes of the same user: this process holds secrets, or reads the
 * network's bytes. */
void process_forbid_core(void);

/* Bounds the memory this process may write to: an allocation beyond it fails. Not under the sanitizers, which
 * need more. */
void process_limit_memory(unsigned long bytes);

/* Bounds the processor time of this process, in seconds: beyond it SIGXCPU ends it. */
void process_limit_processor(unsigned long seconds);

/* Signals as this program wants them at its start, whatever its parent has left: none blocked, SIGCHLD heard;
 * a reader that has gone and a file-size limit (of the log) are errors of a write, and no end. */
void process_settle_signals(void);

/* Overwrites the environment where it stands in memory and empties it: it holds passwords. */
void process_wipe_environment(void);

/* Opens /dev/null in the place of standard descriptors that are closed: else a socket would take the number,
 * and the log would be written into it. */
void process_open_standard_descriptors(void);

/* Closes every descriptor from first up, except those in keep (count of them). */
void process_close_from(int first, const int *keep, int count);

/* What this process uses. */
struct process_usage {
    int64_t cpu_ms;          /* processor time since its start, in its own code and the kernel */
    int64_t children_cpu_ms; /* of its children that have ended and were reaped */
    int64_t resident_bytes;  /* -1: the system does not tell */
    int open_descriptors;    /* -1: likewise */
};

void process_usage(struct process_usage *usage);

/* The user name of this process in ps and top (Linux; at most 15 characters count). */
void process_set_name(const char *name);

/* From here on memory that is freed goes back to the system soon, at a few page faults for each set of pages:
 * that is made once a second at most. */
void process_save_memory(void);

/* Gives back what only the start needed: the pages of program and libraries, which come again from the page
 * cache when they are touched, and free memory. A process that idles then holds what it uses. */
void process_forget_start(void);

#endif
