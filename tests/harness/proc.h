/* What Linux tells about a running process in /proc. */
#ifndef BH_TESTS_PROC_H
#define BH_TESTS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The checker's children and workers: the responder, whoever else it has forked itself, and what its nursery
 * has; not the nursery itself. */
int proc_family(pid_t checker, pid_t *members, int max);

/* Its nursery; 0: there is none. */
pid_t proc_nursery(pid_t checker);

/* The children of pid, the oldest first; at most max. Returns their number. */
int proc_children(pid_t pid, pid_t *children, int max);

/* Whether it runs: there, and no zombie. */
bool proc_is_alive(pid_t pid);

/* The letter of its state ("proc(5)": R, S, D, T, Z, ...); '\0' when it is gone. */
char proc_state(pid_t pid);

/* Where in the kernel it sleeps ("proc(5)": wchan, the name of a function); "" or "0" where that is not told.
 */
void proc_wchan(pid_t pid, char *text, size_t size);

/* Its resident memory (VmRSS); -1 when it is gone. */
int64_t proc_resident_kib(pid_t pid);

/* The number behind that word ("NoNewPrivs") in /proc/PID/status; -1 where there is none. */
int64_t proc_status_number(pid_t pid, const char *word);

/* The hexadecimal number behind that word ("CapEff"); all bits where there is none. */
uint64_t proc_status_bits(pid_t pid, const char *word);

/* Processor time it has used so far, in its own code and the kernel. Its children that were reaped count as
 * well. */
int64_t proc_cpu_ms(pid_t pid);

/* Open descriptors; -1 where we may not look (our processes are not dumpable: only root may). */
int proc_descriptor_count(pid_t pid);

/* Whether it has that file open: 1, 0, or -1 where we may not look. */
int proc_has_open(pid_t pid, const char *file);

/* Whether a file of /proc/PID ("cmdline", "environ") holds the text: 1, 0, or -1 where we may not look. */
int proc_file_holds(pid_t pid, const char *file, const char *text);

/* Whether the readable memory of the process holds the text: 1, 0, or -1 where we may not look. */
int proc_memory_holds(pid_t pid, const char *text);

/* The TCP connections that an end at 127.0.0.1 holds from that port to that one; 0: any. */
int proc_connections(int local_port, int remote_port);

#endif
