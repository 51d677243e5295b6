/* What a process gives up for good: privileges to come, system calls, files, limits. What a system lacks is
 * left out, and the caller goes on: the responder is told what was missing; the others log a warning if the
 * system has a feature that they could not get. Linux has all of this; elsewhere only the limits hold. */
#ifndef BH_BASE_SANDBOX_H
#define BH_BASE_SANDBOX_H

#include "base/process.h"

#include <stdbool.h>

/* The exit status of a process that made a system call it had given up: the call is not made, one line says
 * which it was ("sandbox violation"), and the process ends. 128 + SIGSYS, as in a shell. */
enum { SANDBOX_EXIT_VIOLATION = 159 };

/* What holds for this process, and what could not be had. */
struct sandbox {
    bool has_filter; /* of system calls */
    int landlock;    /* its version; 0: none */
    char missing[160];
};

enum { SANDBOX_TEXT_SIZE = 64 };

/* "seccomp landlock=7", or what of it there is; "off" for nothing. */
void sandbox_describe(const struct sandbox *sandbox, char text[SANDBOX_TEXT_SIZE]);

/* Nothing that is executed from now on gains privileges, here and in all processes forked later; and root's
 * capabilities to look into other processes are given up. */
void sandbox_forbid_privileges(void);

/* The checker, and all processes that it forks: they keep files, sockets and fork, and give up what no check
 * needs: executing programs, other processes' memory, mounts, namespaces, the kernel's own affairs. */
void sandbox_enter_checker(void);

/* The responder: it keeps the descriptors it has, those that come over the link or by accept, memory that
 * cannot be executed, and the clock. Nothing may be opened, connected, started or signalled. Its address
 * space may grow by at most more_bytes. */
void sandbox_enter_responder(struct sandbox *sandbox, int64_t more_bytes, const struct process_meter *meter);

/* In a worker, on top of the checker's: nothing may be written, made, removed or executed in any file
 * system. */
void sandbox_forbid_writing(void);

/* As sandbox_forbid_writing; and no socket, neither new nor used. */
void sandbox_forbid_all_but_reading(void);

/* As the latter; and files only beneath this directory, where they may be written, made and removed as well.
 * May block where its volume hangs. */
void sandbox_confine_to(const char *directory);

/* Has a violation reported, and end the process: for a process whose signals were just reset. */
void sandbox_watch_violations(void);

#endif
