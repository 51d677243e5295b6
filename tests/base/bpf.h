/* A small interpreter of the kernel's classic BPF, as far as seccomp uses it: what a filter would answer. */
#ifndef BH_TESTS_BPF_H
#define BH_TESTS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Leaves the filter's answer (SECCOMP_RET_...) to a system call in *answer. Returns false for a program that
 * the kernel would not take: an instruction that seccomp lacks, or one that leads out of the program. */
bool bpf_run(
    const struct sock_filter *program, size_t length, const struct seccomp_data *call, uint32_t *answer);

#endif
