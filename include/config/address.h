/* A numeric address and a port, as text and taken apart. */
#ifndef BH_CONFIG_ADDRESS_H
#define BH_CONFIG_ADDRESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { ADDRESS_HOST_SIZE = 46, ADDRESS_TEXT_SIZE = 56 };

struct address {
    char host[ADDRESS_HOST_SIZE]; /* numeric, in the usual form, without brackets */
    bool is_ipv6;
    uint16_t port;
};

/* Parses where to listen: "[::]:8000", "0.0.0.0:8000", ":8000" (the same as [::]:8000), "localhost:8000"
 * (127.0.0.1). Port 0 is any free one. Other host names are refused: they need a resolver. */
int address_parse(const char *text, struct address *address, struct error *err);

/* Sets host and is_ipv6 from a numeric address without brackets. Returns false where it is none. */
bool address_set_host(struct address *address, const char *host);

/* Writes "127.0.0.1:8000" or "[::1]:8000". */
void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

/* Whether a connection to target would reach a listener on this machine at `listener`, as far as the texts
 * and this machine's interfaces tell. */
bool address_reaches(const struct address *target, const struct address *listener);

#endif
