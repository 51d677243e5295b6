/* Reading /proc. */
#include "harness/proc.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_proc(pid_t pid, const char *file) {
    char path[128];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return fopen(path, "re");
}

int proc_children(pid_t pid, pid_t *children, int max) {
    char file[64];
    snprintf(file, sizeof file, "task/%d/children", (int)pid);
    FILE *list = open_proc(pid, file);
    int count = 0, child;
    while (list && count < max && fscanf(list, "%d", &child) == 1)
        children[count++] = child;
    if (list)
        fclose(list);
    return count;
}

pid_t proc_nursery(pid_t checker) {
    pid_t children[8];
    int count = proc_children(checker, children, 8);
    for (int i = 0; i < count; i++) {
        char name[32] = "";
        FILE *file = open_proc(children[i], "comm");
        bool is_it = file && fgets(name, sizeof name, file) && strcmp(name, "bh-nursery\n") == 0;
        if (file)
            fclose(file);
        if (is_it)
            return children[i];
    }
    return 0;
}

int proc_family(pid_t checker, pid_t *members, int max) {
    pid_t nursery = proc_nursery(checker);
    int count = proc_children(checker, members, max), kept = 0;
    for (int i = 0; i < count; i++)
        if (members[i] != nursery)
            members[kept++] = members[i];
    return nursery > 0 ? kept + proc_children(nursery, members + kept, max - kept) : kept;
}

/* Fields 3 (state) and 14 to 17 (times, in ticks) of stat: proc(5). The name, field 2, may hold anything. */
static bool read_stat(pid_t pid, char *state, int64_t *ticks) {
    FILE *file = open_proc(pid, "stat");
    char line[1024] = "";
    bool is_read = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    const char *rest = is_read ? strrchr(line, ')') : NULL;
    int64_t times[4];
    if (!rest ||
        sscanf(rest,
            ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
            state, &times[0], &times[1], &times[2], &times[3]) != 5)
        return false;
    *ticks = times[0] + times[1] + times[2] + times[3];
    return true;
}

bool proc_is_alive(pid_t pid) {
    char state;
    int64_t ticks;
    return read_stat(pid, &state, &ticks) && state != 'Z' && state != 'X';
}

char proc_state(pid_t pid) {
    char state;
    int64_t ticks;
    return read_stat(pid, &state, &ticks) ? state : '\0';
}

/* What is behind that word in /proc/PID/status; false where there is none. */
static bool read_status(pid_t pid, const char *word, char *text, size_t size) {
    FILE *status = open_proc(pid, "status");
    char line[256];
    size_t length = strlen(word);
    bool is_found = false;
    while (status && !is_found && fgets(line, sizeof line, status)) {
        is_found = strncmp(line, word, length) == 0 && line[length] == ':';
        if (is_found)
            snprintf(text, size, "%s", line + length + 1);
    }
    if (status)
        fclose(status);
    return is_found;
}

int64_t proc_status_number(pid_t pid, const char *word) {
    char text[256];
    return read_status(pid, word, text, sizeof text) ? strtoll(text, NULL, 10) : -1;
}

uint64_t proc_status_bits(pid_t pid, const char *word) {
    char text[256];
    return read_status(pid, word, text, sizeof text) ? strtoull(text, NULL, 16) : UINT64_MAX;
}

void proc_wchan(pid_t pid, char *text, size_t size) {
    FILE *file = open_proc(pid, "wchan");
    size_t length = file ? fread(text, 1, size - 1, file) : 0;
    text[length] = '\0';
    if (file)
        fclose(file);
}

int64_t proc_resident_kib(pid_t pid) {
    return proc_status_number(pid, "VmRSS");
}

int64_t proc_cpu_ms(pid_t pid) {
    char state;
    int64_t ticks = 0;
    return read_stat(pid, &state, &ticks) ? ticks * 1000 / sysconf(_SC_CLK_TCK) : -1;
}

int proc_descriptor_count(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

int proc_has_open(pid_t pid, const char *file) {
    char path[320], target[512];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    bool has = false;
    for (struct dirent *entry; !has && (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        has = strcmp(target, file) == 0;
    }
    closedir(dir);
    return has;
}

int proc_file_holds(pid_t pid, const char *file, const char *text) {
    FILE *open = open_proc(pid, file);
    if (!open)
        return -1;
    static const size_t SIZE = 262144;
    char *data = malloc(SIZE);
    size_t length = data ? fread(data, 1, SIZE, open) : 0;
    int holds = data && memmem(data, length, text, strlen(text)) != NULL;
    free(data);
    fclose(open);
    return holds;
}

/* Looks through one mapping, in pieces that overlap by the text's length. */
static bool mapping_holds(int mem, uint64_t from, uint64_t to, const char *text) {
    enum { PIECE = 1 << 20 };
    size_t overlap = strlen(text) - 1;
    char *piece = malloc(PIECE);
    bool holds = false;
    while (piece && !holds && from < to) {
        size_t want = to - from < PIECE ? (size_t)(to - from) : PIECE;
        ssize_t got = pread(mem, piece, want, (off_t)from);
        if (got <= 0)
            break; /* [vvar] and the like cannot be read */
        holds = memmem(piece, (size_t)got, text, strlen(text)) != NULL;
        from += (size_t)got > overlap && from + (size_t)got < to ? (size_t)got - overlap : (size_t)got;
    }
    free(piece);
    return holds;
}

int proc_memory_holds(pid_t pid, const char *text) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    FILE *maps = open_proc(pid, "maps");
    int holds = mem < 0 || !maps ? -1 : 0;
    while (holds == 0 && fgets(line, sizeof line, maps)) {
        uint64_t from, to;
        char mode[8];
        /* The sanitizers map terabytes of shadow memory; it holds no text. */
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, mode) == 3 && mode[0] == 'r' &&
            to - from < (uint64_t)1 << 30 && mapping_holds(mem, from, to, text))
            holds = 1;
    }
    if (maps)
        fclose(maps);
    if (mem >= 0)
        close(mem);
    return holds;
}

int proc_connections(int local_port, int remote_port) {
    enum { ESTABLISHED = 1 };
    unsigned local, remote, local_end, remote_end, state;
    char line[256];
    int count = 0;
    FILE *table = fopen("/proc/net/tcp", "r");
    while (table && fgets(line, sizeof line, table))
        if (sscanf(line, "%*u: %x:%x %x:%x %x", &local, &local_end, &remote, &remote_end, &state) == 5 &&
            local == htonl(INADDR_LOOPBACK) && state == ESTABLISHED &&
            (local_port == 0 || local_end == (unsigned)local_port) &&
            (remote_port == 0 || remote_end == (unsigned)remote_port))
            count++;
    if (table)
        fclose(table);
    return count;
}
