/* The link: any bytes and descriptors for the responder's end, any bytes for the checker's, pages as a
 * payload; and both ends together, where what comes out is what went in.
 * Sources: src/link/frame.c src/link/receiver.c src/link/sender.c */
#include "base/io.h"
#include "fuzz/fuzz.h"
#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { TURNS_MAX = 64 };

/* Both ends on one loop, or one of them, and what came out. */
struct bench {
    struct event_base *base;
    int fds[2]; /* the checker's, the responder's */
    struct link_sender *sender;
    struct link_receiver *receiver;
    int logs, listeners, sets, leases, pings, stops, failures; /* of the receiver */
    int listenings, pongs, sender_failures;
    int64_t until_ms;
    char *last_set; /* the pages of the last set, written down */
};

/* -- what came out -- */

/* Everything in a set, so that two can be compared, and every byte of it is read. */
static char *write_down(const struct page_set *set) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fuzz_assert(out);
    fprintf(out, "%lld %zu\n", (long long)set->made_at_ms, set->count);
    for (size_t i = 0; i < set->count; i++) {
        const struct page *page = &set->pages[i];
        fuzz_assert(page->path[0] == '/' && strlen(page->path) <= PAGE_PATH_MAX && page->path[1]);
        fuzz_assert(strlen(page->type) <= PAGE_TYPE_MAX && page->body[page->body_length] == '\0');
        fuzz_assert(page->status == 200 || page->status == 503);
        fprintf(out, "%s %d %d %s %zu ", page->path, page->status, (int)page->trust, page->type,
            page->body_length);
        fwrite(page->body, 1, page->body_length, out);
    }
    fclose(out);
    return text;
}

static void on_log(void *arg, enum log_level level, enum log_format format) {
    struct bench *bench = arg;
    fuzz_assert(level <= LOG_ERROR && format <= LOG_JSON);
    bench->logs++;
}

static void on_listener(void *arg, int fd) {
    struct bench *bench = arg;
    fuzz_assert(close(fd) == 0);
    bench->listeners++;
}

static void on_pages(void *arg, struct page_set set, unsigned char *payload, int64_t until_ms) {
    struct bench *bench = arg;
    fuzz_assert(until_ms >= 0 && set.made_at_ms >= 0 && set.count <= PAGE_COUNT_MAX);
    free(bench->last_set);
    bench->last_set = write_down(&set);
    bench->until_ms = until_ms;
    bench->sets++;
    free(set.pages);
    free(payload);
}

static void on_lease(void *arg, int64_t until_ms) {
    struct bench *bench = arg;
    fuzz_assert(until_ms >= 0);
    bench->until_ms = until_ms;
    bench->leases++;
}

static void on_ping(void *arg) {
    ((struct bench *)arg)->pings++;
}

static void on_stop(void *arg) {
    ((struct bench *)arg)->stops++;
}

static void on_failed(void *arg, const char *why) {
    (void)why;
    ((struct bench *)arg)->failures++;
}

static void on_sender_failed(void *arg) {
    ((struct bench *)arg)->sender_failures++;
}

static void on_listening(void *arg) {
    ((struct bench *)arg)->listenings++;
}

static void on_pong(void *arg) {
    ((struct bench *)arg)->pongs++;
}

static const struct link_events EVENTS = {
    on_log, on_listener, on_pages, on_lease, on_ping, on_stop, on_failed};

/* -- life -- */

static void bench_init(struct bench *bench, bool has_sender, bool has_receiver) {
    static struct event_base *base; /* costs more to make than all else */
    *bench = (struct bench){.base = NULL};
    base = base ? base : event_base_new();
    bench->base = base;
    fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, bench->fds) == 0);
    if (has_sender) {
        bench->sender = link_sender_new(base, bench->fds[0], on_sender_failed, bench);
        fuzz_assert(bench->sender);
        link_sender_on_listening(bench->sender, on_listening);
        link_sender_on_pong(bench->sender, on_pong);
    }
    if (has_receiver) {
        bench->receiver = link_receiver_new(base, bench->fds[1], &EVENTS, bench);
        fuzz_assert(bench->receiver);
    }
}

static void bench_release(struct bench *bench) {
    fuzz_assert(bench->failures <= 1 && bench->sender_failures <= 1 && bench->failures + bench->stops <= 1);
    fuzz_assert(bench->listenings <= 1 && bench->listeners <= FUZZ_CUTS_MAX + 1);
    link_sender_free(bench->sender);
    link_receiver_free(bench->receiver);
    close(bench->fds[0]);
    if (bench->fds[1] >= 0)
        close(bench->fds[1]);
    free(bench->last_set);
}

static void turn(struct bench *bench) {
    event_base_loop(bench->base, EVLOOP_NONBLOCK);
}

/* -- bytes for the responder's end -- */

/* Sends a piece, with so many descriptors beside its first byte. */
static void send_piece(int fd, const uint8_t *data, size_t size, unsigned fd_count) {
    enum { MOST = 5 };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MOST * sizeof(int))] = {0};
    int fds[MOST] = {fd, fd, fd, fd, fd};
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
    }
    if (size > 0)
        fuzz_assert(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)size);
}

/* Bits of the first byte: of which pieces come descriptors. */
static void feed_receiver(struct fuzz_input input) {
    unsigned with_fds = fuzz_take(&input), fd_count = 1 + fuzz_take_below(&input, 8) / 4;
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct bench bench;
    bench_init(&bench, false, true);
    size_t start = 0;
    for (size_t i = 0; i < cuts.count && bench.failures + bench.stops == 0; i++) {
        bool has_fds = i < 8 && with_fds & 1u << i;
        send_piece(bench.fds[0], input.at + start, cuts.ends[i] - start, has_fds ? fd_count : 0);
        turn(&bench);
        start = cuts.ends[i];
    }
    if (bench.failures + bench.stops == 0) {
        shutdown(bench.fds[0], SHUT_WR);
        turn(&bench);
        fuzz_assert(bench.failures == 1);
    }
    bench_release(&bench);
}

/* -- bytes for the checker's end -- */

static void feed_sender(struct fuzz_input input) {
    unsigned pings = fuzz_take(&input);
    struct fuzz_cuts cuts = fuzz_take_cuts(&input);
    struct bench bench;
    char drain[256];
    bench_init(&bench, true, false);
    size_t start = 0;
    int asked = 0;
    for (size_t i = 0; i < cuts.count && bench.sender_failures == 0; i++) {
        if (i < 8 && pings & 1u << i) {
            fuzz_assert(link_send_ping(bench.sender) == 0);
            turn(&bench);
            while (read(bench.fds[1], drain, sizeof drain) > 0)
                asked++;
        }
        send_piece(bench.fds[1], input.at + start, cuts.ends[i] - start, 0);
        for (size_t left = cuts.ends[i] - start + FRAME_HEADER_SIZE; left > 0 && bench.sender_failures == 0;
             left -= left < FRAME_HEADER_SIZE ? left : FRAME_HEADER_SIZE)
            turn(&bench);
        start = cuts.ends[i];
    }
    fuzz_assert(bench.pongs <= asked); /* an answer to no question is a failure */
    if (bench.sender_failures > 0) {
        struct page_set set = {0};
        fuzz_assert(link_send_ping(bench.sender) < 0 && link_send_stop(bench.sender) < 0);
        fuzz_assert(link_send_lease(bench.sender, 1) < 0 && link_send_pages(bench.sender, &set, 1) < 0);
        fuzz_assert(link_send_log(bench.sender, LOG_INFO, LOG_TEXT) < 0);
        fuzz_assert(link_send_listener(bench.sender, 0) < 0);
    }
    bench_release(&bench);
}

/* -- a payload -- */

static void decode(struct fuzz_input input) {
    unsigned char *payload = fuzz_copy(input.at, input.left);
    struct page_set set, back;
    int64_t until_ms, back_until_ms;
    size_t length;
    if (pages_decode(payload, input.left, &set, &until_ms) == 0) {
        char *text = write_down(&set), *back_text;
        unsigned char *encoded = pages_encode(&set, until_ms, &length);
        fuzz_assert(encoded && length == input.left);
        fuzz_assert(pages_decode(encoded, length, &back, &back_until_ms) == 0 && back_until_ms == until_ms);
        back_text = write_down(&back);
        fuzz_assert(strcmp(text, back_text) == 0);
        pages_set_lease(encoded, 7);
        free(back.pages);
        fuzz_assert(pages_decode(encoded, length, &back, &back_until_ms) == 0 && back_until_ms == 7);
        free(text);
        free(back_text);
        free(encoded);
        free(back.pages);
        free(set.pages);
    } else {
        fuzz_assert(!set.pages && set.count == 0);
    }
    free(payload);
}

/* -- both ends -- */

enum { PAGES_MAX = 4 };

struct model {
    struct page pages[PAGES_MAX];
    char *texts[3 * PAGES_MAX];
    size_t text_count;
    struct page_set set;
};

static const char *take_text(struct model *model, struct fuzz_input *input) {
    return model->texts[model->text_count++] = fuzz_take_text(input, 200);
}

static void take_set(struct model *model, struct fuzz_input *input) {
    *model = (struct model){.set = {.made_at_ms = fuzz_take(input)}};
    model->set.pages = model->pages;
    model->set.count = fuzz_take_below(input, PAGES_MAX + 1);
    for (size_t i = 0; i < model->set.count; i++) {
        unsigned kind = fuzz_take(input);
        struct page *page = &model->pages[i];
        page->status = kind & 1 ? 200 : kind & 64 ? 204 : 503;
        page->trust = (enum page_trust)(kind / 2 % 4);
        page->path = take_text(model, input);
        page->type = take_text(model, input);
        page->body = take_text(model, input);
        page->body_length = strlen(page->body);
    }
}

static void model_release(struct model *model) {
    for (size_t i = 0; i < model->text_count; i++)
        free(model->texts[i]);
}

/* A set is refused by one end or the other, or arrives. */
static void send_set(struct bench *bench, struct fuzz_input *input) {
    struct model model;
    struct page_set back;
    int64_t until_ms = fuzz_take(input) - 1, ignored_ms;
    size_t length;
    take_set(&model, input);
    unsigned char *payload = pages_encode(&model.set, until_ms, &length);
    fuzz_assert((link_send_pages(bench->sender, &model.set, until_ms) == 0) == (payload != NULL));
    if (payload) {
        int sets = bench->sets;
        bool is_sound = pages_decode(payload, length, &back, &ignored_ms) == 0;
        char *want = is_sound ? write_down(&back) : NULL;
        for (int i = 0; i < TURNS_MAX && bench->sets == sets && bench->failures == 0; i++)
            turn(bench);
        fuzz_assert(bench->sets == sets + is_sound && bench->failures == !is_sound);
        fuzz_assert(!is_sound || (strcmp(bench->last_set, want) == 0 && bench->until_ms == until_ms));
        free(want);
        if (is_sound)
            free(back.pages);
    }
    free(payload);
    model_release(&model);
}

/* More than a socket takes at once. */
static void send_large_set(struct bench *bench) {
    static char body[300 * 1024];
    struct page page = {"/large", 200, PAGE_TRUST_LEASE, "text/plain", body, sizeof body};
    struct page_set set = {1, 1, &page};
    memset(body, 'x', sizeof body);
    fuzz_assert(link_send_pages(bench->sender, &set, 9) == 0);
    turn(bench);
    fuzz_assert(link_send_pages(bench->sender, &set, 10) == 0); /* while the first is on its way */
    fuzz_assert(link_send_lease(bench->sender, 11) == 0);
    for (int i = 0; i < TURNS_MAX && bench->until_ms != 11; i++)
        turn(bench);
    fuzz_assert(bench->until_ms == 11 && bench->failures == 0);
}

static void do_one(struct bench *bench, struct fuzz_input *input, bool *has_listener) {
    struct bench before = *bench;
    switch (fuzz_take_below(input, 9)) {
    case 0:
        fuzz_assert(link_send_log(bench->sender, LOG_DEBUG, LOG_JSON) == 0);
        turn(bench);
        turn(bench);
        fuzz_assert(bench->logs == before.logs + 1);
        break;
    case 1:
        if (*has_listener)
            break;
        *has_listener = true;
        fuzz_assert(link_send_listener(bench->sender, bench->fds[1]) == 0);
        turn(bench);
        turn(bench);
        fuzz_assert(bench->listeners == 1 && link_send_listening(bench->fds[1]) == 0);
        turn(bench);
        fuzz_assert(bench->listenings == 1);
        break;
    case 2:
        fuzz_assert(link_send_lease(bench->sender, 5) == 0 && link_send_lease(bench->sender, -1) < 0);
        turn(bench);
        turn(bench);
        fuzz_assert(bench->leases == before.leases + 1 && bench->until_ms == 5);
        break;
    case 3:
        fuzz_assert(link_send_ping(bench->sender) == 0);
        turn(bench);
        fuzz_assert(link_send_ping(bench->sender) == 0); /* one at a time */
        turn(bench);
        turn(bench);
        fuzz_assert(bench->pings == before.pings + 1 && link_send_pong(bench->fds[1]) == 0);
        turn(bench);
        fuzz_assert(bench->pongs == before.pongs + 1);
        break;
    case 4: send_large_set(bench); break;
    case 5:
        fuzz_assert(link_send_stop(bench->sender) == 0);
        turn(bench);
        turn(bench);
        fuzz_assert(bench->stops == 1);
        break;
    case 6: /* waits, and may not be gone when the sender is freed */
        if (!*has_listener)
            fuzz_assert(link_send_listener(bench->sender, bench->fds[1]) == 0);
        *has_listener = true;
        input->left = 0;
        break;
    default: send_set(bench, input); break;
    }
}

static void talk(struct fuzz_input input) {
    struct bench bench;
    bool has_listener = false;
    bench_init(&bench, true, true);
    for (int i = 0; i < 16 && input.left > 0 && bench.stops + bench.failures == 0; i++)
        do_one(&bench, &input, &has_listener);
    fuzz_assert(bench.sender_failures == 0);
    if (bench.stops + bench.failures > 0) {
        /* as the responder's end does it: the checker hears of it, whatever it is about to send */
        link_receiver_free(bench.receiver);
        bench.receiver = NULL;
        close(bench.fds[1]);
        bench.fds[1] = -1;
        if (input.left % 2)
            link_send_ping(bench.sender);
        turn(&bench);
        fuzz_assert(bench.sender_failures == 1 && link_send_ping(bench.sender) < 0);
    }
    bench_release(&bench);
}

FUZZ_TARGET(link) {
    struct fuzz_input input = {data, size};
    switch (fuzz_take(&input)) {
    case 'r': feed_receiver(input); return 0;
    case 's': feed_sender(input); return 0;
    case 'p': decode(input); return 0;
    case 't': talk(input); return 0;
    default: return -1;
    }
}
