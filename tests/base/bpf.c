/* A small interpreter of the kernel's classic BPF, as far as seccomp uses it. */
#include "base/bpf.h"

#include <string.h>

/* Of each other instruction, this interpreter does not know what the kernel would do. */
static bool compare(uint16_t code, uint32_t value, uint32_t k, bool *is_true) {
    switch (code) {
    case BPF_JMP | BPF_JEQ | BPF_K: *is_true = value == k; return true;
    case BPF_JMP | BPF_JGT | BPF_K: *is_true = value > k; return true;
    case BPF_JMP | BPF_JGE | BPF_K: *is_true = value >= k; return true;
    case BPF_JMP | BPF_JSET | BPF_K: *is_true = (value & k) != 0; return true;
    default: return false;
    }
}

/* seccomp has words only, and those on their boundaries. */
static bool load(const struct seccomp_data *call, uint32_t offset, uint32_t *value) {
    if (offset % sizeof *value != 0 || offset > sizeof *call - sizeof *value)
        return false;
    memcpy(value, (const char *)call + offset, sizeof *value);
    return true;
}

/* Jumps lead forward only, so that every program ends. */
bool bpf_run(
    const struct sock_filter *program, size_t length, const struct seccomp_data *call, uint32_t *answer) {
    uint32_t value = 0;
    for (size_t at = 0; at < length; at++) {
        const struct sock_filter *now = &program[at];
        bool is_true = false;
        if (now->code == (BPF_RET | BPF_K)) {
            *answer = now->k;
            return true;
        }
        if (now->code == (BPF_ALU | BPF_AND | BPF_K))
            value &= now->k;
        else if (now->code == (BPF_JMP | BPF_JA))
            at += now->k;
        else if (now->code == (BPF_LD | BPF_W | BPF_ABS)) {
            if (!load(call, now->k, &value))
                return false;
        } else if (compare(now->code, value, now->k, &is_true))
            at += is_true ? now->jt : now->jf;
        else
            return false;
    }
    return false;
}
