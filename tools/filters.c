/* Makes the sandbox's seccomp filters, at build time: prints them as C, for src/base/sandbox.c.
 *
 *     filters x86_64 | aarch64
 *
 * So the program needs no libseccomp where it runs, and loads a filter with one system call. What is printed
 * depends on the target alone: not on the machine that this runs on, nor on its kernel. */
#include "rules.h"

#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void die(const char *what, int code) {
    fprintf(stderr, "filters: %s: %s\n", what, strerror(code < 0 ? -code : code));
    exit(EXIT_FAILURE);
}

static uint32_t arch_of(const char *name) {
    if (strcmp(name, "x86_64") == 0)
        return SCMP_ARCH_X86_64;
    return strcmp(name, "aarch64") == 0 ? SCMP_ARCH_AARCH64 : 0;
}

/* A filter that takes no other architecture's calls: a process that makes one is ended. */
static scmp_filter_ctx begin(uint32_t arch, uint32_t action) {
    scmp_filter_ctx ctx = seccomp_init(action);
    if (!ctx)
        die("seccomp_init", ENOMEM);
    int code = 0;
    if (arch != seccomp_arch_native())
        code = seccomp_arch_add(ctx, arch);
    if (code == 0 && arch != seccomp_arch_native())
        code = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
    if (code == 0)
        code = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (code < 0)
        die("the architecture", code);
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, by libseccomp 2.5 and later */
    return ctx;
}

/* The number by which libseccomp wants a call to be named: this machine's, which it translates to the
 * filter's architecture itself, and a negative one of its own for a call that this machine lacks. -1: what
 * the filter's architecture does not have (a name of x86_64 on aarch64) needs no rule. A name that libseccomp
 * has never heard of is a mistake of ours, and would be a hole where it stands in a list of what is denied.
 */
static int resolve(uint32_t arch, const char *name) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        die(name, ENOSYS);
    return seccomp_syscall_resolve_name_arch(arch, name) >= 0 ? number : -1;
}

static void add(scmp_filter_ctx ctx, uint32_t arch, uint32_t action, const struct rule *rule) {
    struct scmp_arg_cmp arguments[COUNT(rule->conditions)];
    int number = resolve(arch, rule->name);
    unsigned count = 0;
    for (; count < COUNT(arguments) && rule->conditions[count].mask != 0; count++) {
        const struct condition *condition = &rule->conditions[count];
        arguments[count] =
            SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask, condition->value);
    }
    if (number == -1)
        return;
    int code = seccomp_rule_add_array(ctx, action, number, count, arguments);
    if (code < 0)
        die(rule->name, code);
}

/* Prints the program of the filter, by way of a file: libseccomp writes to descriptors only. */
static void print(scmp_filter_ctx ctx, const char *name) {
    struct {
        uint16_t code;
        uint8_t if_true, if_false;
        uint32_t k;
    } instruction;
    FILE *file = tmpfile();
    if (!file)
        die("a temporary file", errno);
    int code = seccomp_export_bpf(ctx, fileno(file));
    if (code < 0)
        die("seccomp_export_bpf", code);
    rewind(file);
    printf("static const struct sock_filter %s[] = {\n", name);
    while (fread(&instruction, sizeof instruction, 1, file) == 1)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", instruction.code, instruction.if_true, instruction.if_false,
            instruction.k);
    printf("};\n\n");
    fclose(file);
    seccomp_release(ctx);
}

static void print_allowing(uint32_t arch, const char *name, const struct rule *rules, size_t count) {
    scmp_filter_ctx ctx = begin(arch, SCMP_ACT_TRAP);
    for (size_t i = 0; i < count; i++)
        add(ctx, arch, rules[i].refusal ? SCMP_ACT_ERRNO(rules[i].refusal) : SCMP_ACT_ALLOW, &rules[i]);
    print(ctx, name);
}

static scmp_filter_ctx deny(uint32_t arch, const char *const *names, size_t count) {
    scmp_filter_ctx ctx = begin(arch, SCMP_ACT_ALLOW);
    for (size_t i = 0; i < count; i++)
        add(ctx, arch, SCMP_ACT_TRAP, &(struct rule){.name = names[i]});
    return ctx;
}

static void print_checkers(uint32_t arch) {
    scmp_filter_ctx ctx = deny(arch, NEVER, COUNT(NEVER));
    for (size_t i = 0; i < COUNT(NO_NAMESPACES); i++) {
        const struct rule *rule = &NO_NAMESPACES[i];
        add(ctx, arch, rule->refusal ? SCMP_ACT_ERRNO(rule->refusal) : SCMP_ACT_TRAP, rule);
    }
    print(ctx, "NEVER");
}

/* The names of all system calls in the order of their numbers, one string each, "" for a number without one:
 * a table of pointers would have to be relocated, in memory of each process's own. */
static void print_names(uint32_t arch) {
    enum { NUMBERS = 600 };
    int last = 0;
    char *names[NUMBERS];
    for (int number = 0; number < NUMBERS; number++) {
        names[number] = seccomp_syscall_resolve_num_arch(arch, number);
        last = names[number] ? number : last;
    }
    printf("static const char SYSTEM_CALLS[] =");
    for (int number = 0; number <= last; number++)
        printf("%s\"%s\\0\"", number % 4 == 0 ? "\n    " : " ", names[number] ? names[number] : "");
    printf(";\n");
    for (int number = 0; number < NUMBERS; number++)
        free(names[number]);
}

int main(int argc, char **argv) {
    uint32_t arch = argc == 2 ? arch_of(argv[1]) : 0;
    if (arch == 0) {
        fprintf(stderr, "usage: filters x86_64 | aarch64\n");
        return EXIT_FAILURE;
    }
    /* What libseccomp may take for granted: it would ask this machine's kernel otherwise, which may be an
     * emulator that has no seccomp. 3: Linux 4.14, whose SECCOMP_RET_KILL_PROCESS is all that is wanted. */
    int code = seccomp_api_set(3);
    if (code < 0)
        die("seccomp_api_set", code);
    printf("/* Made by tools/filters.c: edit that. */\n");
    printf("#define SANDBOX_OWN_PID 0x%08xu\n\n", OWN_PID);
    print_allowing(arch, "RESPONDER", RESPONDER, COUNT(RESPONDER));
    print_checkers(arch);
    print(deny(arch, NO_NETWORK, COUNT(NO_NETWORK)), "NO_NETWORK");
    print_names(arch);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
