/* Tests of the listening socket: addresses understood and refused, ports in use, and the way back to it. */
#include "checker/listen.h"

#include "harness/namespace.h"
#include "harness/skip.h"
#include "harness/tempdir.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_v4(unsigned port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return result;
}

static unsigned port_of(const char *where) {
    return (unsigned)strtoul(strrchr(where, ':') + 1, NULL, 10);
}

START_TEST(a_free_port_is_bound_and_told) {
    char where[ADDRESS_TEXT_SIZE];
    struct error err;
    int fd = listen_open("127.0.0.1:0", where, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert_int_eq(strncmp(where, "127.0.0.1:", 10), 0);
    ck_assert_uint_gt(port_of(where), 0);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert_int_eq(connect_v4(port_of(where)), 0);
    close(fd);
}
END_TEST

START_TEST(the_unspecified_address_answers_ipv4_too) {
    const char *const addresses[] = {"[::]:0", ":0"};
    for (size_t i = 0; i < 2; i++) {
        char where[ADDRESS_TEXT_SIZE];
        struct error err;
        int fd = listen_open(addresses[i], where, &err);
        ck_assert_msg(fd >= 0, "%s", err.text);
        ck_assert_int_eq(connect_v4(port_of(where)), 0);
        close(fd);
    }
}
END_TEST

#ifdef TCP_DEFER_ACCEPT

/* Seconds that the kernel keeps a connection back without a request. */
static int deferral(void) {
    char where[ADDRESS_TEXT_SIZE];
    struct error err;
    int fd = listen_open("127.0.0.1:0", where, &err), seconds = -1;
    socklen_t size = sizeof seconds;
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, &size), 0);
    close(fd);
    return seconds;
}

START_TEST(silent_connections_wait_in_the_kernel_only_where_it_has_cookies) {
    const char *why = namespace_enter();
    if (why) {
        skip_test("silent_connections_wait_in_the_kernel_only_where_it_has_cookies", why);
        return;
    }
    static const char SETTING[] = "/proc/sys/net/ipv4/tcp_syncookies";
    char *dir = tempdir_new(), *with = tempdir_path(dir, "with"), *without = tempdir_path(dir, "without");
    tempdir_write(with, "1\n");
    tempdir_write(without, "0\n");
    namespace_cover(SETTING, with);
    ck_assert_int_gt(deferral(), 0);
    namespace_cover(SETTING, without);
    ck_assert_int_eq(deferral(), 0);
    free(without);
    free(with);
    free(dir);
}
END_TEST

#endif

START_TEST(a_port_in_use_is_told_plainly) {
    char where[ADDRESS_TEXT_SIZE], other[ADDRESS_TEXT_SIZE];
    struct error err;
    int fd = listen_open("127.0.0.1:0", where, &err);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(listen_open(where, other, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "Address already in use"));
    ck_assert_ptr_nonnull(strstr(err.text, where));
    close(fd);
}
END_TEST

START_TEST(other_addresses_are_refused) {
    const char *const bad[] = {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
        "example.com:80", "1.2.3:80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char where[ADDRESS_TEXT_SIZE];
        struct error err;
        ck_assert_msg(listen_open(bad[i], where, &err) == -1, "%s", bad[i]);
        ck_assert_msg(strstr(err.text, "[::]:8000") != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(a_local_url_leads_to_every_listener) {
    const char *const table[][2] = {
        {"[::]:8000", "http://127.0.0.1:8000"},
        {":8000", "http://127.0.0.1:8000"},
        {"0.0.0.0:8001", "http://127.0.0.1:8001"},
        {"localhost:8000", "http://127.0.0.1:8000"},
        {"127.0.0.2:8000", "http://127.0.0.2:8000"},
        {"[::1]:8000", "http://[::1]:8000"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char url[128];
        ck_assert_int_eq(listen_local_url(table[i][0], url, sizeof url), 0);
        ck_assert_str_eq(url, table[i][1]);
    }
    char small[8];
    ck_assert_int_eq(listen_local_url("[::]:8000", small, sizeof small), -1);
}
END_TEST

Suite *listen_suite(void) {
    Suite *suite = suite_create("listen");
    TCase *tcase = tcase_create("listen");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_free_port_is_bound_and_told);
    tcase_add_test(tcase, the_unspecified_address_answers_ipv4_too);
#ifdef TCP_DEFER_ACCEPT
    tcase_add_test(tcase, silent_connections_wait_in_the_kernel_only_where_it_has_cookies);
#endif
    tcase_add_test(tcase, a_port_in_use_is_told_plainly);
    tcase_add_test(tcase, other_addresses_are_refused);
    tcase_add_test(tcase, a_local_url_leads_to_every_listener);
    return suite;
}
