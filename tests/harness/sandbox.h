/* What the program's sandbox can be here, for the tests of it. */
#ifndef BH_TESTS_SANDBOX_H
#define BH_TESTS_SANDBOX_H

#include <stddef.h>

/* Why this build has no filter of system calls; NULL: it has one. */
static inline const char *sandbox_lack(void) {
#ifdef __SANITIZE_ADDRESS__
    return "no seccomp filter under the sanitizers";
#elif (defined __x86_64__ || defined __aarch64__) && !defined __ILP32__ && !defined __AARCH64EB__
    return NULL;
#else
    return "no seccomp filter is made for this architecture";
#endif
}

#endif
