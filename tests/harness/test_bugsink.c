/* The scripted Bugsink counts who waits for an answer at one time, and not who has gone. */
#include "harness/bugsink.h"
#include "harness/wait.h"

#include "base/io.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHOWS_MS = 10000 };

static struct bugsink bugsink;

static void begin(void) {
    bugsink = bugsink_start(0);
    bugsink_set(&bugsink, QUESTION_TOKEN, BUGSINK_SILENT);
}

static void end(void) {
    bugsink_stop(&bugsink);
}

static bool was_asked(void *arg) {
    const int *count = arg;
    return bugsink_count(&bugsink, QUESTION_TOKEN) == *count;
}

/* Asks the token question, and returns the connection once it has been read. */
static int ask(void) {
    static const char QUESTION[] = "GET /api/canonical/0/projects/ HTTP/1.1\r\n"
                                   "Authorization: Bearer 0000000000000000000000000000000000000000\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)bugsink.port)};
    int count = bugsink_count(&bugsink, QUESTION_TOKEN) + 1,
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(io_write_all(fd, QUESTION, strlen(QUESTION)), 0);
    ck_assert(wait_until(was_asked, &count, SHOWS_MS));
    return fd;
}

START_TEST(two_who_wait_at_one_time_are_two) {
    int first = ask(), second = ask();
    ck_assert_int_eq(bugsink_most_at_once(&bugsink), 2);
    close(first);
    close(second);
}
END_TEST

START_TEST(who_has_gone_without_an_answer_waits_no_more) {
    for (int i = 0; i < 3; i++)
        close(ask());
    ck_assert_int_eq(bugsink_most_at_once(&bugsink), 1);
}
END_TEST

Suite *bugsink_suite(void);
Suite *bugsink_suite(void) {
    Suite *suite = suite_create("bugsink");
    TCase *waiting = tcase_create("waiting");
    tcase_add_checked_fixture(waiting, begin, end);
    tcase_add_test(waiting, two_who_wait_at_one_time_are_two);
    tcase_add_test(waiting, who_has_gone_without_an_answer_waits_no_more);
    suite_add_tcase(suite, waiting);
    return suite;
}
