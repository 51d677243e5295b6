/* Shared libraries that are loaded when they are needed. A process that never needs one pays nothing for it:
 * libpq and Connector/C bring OpenSSL and Kerberos along, 2 MB and some 3 ms of every start. */
#ifndef BH_BASE_LIBRARY_H
#define BH_BASE_LIBRARY_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A function of the library, and where its address goes: into a pointer to a function of that type. */
struct library_symbol {
    const char *name;
    void *address;
};

struct library {
    const char *name;    /* "libpq", for people */
    const char *soname;  /* "libpq.so.5": what the system's loader looks for; NULL: the program is linked with
                            it, and is_loaded is set from the start */
    const char *package; /* the Debian package it is in, for the error */
    const struct library_symbol *symbols;
    size_t symbol_count;
    void (*version)(char *text, size_t size); /* its own, into text; once it is loaded */
    bool is_loaded;
};

/* Loads the library and finds all its symbols, once; it stays for the life of the process. Returns -1 with an
 * error that says what to install, or what the library lacks. */
int library_load(struct library *library, struct error *err);

/* NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters cannot stand in any */

/* Defines, for each line F(result, name, parameters, arguments) of the caller's macro FUNCTIONS(F, P), and
 * for each line P(void, ...) of those without a result, a function of that name which hands its call on to
 * the library; and SYMBOLS, the list of them for struct library. */
#define LIBRARY_FUNCTIONS(FUNCTIONS)                                                                         \
    static struct { FUNCTIONS(LIBRARY_POINTER, LIBRARY_POINTER) } loaded; /* where they are, once loaded */  \
    static const struct library_symbol SYMBOLS[] = {FUNCTIONS(LIBRARY_SYMBOL, LIBRARY_SYMBOL)};              \
    FUNCTIONS(LIBRARY_FORWARD, LIBRARY_PERFORM)

#define LIBRARY_POINTER(result, name, parameters, arguments) result(*name) parameters;
#define LIBRARY_SYMBOL(result, name, parameters, arguments)  {#name, &loaded.name},
#define LIBRARY_FORWARD(result, name, parameters, arguments)                                                 \
    result name parameters {                                                                                 \
        return loaded.name arguments;                                                                        \
    }
#define LIBRARY_PERFORM(result, name, parameters, arguments)                                                 \
    result name parameters {                                                                                 \
        loaded.name arguments;                                                                               \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

#endif
