/* Shared libraries that are loaded when they are needed. Who never needs one pays nothing for it: libpq and
 * Connector/C bring OpenSSL and Kerberos along, 2 MB and some 3 ms of every start. */
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
    const char *soname;  /* "libpq.so.5": what the system's loader looks for */
    const char *package; /* the Debian package it is in, for the error */
    const struct library_symbol *symbols;
    size_t symbol_count;
    bool is_loaded;
};

/* Loads the library and finds all its symbols, once; it stays for the life of the process. Returns -1 with an
 * error that says what to install, or what the library lacks. */
int library_load(struct library *library, struct error *err);

#endif
