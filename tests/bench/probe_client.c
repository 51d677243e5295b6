/* A program that sends probes as the kubelet does and prints, in one line, what became of them. */
#include "harness/probes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_MAX = 600, PATHS_MAX = 64 };

struct tally {
    int64_t ends[PROBE_END_COUNT];
    int64_t statuses[STATUS_MAX];
    struct durations took, late; /* took: of those that were answered */
};

static void note(void *arg, const struct probe_answer *answer) {
    struct tally *tally = arg;
    tally->ends[answer->end]++;
    if (answer->end == PROBE_ANSWERED)
        durations_add(&tally->took, answer->took_us);
    if (answer->status > 0 && answer->status < STATUS_MAX)
        tally->statuses[answer->status]++;
    durations_add(&tally->late, answer->late_us);
}

static void print(const char *name, struct durations *durations) {
    printf(" %s_p50_us=%" PRId64 " %s_p99_us=%" PRId64 " %s_max_us=%" PRId64, name,
        durations_quantile(durations, 5000), name, durations_quantile(durations, 9900), name,
        durations_quantile(durations, 10000));
}

/* One line of NAME=VALUE: statuses as "200:1000,503:3"; took of the probes that were answered; late of all,
 * which is how far behind its own schedule this program was. */
static void report(struct tally *tally, int64_t sent) {
    const char *comma = "";
    printf("sent=%" PRId64, sent);
    for (int end = 0; end < PROBE_END_COUNT; end++)
        printf(" %s=%" PRId64, probe_end_name((enum probe_end)end), tally->ends[end]);
    printf(" statuses=");
    for (int status = 0; status < STATUS_MAX; status++)
        if (tally->statuses[status] > 0) {
            printf("%s%d:%" PRId64, comma, status, tally->statuses[status]);
            comma = ",";
        }
    print("took", &tally->took);
    print("behind", &tally->late);
    printf("\n");
}

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: probe-client [-n COUNT] [-d SECONDS] [-t TIMEOUT_MS] ADDRESS:PORT PATH...\n"
                    "COUNT probes (1000) of the paths in turn, evenly in SECONDS (20), each of which has\n"
                    "TIMEOUT_MS (1000) for its answer. Exit status: 0 when all were answered, else 1.\n");
    exit(2);
}

static int64_t read_number(const char *text) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || number < 1 || number > 10000000)
        usage();
    return number;
}

static bool is_allocated(struct tally *tally, int64_t count) {
    struct durations *const all[] = {&tally->took, &tally->late};
    for (size_t i = 0; i < 2; i++)
        *all[i] =
            (struct durations){.us = calloc((size_t)count, sizeof(uint32_t)), .capacity = (size_t)count};
    return tally->took.us && tally->late.us;
}

int main(int argc, char **argv) {
    static struct tally tally;
    struct probe_plan plan = {.count = 1000, .timeout_ms = 1000, .done = note, .arg = &tally};
    int64_t seconds = 20;
    for (int option; (option = getopt(argc, argv, "n:d:t:")) != -1;)
        if (option == 'n')
            plan.count = read_number(optarg);
        else if (option == 'd')
            seconds = read_number(optarg);
        else if (option == 't')
            plan.timeout_ms = read_number(optarg);
        else
            usage();
    char *colon = optind < argc ? strrchr(argv[optind], ':') : NULL;
    if (!colon || argc - optind < 2)
        usage();
    *colon = '\0';
    plan.address = argv[optind];
    plan.port = (int)read_number(colon + 1);
    plan.paths = (const char *const *)(argv + optind + 1);
    plan.path_count = (size_t)(argc - optind - 1);
    plan.interval_us = seconds * 1000000 / plan.count;
    if (!is_allocated(&tally, plan.count) || !probes_run(&plan)) {
        fprintf(stderr, "probe-client: out of memory, or no numeric address\n");
        return 2;
    }
    report(&tally, plan.count);
    return tally.ends[PROBE_ANSWERED] == plan.count ? 0 : 1;
}
