/* What the preloaded library of faults and the tests share: one page of memory, mapped from the file that
 * BH_FAULTS names when the program starts, before it forks, wipes its environment or shuts itself in. */
#ifndef BH_TESTS_SHIM_FAULTS_H
#define BH_TESTS_SHIM_FAULTS_H

/* Whose calls are meant; any of them. The first process that the program forks is its responder. */
enum fault_role { FAULT_CHECKER = 1, FAULT_RESPONDER = 2, FAULT_CHILD = 4 };

enum fault_call {
    FAULT_EPOLL_WAIT,
    FAULT_EPOLL_CTL,
    FAULT_EPOLL_CREATE,
    FAULT_ACCEPT,
    FAULT_READ,
    FAULT_RECV,
    FAULT_RECVMSG,
    FAULT_WRITE,
    FAULT_SEND,
    FAULT_SENDMSG,
    FAULT_SETSOCKOPT,
    FAULT_FCNTL,
    FAULT_CLOSE,
    FAULT_SHUTDOWN,
    FAULT_POLL,
    FAULT_GETRUSAGE,
    FAULT_MALLOC, /* malloc, calloc, realloc and what the C library makes of them; the error is ENOMEM */
    FAULT_CALL_COUNT,
};

/* One call fails. */
struct fault {
    volatile int call;
    volatile int error; /* an errno; 0: no call fails */
    volatile int nth;   /* which of the calls since `count` was 0 */
    volatile int count; /* of such calls */
    volatile int hits;  /* that have failed */
};

enum { FAULTS_MAX = 2 };

/* All zero: nothing fails. Written by the test; `count` and `hits` by the program. */
struct fault_control {
    volatile int roles;
    struct fault faults[FAULTS_MAX];
    volatile int hits; /* calls that were cut or interrupted */
    volatile int cut;  /* reads and writes, but of the log, take at most so many bytes, by chance; 0: all */
    volatile int
        storm; /* one of so many calls that a signal may interrupt is interrupted, by chance; 0: none */
};

#endif
