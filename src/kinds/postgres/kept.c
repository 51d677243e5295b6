/* The kept PostgreSQL connection: sends the questions, reads the answers, and gives up at the first doubt. */
#include "kinds/postgres/kept.h"

#include "kinds/postgres/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct postgres_kept {
    const struct check_env *env;
    int fd;
    struct event *readable; /* added while a question is under way; between runs nothing is watched */
    struct timer silence;
    struct postgres_wire wire;
    struct postgres_kept_question question;
    bool is_asking;
    int rows;
    enum reason reason;
    const char *detail;
    struct observed observed;
};

/* -- the end of a question -- */

static void end(struct postgres_kept *kept, const char *cause) {
    if (!kept->is_asking)
        return;
    kept->is_asking = false;
    event_del(kept->readable);
    timer_disarm(&kept->silence);
    /* The last thing that is done here: the connection may be gone when it returns. */
    kept->question.answered(
        kept->question.arg, kept->reason, kept->detail ? kept->detail : "", &kept->observed, cause);
}

/* -- reading -- */

static void take_row(struct postgres_kept *kept, const struct postgres_row *row) {
    const char *detail = NULL;
    enum reason reason = postgres_judge(row, &kept->observed, &detail);
    kept->rows++;
    if (reason == REASON_OK || kept->reason != REASON_OK)
        return;
    kept->reason = reason;
    kept->detail = detail;
}

/* One query is answered. NULL where that is as it must be. */
static const char *take_ready(struct postgres_kept *kept, char status) {
    timer_disarm(&kept->silence); /* whoever answers the opening lives; the questions may take their time */
    if (kept->wire.pending > 0)
        return status == 'T' ? NULL : "no transaction";
    if (status != 'I')
        return "a transaction that does not end";
    return kept->rows == postgres_rows_wanted(kept->question.role) ? NULL
                                                                   : "not the rows that were asked for";
}

/* Returns NULL where all is as it must be, else what is wrong. */
static const char *take_bytes(struct postgres_kept *kept, const char *at, const char *bytes_end) {
    for (;;) {
        struct postgres_row row;
        char status;
        const char *cause = NULL;
        switch (postgres_wire_read(&kept->wire, &at, bytes_end, &row, &status)) {
        case POSTGRES_MORE: return NULL;
        case POSTGRES_ROW: take_row(kept, &row); break;
        case POSTGRES_READY: cause = take_ready(kept, status); break;
        case POSTGRES_ERROR: return "the server reports an error";
        case POSTGRES_BROKEN: return "not what was asked for";
        }
        if (cause)
            return cause;
    }
}

/* Takes what has come, without waiting: MSG_DONTWAIT, for the flags of the descriptor are shared with the
 * child that made it. Returns NULL where all is as it must be. */
static const char *receive(struct postgres_kept *kept) {
    char bytes[4096];
    for (;;) {
        ssize_t got = recv(kept->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? NULL : strerror(errno);
        if (got == 0)
            return "the server closed it";
        const char *cause = take_bytes(kept, bytes, bytes + got);
        if (cause || (size_t)got < sizeof bytes)
            return cause;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
    struct postgres_kept *kept = arg;
    (void)fd;
    (void)what;
    const char *cause = receive(kept);
    if (cause || kept->wire.pending == 0)
        end(kept, cause);
}

/* Where this process itself was held up, the answer may lie there. */
static void on_silence(void *arg) {
    struct postgres_kept *kept = arg;
    int pending = kept->wire.pending;
    const char *cause = receive(kept);
    if (cause || kept->wire.pending == 0)
        end(kept, cause);
    else if (kept->wire.pending == pending)
        end(kept, "silence");
}

/* -- asking -- */

/* Query ('Q'): the length, which counts itself, and the text with its NUL. Returns the message's end. */
static char *put_query(char *at, const char *sql) {
    size_t length = strlen(sql) + 1, total = length + 4;
    *at++ = 'Q';
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (char)(total >> shift & 0xff);
    memcpy(at, sql, length);
    return at + length;
}

/* The opening is a query of its own, for its answer comes at once from whoever lives, however long the
 * questions take: a server that is slow or waits for a lock is told from one that is gone. */
static const char *ask(struct postgres_kept *kept) {
    char opening[POSTGRES_SQL_SIZE], message[2 * (POSTGRES_SQL_SIZE + POSTGRES_WIRE_HEAD)], *at = message;
    postgres_opening(opening, kept->question.role, kept->question.remaining_ms);
    if (*opening) {
        at = put_query(at, opening);
        postgres_wire_expect(&kept->wire);
    }
    at = put_query(at, postgres_questions(kept->question.role));
    postgres_wire_expect(&kept->wire);
    ssize_t sent = send(kept->fd, message, (size_t)(at - message), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != at - message)
        return sent < 0 ? strerror(errno) : "it takes no more";
    return event_add(kept->readable, NULL) < 0 ? "the event loop took no event" : NULL;
}

void postgres_kept_ask(struct postgres_kept *kept, const struct postgres_kept_question *question) {
    kept->question = *question;
    kept->is_asking = true;
    kept->rows = 0;
    kept->reason = REASON_OK;
    kept->detail = NULL;
    kept->observed = (struct observed){0};
    timer_arm(kept->env->timers, &kept->silence, question->silence_ms);
    const char *cause = receive(kept); /* what came meanwhile: a parameter, the server's farewell */
    if (!cause)
        cause = ask(kept);
    if (cause)
        end(kept, cause);
}

/* -- from start to end -- */

/* The child's memory may have been spoilt by whoever it talked to, and so may what it hands over. */
static bool is_connection(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0;
}

struct postgres_kept *postgres_kept_new(const struct check_env *env, int fd) {
    struct postgres_kept *kept = is_connection(fd) ? calloc(1, sizeof *kept) : NULL;
    if (!kept) {
        close(fd);
        return NULL;
    }
    kept->env = env;
    kept->fd = fd;
    timer_init(&kept->silence, on_silence, kept);
    kept->readable = event_new(env->base, fd, EV_READ | EV_PERSIST, on_readable, kept);
    if (!kept->readable) {
        postgres_kept_free(kept);
        return NULL;
    }
    return kept;
}

void postgres_kept_free(struct postgres_kept *kept) {
    static const char TERMINATE[] = {'X', 0, 0, 0, 4}; /* else the server may log a lost connection */
    if (!kept)
        return;
    timer_disarm(&kept->silence);
    if (kept->readable)
        event_free(kept->readable);
    /* Where nobody is there any more, there is nobody to tell. */
    ssize_t sent = send(kept->fd, TERMINATE, sizeof TERMINATE, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    close(kept->fd);
    free(kept);
}
