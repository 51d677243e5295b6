/* Binds the listening socket, which the responder is handed. */
#ifndef BH_CHECKER_LISTEN_H
#define BH_CHECKER_LISTEN_H

#include "base/error.h"

#include <stddef.h>

/* Binds and listens on "ADDRESS:PORT" ("[::]:8000" is dual-stack, and 0.0.0.0 where the system has no IPv6;
 * an empty address is [::]; "localhost" is 127.0.0.1). Returns a non-blocking descriptor, or -1 with an error
 * that says why. where (size bytes) receives the address in force, with the port the system chose for port 0.
 */
int listen_open(const char *address, char *where, size_t size, struct error *err);

/* The URL prefix by which this machine reaches a listener of that address: "http://127.0.0.1:8000". Returns
 * -1 if it does not fit. */
int listen_local_url(const char *address, char *url, size_t size);

#endif
