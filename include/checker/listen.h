/* Binds the listening socket, which the responder is handed. */
#ifndef BH_CHECKER_LISTEN_H
#define BH_CHECKER_LISTEN_H

#include "base/error.h"
#include "config/address.h"

#include <stddef.h>

/* Binds and listens on an address as address_parse understands it; "[::]:8000" is dual-stack, and 0.0.0.0
 * where the system has no IPv6. Returns a non-blocking descriptor, or -1 with an error that says why. where
 * receives the address in force, with the port the system chose for port 0. */
int listen_open(const char *text, char where[ADDRESS_TEXT_SIZE], struct error *err);

/* The URL prefix by which this machine reaches a listener of that address: "http://127.0.0.1:8000". Returns
 * -1 if it does not fit, or text is no address. */
int listen_local_url(const char *text, char *url, size_t size);

#endif
