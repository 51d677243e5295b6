/* Tests of name resolution, and of the event loop while a resolver hangs.
 *
 *  asked for                          answered
 *  localhost                          its loopback addresses, each once
 *  numbers                            need no question
 *  a name under .invalid              unresolved, with the name and the EAI_ code
 *  a mixed list                       the addresses of those that resolve
 *  any name, of a silent DNS server   nothing: the run's deadline ends it, in phase resolve; timers ran on
 *                                     time
 *  any name, and no DNS server there  unresolved, of every kind that asks for names */
#include "run/resolve.h"

#include "base/io.h"
#include "kinds/kinds.h"
#include "harness/fork.h"
#include "harness/rig.h"
#include "harness/skip.h"
#include "harness/tempdir.h"
#include "harness/wait.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct resolve_answer ask(const char *const *hosts, int count) {
    struct resolve_answer answer;
    resolve_now(hosts, count, &answer);
    return answer;
}

START_TEST(numbers_need_no_question) {
    const char *const numeric[] = {"127.0.0.1", "10.1", "::1", "fe80::1", "::ffff:10.0.0.1", "fe80::1%lo"};
    const char *const names[] = {
        "localhost", "db", "db.example.com", "127.0.0.1.example", "[::1]", "1.2.3.4.5", ""};
    for (size_t i = 0; i < sizeof numeric / sizeof numeric[0]; i++)
        ck_assert_msg(resolve_is_numeric(numeric[i]), "%s", numeric[i]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(!resolve_is_numeric(names[i]), "%s", names[i]);
}
END_TEST

START_TEST(localhost_has_its_addresses_each_once) {
    const char *const hosts[] = {"localhost"};
    struct resolve_answer answer = ask(hosts, 1);
    ck_assert_int_eq(answer.reason, REASON_OK);
    ck_assert_int_ge(answer.count, 1);
    bool has_ipv4 = false;
    for (int i = 0; i < answer.count; i++) {
        ck_assert_int_eq(answer.addresses[i].host, 0);
        ck_assert(resolve_is_numeric(answer.addresses[i].text));
        has_ipv4 = has_ipv4 || strcmp(answer.addresses[i].text, "127.0.0.1") == 0;
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(answer.addresses[i].text, answer.addresses[j].text);
    }
    ck_assert(has_ipv4);
}
END_TEST

START_TEST(addresses_keep_the_place_of_their_host) {
    const char *const hosts[] = {"::1", "localhost", "192.0.2.7"};
    struct resolve_answer answer = ask(hosts, 3);
    ck_assert_int_eq(answer.reason, REASON_OK);
    ck_assert_str_eq(answer.addresses[0].text, "::1");
    ck_assert_int_eq(answer.addresses[1].host, 1);
    ck_assert_int_eq(answer.addresses[answer.count - 1].host, 2);
    ck_assert_str_eq(answer.addresses[answer.count - 1].text, "192.0.2.7");
}
END_TEST

/* -- in a network of our own, with a name server of our own -- */

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        _exit(77);
}

/* Becomes, where it is not, root of a user namespace, and has a network with a loopback interface alone, and
 * a resolver configuration that asks 127.0.0.1. Returns false where the system forbids it. */
static bool enter_namespaces(const char *resolv_conf) {
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare((uid == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS | CLONE_NEWNET) < 0)
        return false;
    if (uid != 0) {
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
        write_file("/proc/self/gid_map", map);
        snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
        write_file("/proc/self/uid_map", map);
    }
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool is_up = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    is_up = is_up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return is_up && mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0 &&
           mount(resolv_conf, "/etc/resolv.conf", "none", MS_BIND, "") == 0;
}

static int open_name_server(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return fd;
}

/* Answers each question with this code: 3 is NXDOMAIN, 2 SERVFAIL. */
static _Noreturn void answer_with(int fd, int code) {
    for (;;) {
        unsigned char packet[512];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
        if (got < 12)
            continue;
        packet[2] |= 0x80; /* an answer */
        packet[3] = (unsigned char)(0x80 | code);
        packet[10] = packet[11] = 0; /* without the additional section of the question */
        sendto(fd, packet, (size_t)got, 0, (struct sockaddr *)&from, size);
    }
}

struct beat {
    struct rig *rig;
    struct timer timer;
    int count;
    struct stopwatch since;
    int64_t longest_ms; /* between two, without what the machine kept from us */
};

static void on_beat(void *arg) {
    struct beat *beat = arg;
    int64_t gap_ms = stopwatch_free_ms(&beat->since);
    if (gap_ms > beat->longest_ms)
        beat->longest_ms = gap_ms;
    beat->since = stopwatch_start();
    beat->count++;
    timer_arm(&beat->rig->timers, &beat->timer, 10);
}

static void check_named(struct rig *rig, struct rig_check *own, const char *dsn) {
    struct error err;
    *own = (struct rig_check){
        .config = {.kind = KIND_POSTGRES, .database.role = ROLE_PLAIN, .timeout_ms = 1000}};
    const struct check_kind *kind = &POSTGRES_KIND;
#ifdef WITH_MYSQL
    if (strncmp(dsn, "mysql:", 6) == 0) {
        own->config.kind = KIND_MYSQL;
        kind = &MYSQL_KIND;
    }
#endif
    ck_assert_int_eq(dsn_parse(dsn, &own->config.database.dsn, &err), 0);
    ck_assert_msg(
        check_init(&own->check, kind, &rig->env, &own->config, rig_finished, own, &err) == 0, "%s", err.text);
}

static void release_named(struct rig_check *own) {
    check_release(&own->check);
    dsn_release(&own->config.database.dsn);
}

static void hang(void) {
    struct rig rig;
    struct rig_check own;
    rig_init(&rig);
    check_named(&rig, &own, "postgresql://u:secret@db.example/d");
    struct beat beat = {.rig = &rig, .since = stopwatch_start()};
    timer_init(&beat.timer, on_beat, &beat);
    timer_arm(&rig.timers, &beat.timer, 10);
    struct stopwatch watch = stopwatch_start();
    rig_run(&rig, &own);
    int64_t passed_ms = stopwatch_ms(&watch), free_ms = stopwatch_free_ms(&watch);
    timer_disarm(&beat.timer);
    ck_assert_int_eq(own.outcome.reason, REASON_TIMEOUT);
    ck_assert_int_eq(own.outcome.phase, PHASE_RESOLVE);
    ck_assert_msg(beat.count > 40 * free_ms / passed_ms && beat.longest_ms < 300,
        "%d beats, at most %d ms apart, in %d ms, of which %d free", beat.count, (int)beat.longest_ms,
        (int)passed_ms, (int)free_ms);
    release_named(&own);
    rig_release(&rig);
}

static bool is_resolving(void *arg) {
    const struct rig_check *own = arg;
    return own->check.phase == PHASE_RESOLVE;
}

static void give_up(void) {
    struct rig rig;
    struct rig_check own;
    rig_init(&rig);
    check_named(&rig, &own, "postgresql://u:secret@db.example/d");
    for (int i = 0; i < 2; i++) { /* a run that is broken off, and a check that goes away */
        ck_assert(check_start(&own.check));
        ck_assert(rig_turn_until(&rig, is_resolving, &own, 900));
        if (i == 0)
            check_cancel(&own.check);
        own.check.phase = PHASE_NONE;
        ck_assert(i == 1 || rig_turn_until_childless(&rig));
    }
    release_named(&own);
    rig_release(&rig);
    ck_assert_int_eq(own.finished, 0);
}

static void refuse(const char *code) {
    struct rig rig;
    struct rig_check own;
    rig_init(&rig);
    check_named(&rig, &own, "postgresql://u:secret@db.example,other.example/d");
    rig_run(&rig, &own);
    ck_assert_int_eq(own.outcome.reason, REASON_UNRESOLVED);
    ck_assert_int_eq(own.outcome.phase, PHASE_RESOLVE);
    char text[128];
    snprintf(text, sizeof text, "db.example: %s, other.example: %s", code, code);
    ck_assert_str_eq(own.outcome.detail, text);
    release_named(&own);
    rig_release(&rig);
}

/* Of every kind that asks for names; what it says of each follows the DSN. */
static void refuse_every_kind(const char *code) {
    static const char *const DSNS[] = {"postgresql://u:secret@db.example/d",
#ifdef WITH_MYSQL
        "mysql://u:secret@db.example/d", "mysql://u:secret@db.example/d?ssl-mode=verify-identity"
#endif
    };
    for (size_t i = 0; i < sizeof DSNS / sizeof DSNS[0]; i++) {
        struct rig rig;
        struct rig_check own;
        char text[128];
        rig_init(&rig);
        check_named(&rig, &own, DSNS[i]);
        rig_run(&rig, &own);
        ck_assert_msg(own.outcome.reason == REASON_UNRESOLVED, "%s: %s", DSNS[i], own.outcome.detail);
        ck_assert_int_eq(own.outcome.phase, PHASE_RESOLVE);
        snprintf(text, sizeof text, "db.example: %s", code);
        ck_assert_str_eq(own.outcome.detail, text);
        release_named(&own);
        rig_release(&rig);
    }
}

static void mix(void) {
    const char *const hosts[] = {"db.example", "127.0.0.1", "localhost"};
    struct resolve_answer answer = ask(hosts, 3);
    ck_assert_int_eq(answer.reason, REASON_OK);
    ck_assert_int_eq(answer.addresses[0].host, 1);
    ck_assert_str_eq(answer.detail, "db.example: EAI_NONAME");
}

enum { MISSING = -2, SILENT = -1, SERVFAIL = 2, NXDOMAIN = 3 };

/* A name server in a child, in namespaces that this test has entered; a test that cannot enter them is
 * skipped. */
static bool start_name_server(const char *test, int code) {
    char *conf = tempdir_path(getenv("BH_TEST_ROOT"), "resolv.%d", (int)getpid());
    tempdir_write(conf, "nameserver 127.0.0.1\noptions timeout:5 attempts:3\n");
    bool has_entered = enter_namespaces(conf);
    free(conf);
    if (!has_entered) {
        skip_test(test, strerror(errno));
        return false;
    }
    if (code == MISSING)
        return true;
    int fd = open_name_server();
    ck_assert_int_ge(fd, 0);
    if (code != SILENT && test_fork() == 0) /* libcheck ends it with the test, whose process group it is in */
        answer_with(fd, code);
    return true;
}

START_TEST(a_resolver_that_hangs_is_a_timeout_and_delays_nothing) {
    if (start_name_server("a_resolver_that_hangs_is_a_timeout_and_delays_nothing", SILENT))
        hang();
}
END_TEST

START_TEST(giving_the_question_up_leaves_nothing) {
    if (start_name_server("giving_the_question_up_leaves_nothing", SILENT))
        give_up();
}
END_TEST

START_TEST(an_unknown_name_is_unresolved) {
    if (start_name_server("an_unknown_name_is_unresolved", NXDOMAIN))
        refuse("EAI_NONAME");
}
END_TEST

START_TEST(a_failing_name_server_is_unresolved_for_now) {
    if (start_name_server("a_failing_name_server_is_unresolved_for_now", SERVFAIL))
        refuse("EAI_AGAIN");
}
END_TEST

START_TEST(a_failing_name_server_is_the_same_to_every_kind) {
    if (start_name_server("a_failing_name_server_is_the_same_to_every_kind", SERVFAIL))
        refuse_every_kind("EAI_AGAIN");
}
END_TEST

START_TEST(a_missing_name_server_is_unresolved_for_now) {
    if (start_name_server("a_missing_name_server_is_unresolved_for_now", MISSING))
        refuse_every_kind("EAI_AGAIN");
}
END_TEST

START_TEST(an_unknown_name_is_the_same_to_every_kind) {
    if (start_name_server("an_unknown_name_is_the_same_to_every_kind", NXDOMAIN))
        refuse_every_kind("EAI_NONAME");
}
END_TEST

START_TEST(in_a_list_those_that_resolve_count) {
    if (start_name_server("in_a_list_those_that_resolve_count", NXDOMAIN))
        mix();
}
END_TEST

Suite *resolve_suite(void) {
    Suite *suite = suite_create("resolve");
    TCase *tcase = tcase_create("resolve");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, numbers_need_no_question);
    tcase_add_test(tcase, localhost_has_its_addresses_each_once);
    tcase_add_test(tcase, addresses_keep_the_place_of_their_host);
    tcase_add_test(tcase, giving_the_question_up_leaves_nothing);
    tcase_add_test(tcase, a_resolver_that_hangs_is_a_timeout_and_delays_nothing);
    tcase_add_test(tcase, an_unknown_name_is_unresolved);
    tcase_add_test(tcase, a_failing_name_server_is_unresolved_for_now);
    tcase_add_test(tcase, a_failing_name_server_is_the_same_to_every_kind);
    tcase_add_test(tcase, a_missing_name_server_is_unresolved_for_now);
    tcase_add_test(tcase, an_unknown_name_is_the_same_to_every_kind);
    tcase_add_test(tcase, in_a_list_those_that_resolve_count);
    return suite;
}
