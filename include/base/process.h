/* What a process may do to itself. Where a system lacks a feature, the call does nothing. */
#ifndef BH_BASE_PROCESS_H
#define BH_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends this process when its parent ends (Linux). Returns false if the parent has ended already: parent_pid
 * is what getpid() said there before the fork. */
bool process_die_with_parent(int parent_pid);

/* No core file and no ptrace from processes of the same user: this process holds secrets, or reads the
 * network's bytes. */
void process_forbid_core(void);

/* Leaves what is on the heap and the stack now (the environment is there) out of any core file that the
 * kernel or a debugger writes all the same. Call it again after secrets were read (Linux).
 */
void process_keep_out_of_cores(void);

/* Keeps the pages that hold these bytes in memory, out of swap space, as far as RLIMIT_MEMLOCK allows, and
 * out of core files. Both last until the process ends. The lock is not a child's. */
void process_guard(const void *bytes, size_t size);

/* Bounds the memory this process may write to: an allocation beyond it fails. Not under the sanitizers, which
 * need more. */
void process_limit_memory(unsigned long bytes);

/* Bounds the processor time of this process, in seconds: beyond it SIGXCPU ends it. */
void process_limit_processor(unsigned long seconds);

/* The same, but it may be raised again. Counted from the process's start, as process_cpu_us is. */
void process_limit_processor_softly(unsigned long seconds);

/* Processor time of this process since its start, in microseconds. */
int64_t process_cpu_us(void);

/* Limits this process to `most` descriptors, numbered below `most`; the limit is never raised. Returns the
 * limit in force. */
int process_limit_descriptors(int most);

/* Raises the number of descriptors this process may open to what it wants, as far as it may; it is never
 * lowered. */
void process_want_descriptors(unsigned long wanted);

/* Sets signals as this program wants them, whatever its parent left: none blocked, SIGCHLD delivered. A
 * reader that has gone or a file-size limit (of the log) makes a write fail and does not end the process. */
void process_settle_signals(void);

/* Hold SIGTERM, SIGINT and SIGHUP back from now on; and deliver them again, those that came meanwhile at
 * once. */
void process_hold_signals(void);
void process_release_signals(void);

/* Ignores these three, pending ones included: another process handles them. All others are as at the start.
 */
void process_ignore_signals(void);

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

/* What a process needs to measure itself once it may open nothing. */
struct process_meter {
    int statm_fd;    /* proc(5)'s statm; -1: the system has none */
    int descriptors; /* numbers below this are counted */
};

/* Opens it. descriptors: what process_limit_descriptors has returned. */
void process_meter_open(struct process_meter *meter, int descriptors);

void process_meter_close(struct process_meter *meter);

/* Memory in use; -1 where the system does not tell. */
int64_t process_resident_bytes(const struct process_meter *meter);

/* meter NULL: whatever is needed is opened, and closed again. */
void process_usage(struct process_usage *usage, const struct process_meter *meter);

/* Ends this process because memory is out: one line in the log, and status 1. For start-up and configuration,
 * where that is the right answer. */
_Noreturn void process_out_of_memory(void);

/* Gives way to the program's other processes where all of them want the processor: a check can wait, a probe
 * cannot. */
void process_yield(void);

/* The name of this process in ps and top (Linux; at most 15 characters count). */
void process_set_name(const char *name);

/* From here on freed memory goes back to the system soon. It costs a few page faults for each set of pages,
 * which is made once a second at most. */
void process_save_memory(void);

/* The opposite, for a process that does the same again and again: what one run has freed the next one finds.
 */
void process_reuse_memory(void);

/* Gives back what only the start needed: free memory, and the pages of program and libraries, which come back
 * from the page cache when they are touched. An idle process then holds only what it uses. */
void process_forget_start(void);

#endif
