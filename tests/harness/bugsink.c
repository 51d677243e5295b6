/* The scripted Bugsink: a process that accepts, and one for each connection. */
#include "harness/bugsink.h"

#include "harness/fork.h"
#include "harness/proc.h"
#include "harness/wait.h"

#include "base/io.h"
#include "base/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASKERS_MAX = 64 };

struct bugsink_book {
    _Atomic int answers[QUESTION_COUNT];
    _Atomic int counts[QUESTION_COUNT];
    _Atomic int foreign;
    _Atomic int askers[ASKERS_MAX]; /* the ports of those whose questions are not answered yet; 0: none */
    _Atomic int most;
    char file[320]; /* written before it is asked; empty: none */
};

#define ZEROS "0000000000"

/* The requests that it knows, each with its head's beginning, what must stand in it, and its body. */
static const struct {
    const char *start, *field, *body;
} REQUESTS[QUESTION_COUNT] = {
    [QUESTION_NONE] = {"GET /health/ready HTTP/1.1\r\n", "\r\nUser-Agent: bugsink-health/", ""},
    [QUESTION_TOKEN] = {"GET /api/canonical/0/projects/ HTTP/1.1\r\n",
        "\r\nAuthorization: Bearer " ZEROS ZEROS ZEROS ZEROS "\r\n", ""},
    [QUESTION_PROJECT] = {"POST /api/0/envelope/?sentry_key=" ZEROS ZEROS ZEROS "00 HTTP/1.1\r\n",
        "\r\nContent-Length: 3\r\n", "{}\n"},
};

static const struct {
    const char *status, *body;
} WELL[QUESTION_COUNT] =
    {
        [QUESTION_NONE] = {"200 OK", "OK"},
        [QUESTION_TOKEN] = {"401 Unauthorized", "{\"detail\":\"Invalid Bearer token.\"}"},
        [QUESTION_PROJECT] = {"403 Forbidden", "Project not found or key incorrect"},
},
  OTHERS[BUGSINK_ANSWERS] = {
      [BUGSINK_FAILS] = {"500 Internal Server Error", "<h1>Server Error (500)</h1>"},
      [BUGSINK_ABSENT] = {"404 Not Found", "<h1>Not Found</h1>"},
      [BUGSINK_UNALLOWED] = {"405 Method Not Allowed", ""},
      [BUGSINK_REJECTS] = {"400 Bad Request", "<h1>Bad Request (400)</h1>"},
      [BUGSINK_REDIRECTS] = {"302 Found", ""},
      [BUGSINK_THROTTLES] = {"429 Too Many Requests", ""},
      [BUGSINK_PROXY] = {"401 Unauthorized", "<html>401 Authorization Required</html>"},
      [BUGSINK_FORBIDS] = {"403 Forbidden", "<html>403 Forbidden</html>"},
};

/* Reads a whole request: which it is; QUESTION_COUNT for any other. */
static enum app_question read_request(int fd) {
    char text[2048] = "";
    size_t length = 0;
    while (length < sizeof text - 1) {
        ssize_t got = read(fd, text + length, sizeof text - 1 - length);
        if (got <= 0)
            return QUESTION_COUNT;
        length += (size_t)got;
        text[length] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        for (int i = 0; body && i < QUESTION_COUNT; i++)
            if (strncmp(text, REQUESTS[i].start, strlen(REQUESTS[i].start)) == 0 &&
                strstr(text, REQUESTS[i].field) && strcmp(body + 4, REQUESTS[i].body) == 0)
                return (enum app_question)i;
    }
    return QUESTION_COUNT;
}

/* Waits while it is to be silent. */
static enum bugsink_answer choose(struct bugsink_book *book, enum app_question question) {
    enum { TURN_MS = 2 };
    while (book->answers[question] == BUGSINK_SILENT)
        poll(NULL, 0, TURN_MS);
    return (enum bugsink_answer)book->answers[question];
}

static void answer(int fd, enum app_question question, enum bugsink_answer choice) {
    const char *status = choice == BUGSINK_WELL ? WELL[question].status : OTHERS[choice].status;
    const char *body = choice == BUGSINK_WELL ? WELL[question].body : OTHERS[choice].body;
    char reply[512];
    int length = snprintf(reply, sizeof reply,
        "HTTP/1.1 %s\r\nServer: gunicorn\r\nContent-Length: %zu\r\n\r\n", status, strlen(body));
    io_write_all(fd, reply, (size_t)length); /* gunicorn sends head and body one after the other, as here */
    io_write_all(fd, body, strlen(body));
}

static void open_file(const struct bugsink_book *book) {
    if (book->file[0])
        close(open(book->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

/* -- who waits for an answer -- */

static int port_of(int fd, int (*name)(int fd, struct sockaddr *address, socklen_t *size)) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    return name(fd, (struct sockaddr *)&address, &size) == 0 ? ntohs(address.sin_port) : 0;
}

/* Those alone who still hold their connection: whoever was killed while it waited waits no more, though
 * nobody here has looked since. The kernel's list is long while other tests have crowds of connections, and
 * is read only where there is another. */
static int count_askers(int fd, const struct bugsink_book *book, int own_place) {
    int others = 0, own_port = port_of(fd, getsockname);
    for (int i = 0; i < ASKERS_MAX; i++) {
        int port = i == own_place ? 0 : book->askers[i];
        if (port != 0 && proc_connections(own_port, port) > 0)
            others++;
    }
    bool waits = others == 0 || proc_connections(own_port, port_of(fd, getpeername)) > 0;
    return others + waits;
}

/* Returns its place in the book; ASKERS_MAX: there is none. */
static int note_asker(int fd, struct bugsink_book *book) {
    int port = port_of(fd, getpeername), place = 0, none = 0;
    while (place < ASKERS_MAX && !atomic_compare_exchange_strong(&book->askers[place], &none, port)) {
        none = 0;
        place++;
    }
    int count = place < ASKERS_MAX ? count_askers(fd, book, place) : ASKERS_MAX;
    if (count > book->most)
        book->most = count;
    return place;
}

static void forget_asker(struct bugsink_book *book, int place) {
    if (place < ASKERS_MAX)
        book->askers[place] = 0;
}

static void converse(int fd, struct bugsink_book *book) {
    enum app_question question = read_request(fd);
    if (question == QUESTION_COUNT) {
        book->foreign++;
        return;
    }
    bool is_question = question != QUESTION_NONE;
    int place = is_question ? note_asker(fd, book) : ASKERS_MAX;
    if (is_question)
        open_file(book);
    book->counts[question]++;
    enum bugsink_answer choice = choose(book, question);
    forget_asker(book, place); /* first: whoever has the answer may ask the next at once */
    if (choice != BUGSINK_RESETS)
        answer(fd, question, choice);
}

static _Noreturn void serve(int listener, struct bugsink_book *book, pid_t parent) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    process_close_from(STDERR_FILENO + 1, &listener, 1);
    while (process_die_with_parent(parent)) {
        int fd = accept(listener, NULL, NULL);
        pid_t self = getpid();
        if (fd >= 0 && test_fork() == 0) {
            close(listener);
            if (process_die_with_parent(self))
                converse(fd, book);
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

static int listen_on(int *port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port)};
    const int on = 1;
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    /* A process of the last one may still be on its way out, with the port in its hands. */
    struct deadline deadline = deadline_in(2000);
    int bound = bind(fd, (struct sockaddr *)&address, size);
    while (bound < 0 && errno == EADDRINUSE && !deadline_is_over(&deadline)) {
        sched_yield();
        bound = bind(fd, (struct sockaddr *)&address, size);
    }
    ck_assert_int_eq(bound, 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(fd, 128), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

struct bugsink bugsink_start(int port) {
    struct bugsink bugsink = {.port = port};
    int listener = listen_on(&bugsink.port);
    pid_t parent = getpid();
    void *shared =
        mmap(NULL, sizeof *bugsink.book, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    bugsink.book = shared; /* zero: all well */
    bugsink.pid = test_fork();
    if (bugsink.pid == 0)
        serve(listener, bugsink.book, parent);
    close(listener);
    return bugsink;
}

void bugsink_stop(struct bugsink *bugsink) {
    kill(bugsink->pid, SIGKILL);
    waitpid(bugsink->pid, NULL, 0);
    munmap(bugsink->book, sizeof *bugsink->book);
    *bugsink = (struct bugsink){.port = bugsink->port};
}

void bugsink_set(const struct bugsink *bugsink, enum app_question question, enum bugsink_answer choice) {
    bugsink->book->answers[question] = choice;
}

void bugsink_keep_file(const struct bugsink *bugsink, const char *path) {
    int length = snprintf(bugsink->book->file, sizeof bugsink->book->file, "%s", path);
    ck_assert_uint_lt((size_t)length, sizeof bugsink->book->file);
}

int bugsink_count(const struct bugsink *bugsink, enum app_question question) {
    return bugsink->book->counts[question];
}

int bugsink_foreign_count(const struct bugsink *bugsink) {
    return bugsink->book->foreign;
}

int bugsink_most_at_once(const struct bugsink *bugsink) {
    return bugsink->book->most;
}

struct awaited {
    const struct bugsink *bugsink;
    enum app_question question;
    int count;
};

static bool was_asked(void *arg) {
    const struct awaited *awaited = arg;
    return bugsink_count(awaited->bugsink, awaited->question) >= awaited->count;
}

bool bugsink_await(const struct bugsink *bugsink, enum app_question question, int times, int64_t timeout_ms) {
    struct awaited awaited = {bugsink, question, bugsink_count(bugsink, question) + times};
    return wait_until(was_asked, &awaited, timeout_ms);
}
