/* What a worker is told first: written by the checker, read by the worker. */
#include "run/worker_hello.h"

#include "base/io.h"
#include "base/log.h"
#include "config/pack.h"
#include "run/worker.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

enum { HELLO_MAX = 64 * 1024 * 1024 };

struct head {
    uint32_t size; /* of what follows */
    uint32_t variables;
    const struct check_kind *kind;
    int64_t life_ms;
    int32_t log_level, log_format;
};

/* -- in the checker -- */

/* What every worker heeds: its home, its clock's zone, and the resolver's own variables. */
static const char *const COMMON[] = {
    "HOME", "TZ", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES", "SSL_CERT_FILE", "SSL_CERT_DIR", NULL};

/* Whether entry (NAME=VALUE) is of that name, or begins so where it ends in '*'. */
static bool is_named(const char *entry, const char *name) {
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '*')
        return strncmp(entry, name, length - 1) == 0;
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_listed(const char *entry, const char *const *names) {
    for (; names && *names; names++)
        if (is_named(entry, *names))
            return true;
    return false;
}

void worker_hello(
    struct strbuf *bytes, const struct check_kind *kind, const struct check_config *config, int64_t life_ms) {
    struct head head = {.kind = kind, .life_ms = life_ms};
    enum log_level level;
    enum log_format format;
    log_settings(&level, &format);
    head.log_level = (int32_t)level;
    head.log_format = (int32_t)format;
    strbuf_append_n(bytes, (const char *)&head, sizeof head);
    for (char **entry = environ; entry && *entry; entry++)
        if (is_listed(*entry, COMMON) || is_listed(*entry, kind->environment)) {
            text_pack(*entry, bytes);
            head.variables++;
        }
    check_config_pack(config, bytes);
    if (bytes->is_broken)
        return;
    head.size = (uint32_t)(bytes->length - sizeof head);
    memcpy(bytes->data, &head, sizeof head);
}

/* -- in the worker -- */

static int set_variables(const char **at, const char *end, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char *entry = NULL;
        if (text_unpack(at, end, &entry) < 0 || !entry)
            return -1;
        char *value = strchr(entry, '=');
        if (value) {
            *value++ = '\0';
            setenv(entry, value, 1);
            explicit_bzero(value, strlen(value));
        }
        free(entry);
    }
    return 0;
}

static int take(struct worker_order *order, const struct head *head, const char *bytes) {
    const char *at = bytes, *end = bytes + head->size;
    if (set_variables(&at, end, head->variables) < 0 || check_config_unpack(&at, end, &order->config) < 0)
        return -1;
    order->kind = head->kind;
    order->life_ms = head->life_ms;
    log_configure((enum log_level)head->log_level, (enum log_format)head->log_format, "worker", -1);
    return 0;
}

int worker_order_read(int fd, struct worker_order *order) {
    struct head head;
    if (io_read_all(fd, &head, sizeof head) < 0 || head.size > HELLO_MAX)
        return -1;
    char *bytes = malloc((size_t)head.size + 1);
    int result = bytes && io_read_all(fd, bytes, head.size) == 0 ? take(order, &head, bytes) : -1;
    if (bytes)
        explicit_bzero(bytes, head.size);
    free(bytes);
    return result;
}
