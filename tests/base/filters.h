/* The filters that tools/filters.c made for one architecture; those of every architecture are linked into the
 * tests, wherever they run. */
#ifndef BH_TESTS_FILTERS_H
#define BH_TESTS_FILTERS_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct filter {
    const struct sock_filter *instructions;
    size_t count;
};

struct filters {
    uint32_t audit_arch;
    uint32_t own_pid; /* stands for the number of the process */
    struct filter responder, checker, no_network;
    const char *system_calls; /* their names in the order of their numbers, a NUL after each */
    size_t system_calls_size;
};

extern const struct filters FILTERS_OF_X86_64, FILTERS_OF_AARCH64;

#define FILTER(array)                                                                                        \
    { (array), sizeof(array) / sizeof(array)[0] }

/* After the generated file of an architecture. */
#define FILTERS(arch)                                                                                        \
    {                                                                                                        \
        .audit_arch = (arch), .own_pid = SANDBOX_OWN_PID, .responder = FILTER(RESPONDER),                    \
        .checker = FILTER(NEVER), .no_network = FILTER(NO_NETWORK), .system_calls = SYSTEM_CALLS,            \
        .system_calls_size = sizeof SYSTEM_CALLS - 1                                                         \
    }

#endif
