/* Listening addresses, and whether an address leads back to ourselves. */
#include "config/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const char RIGHT[] = "write ADDRESS:PORT, such as [::]:8000, 0.0.0.0:8000 or 127.0.0.1:8000";

bool address_set_host(struct address *address, const char *host) {
    unsigned char bytes[sizeof(struct in6_addr)];
    int family = strchr(host, ':') ? AF_INET6 : AF_INET;
    address->is_ipv6 = family == AF_INET6;
    return inet_pton(family, host, bytes) == 1 &&
           inet_ntop(family, bytes, address->host, sizeof address->host);
}

/* Splits at the last colon, which an IPv6 address must hide in brackets. Returns false where the form is
 * another. */
static bool split(const char *text, char host[ADDRESS_HOST_SIZE], const char **port) {
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    bool is_bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    const char *start = is_bracketed ? text + 1 : text;
    length -= is_bracketed ? 2 : 0;
    if (!colon || length >= ADDRESS_HOST_SIZE)
        return false;
    memcpy(host, start, length);
    host[length] = '\0';
    *port = colon + 1;
    return (strchr(host, ':') != NULL) == is_bracketed;
}

static bool parse_port(const char *text, uint16_t *port) {
    long value = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > UINT16_MAX)
            return false;
        value = value * 10 + (*text - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

int address_parse(const char *text, struct address *address, struct error *err) {
    char host[ADDRESS_HOST_SIZE];
    const char *port;
    if (!split(text, host, &port))
        return error_set(err, "\"%s\" is not an address and port; %s", str_quotable(text, ":[] "), RIGHT);
    if (!parse_port(port, &address->port))
        return error_set(err, "\"%s\" has no port from 0 to 65535; %s", str_quotable(text, ":[] "), RIGHT);
    const char *numeric = strcmp(host, "") == 0 ? "::" : strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (!address_set_host(address, numeric))
        return error_set(err, "\"%s\" has no numeric address, and names are not resolved; %s",
            str_quotable(text, ":[] "), RIGHT);
    return 0;
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]) {
    snprintf(text, ADDRESS_TEXT_SIZE, address->is_ipv6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

/* The address without the coat in which IPv6 wraps an IPv4 one. */
static const char *plain_host(const struct address *address) {
    static const char MAPPED[] = "::ffff:";
    bool is_mapped = strncmp(address->host, MAPPED, sizeof MAPPED - 1) == 0 && strchr(address->host, '.');
    return is_mapped ? address->host + sizeof MAPPED - 1 : address->host;
}

/* To connect to the unspecified address is to connect to this machine. */
static bool is_any(const char *host) {
    return strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
}

static bool is_loopback(const char *host) {
    return strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

/* Whether an interface of this machine (of this pod, in one) has that address now. */
static bool is_of_an_interface(const char *host) {
    struct ifaddrs *interfaces = NULL;
    bool is_found = false;
    if (getifaddrs(&interfaces) < 0)
        return false;
    for (const struct ifaddrs *one = interfaces; one && !is_found; one = one->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        int family = one->ifa_addr ? one->ifa_addr->sa_family : AF_UNSPEC;
        const void *bytes =
            family == AF_INET
                ? (const void *)&((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr
            : family == AF_INET6
                ? (const void *)&((const struct sockaddr_in6 *)(const void *)one->ifa_addr)->sin6_addr
                : NULL;
        is_found = bytes && inet_ntop(family, bytes, text, sizeof text) && strcmp(text, host) == 0;
    }
    freeifaddrs(interfaces);
    return is_found;
}

bool address_reaches(const struct address *target, const struct address *listener) {
    const char *to = plain_host(target), *at = plain_host(listener);
    if (target->port != listener->port || target->port == 0)
        return false;
    if (is_any(at))
        return is_any(to) || is_loopback(to) || is_of_an_interface(to);
    return strcmp(to, at) == 0 || (is_any(to) && is_loopback(at));
}
