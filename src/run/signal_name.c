/* The names of signals, for people. */
#include "run/child.h"

#include <signal.h>
#include <stdio.h>

void child_signal_name(int number, char *text, size_t size) {
    static const struct {
        int number;
        const char *name;
    } NAMES[] = {{SIGABRT, "SIGABRT"}, {SIGALRM, "SIGALRM"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"},
        {SIGHUP, "SIGHUP"}, {SIGILL, "SIGILL"}, {SIGINT, "SIGINT"}, {SIGKILL, "SIGKILL"},
        {SIGPIPE, "SIGPIPE"}, {SIGQUIT, "SIGQUIT"}, {SIGSEGV, "SIGSEGV"}, {SIGSYS, "SIGSYS"},
        {SIGTERM, "SIGTERM"}, {SIGTRAP, "SIGTRAP"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (NAMES[i].number == number) {
            snprintf(text, size, "%s", NAMES[i].name);
            return;
        }
    snprintf(text, size, "signal %d", number);
}
