/* Sends probes and reads their answers, many at a time, by poll(2). */
#include "harness/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 512, ANSWER_MAX = 64 * 1024, REQUEST_SIZE = 512 };

struct slot {
    int fd; /* -1: free */
    bool is_connected;
    size_t path, length;
    int64_t begun_us, late_us;
    char *bytes; /* ANSWER_MAX of them; memory that no answer filled costs nothing */
};

struct probing {
    const struct probe_plan *plan;
    struct sockaddr_in address;
    struct slot slots[SLOTS];
    struct pollfd polls[SLOTS];
    char (*requests)[REQUEST_SIZE]; /* one a path */
    char *memory;
    int64_t begun, under_way;
    int64_t next_us; /* when the next one is due */
};

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* -- the end of one -- */

static size_t head_length(const struct slot *slot) {
    const char *end = memmem(slot->bytes, slot->length, "\r\n\r\n", 4);
    return end ? (size_t)(end - slot->bytes) + 4 : 0;
}

/* Whether the head has come, and as much body as it says. All our answers say it; other servers may write the
 * name in small letters. */
static bool is_whole(const struct slot *slot) {
    static const char FIELD[] = "Content-Length: ", SMALL[] = "content-length: ";
    size_t head = head_length(slot);
    const char *field = head > 0 ? memmem(slot->bytes, head, FIELD, sizeof FIELD - 1) : NULL;
    if (!field && head > 0)
        field = memmem(slot->bytes, head, SMALL, sizeof SMALL - 1);
    return field && slot->length >= head + strtoul(field + sizeof FIELD - 1, NULL, 10);
}

static int status_of(const struct slot *slot) {
    static const char VERSION[] = "HTTP/1.1 ";
    bool is_http = slot->length > sizeof VERSION + 3 && memcmp(slot->bytes, VERSION, sizeof VERSION - 1) == 0;
    return is_http ? (int)strtol(slot->bytes + sizeof VERSION - 1, NULL, 10) : 0;
}

static void finish(struct probing *probing, struct slot *slot, enum probe_end end) {
    const struct probe_plan *plan = probing->plan;
    slot->bytes[slot->length] = '\0';
    const struct probe_answer answer = {.path = slot->path,
        .end = end == PROBE_ANSWERED && status_of(slot) == 0 ? PROBE_BROKEN : end,
        .status = status_of(slot),
        .took_us = now_us() - slot->begun_us,
        .late_us = slot->late_us,
        .bytes = slot->bytes,
        .length = slot->length};
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
    probing->under_way--;
    plan->done(plan->arg, &answer);
}

/* -- the steps of one -- */

/* The request goes out as soon as there is a connection; it is small enough for any socket's buffer. */
static void send_request(struct probing *probing, struct slot *slot) {
    const char *request = probing->requests[slot->path];
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) {
        finish(probing, slot, failure == ECONNRESET ? PROBE_RESET : PROBE_REFUSED);
        return;
    }
    slot->is_connected = true;
    size_t length = strlen(request);
    if (send(slot->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
        finish(probing, slot, PROBE_RESET);
}

static void read_answer(struct probing *probing, struct slot *slot) {
    ssize_t got = recv(slot->fd, slot->bytes + slot->length, ANSWER_MAX - 1 - slot->length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    slot->length += got > 0 ? (size_t)got : 0;
    if (is_whole(slot))
        finish(probing, slot, PROBE_ANSWERED);
    else if (got < 0)
        finish(probing, slot, PROBE_RESET);
    else if (got == 0 || slot->length == ANSWER_MAX - 1)
        finish(probing, slot, PROBE_BROKEN);
}

static struct slot *free_slot(struct probing *probing) {
    for (size_t i = 0; i < SLOTS; i++)
        if (probing->slots[i].fd < 0)
            return &probing->slots[i];
    return NULL;
}

static void begin(struct probing *probing, struct slot *slot) {
    int64_t start_us = now_us();
    slot->path = (size_t)probing->begun % probing->plan->path_count;
    slot->late_us = start_us - probing->next_us;
    slot->begun_us = start_us;
    slot->length = 0;
    slot->is_connected = false;
    slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    probing->begun++;
    probing->under_way++;
    probing->next_us += probing->plan->interval_us;
    if (slot->fd < 0)
        finish(probing, slot, PROBE_REFUSED);
    else if (connect(slot->fd, (const struct sockaddr *)&probing->address, sizeof probing->address) == 0)
        send_request(probing, slot);
    else if (errno != EINPROGRESS)
        finish(probing, slot, PROBE_REFUSED);
}

/* -- all of them -- */

static bool is_more_to_begin(const struct probing *probing) {
    const struct probe_plan *plan = probing->plan;
    return plan->count > 0 ? probing->begun < plan->count : !atomic_load(plan->is_over);
}

static void begin_those_due(struct probing *probing) {
    struct slot *slot;
    while (is_more_to_begin(probing) && now_us() >= probing->next_us && (slot = free_slot(probing)) != NULL)
        begin(probing, slot);
}

static void end_those_late(struct probing *probing) {
    int64_t limit_us = now_us() - probing->plan->timeout_ms * 1000;
    for (size_t i = 0; i < SLOTS; i++)
        if (probing->slots[i].fd >= 0 && probing->slots[i].begun_us <= limit_us)
            finish(probing, &probing->slots[i], PROBE_LATE);
}

/* Sleeps until there is something to read, or the next probe is due; at most 10 ms, after which the deadlines
 * are looked at. */
static void wait_and_read(struct probing *probing) {
    int64_t wait_us = is_more_to_begin(probing) ? probing->next_us - now_us() : 10000;
    wait_us = wait_us < 0 ? 0 : wait_us > 10000 ? 10000 : wait_us;
    const struct timespec wait = {.tv_nsec = (long)(wait_us * 1000)};
    for (size_t i = 0; i < SLOTS; i++)
        probing->polls[i] = (struct pollfd){
            .fd = probing->slots[i].fd, .events = probing->slots[i].is_connected ? POLLIN : POLLOUT};
    if (ppoll(probing->polls, SLOTS, &wait, NULL) <= 0)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &probing->slots[i];
        if (slot->fd < 0 || probing->polls[i].revents == 0)
            continue;
        if (slot->is_connected)
            read_answer(probing, slot);
        else
            send_request(probing, slot);
    }
}

static bool prepare(struct probing *probing) {
    const struct probe_plan *plan = probing->plan;
    probing->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)plan->port)};
    probing->memory = malloc((size_t)SLOTS * ANSWER_MAX);
    probing->requests = calloc(plan->path_count, sizeof *probing->requests);
    if (!probing->memory || !probing->requests ||
        inet_pton(AF_INET, plan->address, &probing->address.sin_addr) != 1)
        return false;
    for (size_t i = 0; i < SLOTS; i++)
        probing->slots[i] = (struct slot){.fd = -1, .bytes = probing->memory + i * ANSWER_MAX};
    for (size_t i = 0; i < plan->path_count; i++)
        snprintf(probing->requests[i], REQUEST_SIZE,
            "GET %s HTTP/1.1\r\nHost: 10.244.1.17:%d\r\nUser-Agent: kube-probe/1.33\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n",
            plan->paths[i], plan->port);
    return true;
}

bool probes_run(const struct probe_plan *plan) {
    struct probing *probing = calloc(1, sizeof *probing);
    bool is_ready = false;
    if (probing) {
        probing->plan = plan;
        is_ready = prepare(probing);
        prctl(PR_SET_TIMERSLACK, 1); /* nanosecond: the kernel may else wake us 50 us late */
        probing->next_us = now_us();
    }
    while (is_ready && (is_more_to_begin(probing) || probing->under_way > 0)) {
        begin_those_due(probing);
        wait_and_read(probing);
        end_those_late(probing);
    }
    if (probing) {
        free(probing->memory);
        free(probing->requests);
    }
    free(probing);
    return is_ready;
}

const char *probe_end_name(enum probe_end end) {
    static const char *const NAMES[PROBE_END_COUNT] = {"answered", "late", "refused", "reset", "broken"};
    return NAMES[end];
}

/* -- durations -- */

void durations_add(struct durations *durations, int64_t us) {
    if (durations->count < durations->capacity)
        durations->us[durations->count++] = us > UINT32_MAX ? UINT32_MAX : us < 0 ? 0 : (uint32_t)us;
}

static int compare(const void *left, const void *right) {
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

int64_t durations_quantile(struct durations *durations, int per_10000) {
    if (durations->count == 0)
        return 0;
    qsort(durations->us, durations->count, sizeof *durations->us, compare);
    size_t index =
        (durations->count * (size_t)per_10000 + 9999) / 10000; /* the smallest that so many reach */
    return durations->us[index > 0 ? index - 1 : 0];
}
