/* The least that the looks of a configuration can cost: one process that does them in a loop, each interval,
 * and nothing else. It judges nothing and says nothing; bench-run tells what it took. */
#include "base/clock.h"
#include "config/config.h"
#include "kinds/kinds.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096 };

static const char REQUEST[] = "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench-looks\r\n"
                              "Accept: */*\r\nConnection: close\r\n\r\n";

static void ask_app(const struct check_config *config) {
    char answer[ANSWER_MAX];
    const char *port = strrchr(config->app.url, ':');
    const struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(port ? port + 1 : "80", NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) < 0)
        perror("bench-looks: no answer");
    while (recv(fd, answer, sizeof answer, 0) > 0)
        continue;
    close(fd);
}

static void look(const struct check_kind *kind, const struct check_config *config, void *kept) {
    struct run run = {
        .config = config, .kept = kept, .deadline_ms = clock_now_ms(clock_system()) + config->timeout_ms};
    if (kind->traits.is_app) {
        ask_app(config);
        return;
    }
    kind->work(&run);
    if (run.outcome.reason != REASON_OK)
        fprintf(stderr, "bench-looks: %s: %s: %s\n", config->name, reason_info(run.outcome.reason)->slug,
            run.outcome.detail);
}

int main(int argc, char **argv) {
    struct error err;
    const char *const environment[] = {NULL};
    const struct config_flag flag = {"--config", argc > 1 ? argv[1] : ""};
    const struct config_source source = {environment, &flag, 1};
    struct config *config = config_load(&source, &err);
    if (!config) {
        fprintf(stderr, "bench-looks: %s\nusage: bench-looks CONFIG\n", err.text);
        return 2;
    }
    for (size_t i = 0; i < config->check_count; i++)
        config->checks[i].is_sandboxed = false; /* what one look gives up the next one needs */
    void **kept = calloc(config->check_count + 1, sizeof *kept);
    for (size_t i = 0; kept && i < config->check_count; i++)
        kept[i] = calloc(1, check_kind_find(config->checks[i].kind)->kept_size + 1);
    const struct timespec pause = {.tv_sec = (time_t)(config->interval_ms / 1000),
        .tv_nsec = (long)(config->interval_ms % 1000) * 1000000};
    for (; kept; nanosleep(&pause, NULL))
        for (size_t i = 0; i < config->check_count; i++)
            look(check_kind_find(config->checks[i].kind), &config->checks[i], kept[i]);
    return 1;
}
