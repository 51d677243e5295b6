/* MySQL's and MariaDB's errors and what they mean. */
#include "kinds/mysql/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- the server's first packet: length (3 bytes), number, protocol version or the mark of an error -- */

enum { HEADER_SIZE = 4, GREETING_MAX = 4096, PROTOCOL_OLD = 9, PROTOCOL = 10, ERROR_MARK = 0xff };

bool mysql_may_be_greeting(const unsigned char *bytes, size_t count) {
    if (count >= 3) {
        unsigned long length = bytes[0] | (unsigned long)bytes[1] << 8 | (unsigned long)bytes[2] << 16;
        if (length == 0 || length > GREETING_MAX)
            return false;
    }
    if (count >= HEADER_SIZE && bytes[3] != 0)
        return false;
    return count <= HEADER_SIZE || bytes[HEADER_SIZE] == PROTOCOL || bytes[HEADER_SIZE] == PROTOCOL_OLD ||
           bytes[HEADER_SIZE] == ERROR_MARK;
}

/* Behind the protocol's version: the server's own, as text that ends with NUL; the connection's number (4);
 * eight bytes of the scramble, and NUL; then the lower half of the capabilities. (MariaDB's documentation,
 * "Connection", initial handshake packet.) */
enum mysql_offer mysql_offer_of_greeting(const unsigned char *bytes, size_t count) {
    enum { AFTER_VERSION = 4 + 8 + 1, CAPABILITIES_SIZE = 2, SSL_BIT = 0x0800 };
    if (count <= HEADER_SIZE)
        return MYSQL_OFFER_UNKNOWN;
    if (bytes[HEADER_SIZE] != PROTOCOL)
        return MYSQL_OFFER_NOTHING;
    size_t length = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16;
    bool is_whole = count >= HEADER_SIZE + length;
    size_t end = is_whole ? HEADER_SIZE + length : count, text = HEADER_SIZE + 1;
    const unsigned char *version_end = text < end ? memchr(bytes + text, '\0', end - text) : NULL;
    size_t at = version_end ? (size_t)(version_end - bytes) + 1 + AFTER_VERSION : end;
    if (at + CAPABILITIES_SIZE > end)
        return is_whole ? MYSQL_OFFER_NONE : MYSQL_OFFER_UNKNOWN;
    return (bytes[at] | bytes[at + 1] << 8) & SSL_BIT ? MYSQL_OFFER_TLS : MYSQL_OFFER_NONE;
}

/* -- the system's errors -- */

/* The number at the message's end: "Can't connect to server on 'h' (111)", "..., system error: 104". */
static int system_error(const char *message) {
    size_t end = strlen(message);
    if (end > 0 && message[end - 1] == ')')
        end--;
    size_t start = end;
    while (start > 0 && isdigit((unsigned char)message[start - 1]))
        start--;
    return start < end ? (int)strtol(message + start, NULL, 10) : 0;
}

/* EACCES is told of a Unix socket's mode, and of a route that prohibits. */
static enum reason reason_of_connect(const char *message) {
    int error = system_error(message);
    switch (error) {
    case ETIMEDOUT: return REASON_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return REASON_RESET;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EPERM: /* netfilter, on this machine */ return REASON_UNREACHABLE;
    case EACCES: return strstr(message, "through socket") ? REASON_PERMISSION : REASON_UNREACHABLE;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return REASON_INTERNAL;
    default: return REASON_REFUSED; /* ECONNREFUSED; of a Unix socket also ENOENT, EAGAIN (its queue) */
    }
}

/* Where the server closes, the system's error is whatever stood there before; but a time-out is one. */
static enum reason reason_of_loss(const char *message) {
    return system_error(message) == ETIMEDOUT ? REASON_TIMEOUT : REASON_RESET;
}

/* OpenSSL's words for a connection that ends in mid-handshake. */
static enum reason reason_of_tls(const char *message) {
    static const char *const ENDS[] = {"unexpected eof", "Connection reset", "Broken pipe", "Success (0)"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        if (strstr(message, ENDS[i]))
            return REASON_RESET;
    return REASON_TLS;
}

/* "Got error 28 \"No space left on device\" from storage engine InnoDB", in the server's language. */
static enum reason reason_of_engine(const char *message) {
    return strtol(message + strcspn(message, "0123456789"), NULL, 10) == ENOSPC ? REASON_DISK_FULL
                                                                                : REASON_QUERY_FAILED;
}

/* -- the numbers (mysqld_error.h, errmsg.h) -- */

static const struct {
    unsigned error;
    enum reason reason;
} ROWS[] = {
    {1040, REASON_TOO_MANY_CLIENTS}, /* CON_COUNT_ERROR */
    {1203, REASON_TOO_MANY_CLIENTS}, /* TOO_MANY_USER_CONNECTIONS */
    {1226, REASON_TOO_MANY_CLIENTS}, /* USER_LIMIT_REACHED: the account's own limits */
    {1129, REASON_HOST_BLOCKED}, {1130, REASON_HOST_DENIED}, /* HOST_NOT_PRIVILEGED */
    {1044, REASON_AUTH_FAILED}, /* DBACCESS_DENIED: without rights on all, also for a missing database */
    {1045, REASON_AUTH_FAILED},
    {1698, REASON_AUTH_FAILED},      /* ACCESS_DENIED_NO_PASSWORD: unix_socket and the like */
    {1820, REASON_AUTH_FAILED},      /* MUST_CHANGE_PASSWORD */
    {1862, REASON_AUTH_FAILED},      /* MUST_CHANGE_PASSWORD_LOGIN */
    {3118, REASON_AUTH_FAILED},      /* ACCOUNT_HAS_BEEN_LOCKED, MySQL */
    {4151, REASON_AUTH_FAILED},      /* the same, MariaDB */
    {1251, REASON_AUTH_UNSUPPORTED}, /* NOT_SUPPORTED_AUTH_MODE */
    {1275, REASON_AUTH_UNSUPPORTED}, /* SERVER_IS_IN_SECURE_AUTH_MODE */
    {1524, REASON_AUTH_UNSUPPORTED}, /* PLUGIN_IS_NOT_LOADED, in the server */
    {1046, REASON_DB_MISSING},       /* NO_DB */
    {1049, REASON_DB_MISSING},       /* BAD_DB */
    {3159, REASON_TLS},              /* SECURE_TRANSPORT_REQUIRED */
    {1290, REASON_READ_ONLY},        /* OPTION_PREVENTS_STATEMENT: --read-only, --super-read-only */
    {1792, REASON_READ_ONLY},        /* CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
    {1836, REASON_READ_ONLY},        /* READ_ONLY_MODE */
    {1874, REASON_READ_ONLY},        /* INNODB_READ_ONLY */
    {1881, REASON_READ_ONLY},        /* INNODB_FORCED_RECOVERY */
    {1047, REASON_DB_STARTING}, /* UNKNOWN_COM: a Galera node that is not (or no longer) in its cluster */
    {1053, REASON_DB_STARTING}, /* SERVER_SHUTDOWN */
    {3032, REASON_DB_STARTING}, /* SERVER_OFFLINE_MODE */
    {1021, REASON_DISK_FULL}, {1114, REASON_DISK_FULL}, /* RECORD_FILE_FULL */
    {1037, REASON_OUT_OF_MEMORY}, {1038, REASON_OUT_OF_MEMORY}, {1041, REASON_OUT_OF_MEMORY},
    {1054, REASON_UNMIGRATED}, /* BAD_FIELD */
    {1142, REASON_UNMIGRATED}, /* TABLEACCESS_DENIED */
    {1143, REASON_UNMIGRATED}, /* COLUMNACCESS_DENIED */
    {1146, REASON_UNMIGRATED}, /* NO_SUCH_TABLE */
    {1932, REASON_UNMIGRATED}, /* NO_SUCH_TABLE_IN_ENGINE */
    {1205, REASON_TIMEOUT},    /* LOCK_WAIT_TIMEOUT: ours */
    {1317, REASON_TIMEOUT},    /* QUERY_INTERRUPTED: KILL QUERY, by whoever looks for long ones */
    {1969, REASON_TIMEOUT},    /* STATEMENT_TIMEOUT: ours, or the account's */
    {3024, REASON_TIMEOUT},    /* QUERY_TIMEOUT: the same in MySQL */
    {1043, REASON_PROTOCOL},   /* HANDSHAKE_ERROR */
    {1156, REASON_PROTOCOL},   /* NET_PACKETS_OUT_OF_ORDER */
    {1152, REASON_RESET},      /* ABORTING_CONNECTION */
    {1158, REASON_RESET},      /* NET_READ_ERROR */
    {1159, REASON_RESET},      /* NET_READ_INTERRUPTED */
    {1927, REASON_RESET},      /* CONNECTION_KILLED */
    /* the client library's */
    {2001, REASON_INTERNAL},         /* SOCKET_CREATE_ERROR */
    {2004, REASON_INTERNAL},         /* IPSOCK_ERROR */
    {2005, REASON_UNRESOLVED},       /* UNKNOWN_HOST */
    {2008, REASON_INTERNAL},         /* OUT_OF_MEMORY */
    {2019, REASON_INTERNAL},         /* CANT_READ_CHARSET */
    {2000, REASON_PROTOCOL},         /* UNKNOWN_ERROR: an error packet without an error in it */
    {2007, REASON_PROTOCOL},         /* VERSION_ERROR */
    {2012, REASON_PROTOCOL},         /* SERVER_HANDSHAKE_ERR */
    {2020, REASON_PROTOCOL},         /* NET_PACKET_TOO_LARGE */
    {2027, REASON_PROTOCOL},         /* MALFORMED_PACKET */
    {2049, REASON_AUTH_UNSUPPORTED}, /* SECURE_AUTH: a password from before 4.1 */
    {2059, REASON_AUTH_UNSUPPORTED}, /* AUTH_PLUGIN_CANNOT_LOAD */
    {2061, REASON_AUTH_UNSUPPORTED}, /* AUTH_PLUGIN_ERR */
    {5010, REASON_AUTH_UNSUPPORTED}, /* PLUGIN_NOT_ALLOWED */
    {5012, REASON_AUTH_UNSUPPORTED}, /* ERR_LOAD_PLUGIN */
};

/* Without a plugin the library goes on without an answer; the server's refusal, or the connection's end, then
 * gives the number, and the plugin the text. */
static bool is_plugin_missing(const char *message) {
    return strncmp(message, "Plugin ", 7) == 0 && strstr(message, "could not be loaded");
}

bool mysql_error_is_librarys(unsigned error) {
    return (error >= 2000 && error < 3000) || error >= 5000;
}

/* "Received error packet before completion of TLS handshake. The authenticity of the following error cannot
 * be verified: 1040 - Too many connections" (Connector/C 3.3.20). Nobody but the server gains by such a lie.
 */
unsigned mysql_number_of_error(unsigned error, const char *message) {
    static const char BEFORE[] = "cannot be verified: ";
    const char *at = error == 2002 ? strstr(message, BEFORE) : NULL;
    unsigned hidden = at ? (unsigned)strtoul(at + sizeof BEFORE - 1, NULL, 10) : 0;
    return hidden > 0 ? hidden : error;
}

enum reason mysql_reason_of_error(unsigned error, const char *message) {
    if (is_plugin_missing(message))
        return REASON_AUTH_UNSUPPORTED;
    error = mysql_number_of_error(error, message);
    switch (error) {
    case 1030: return reason_of_engine(message); /* GET_ERRNO */
    case 2002:                                   /* CONNECTION_ERROR */
    case 2003: return reason_of_connect(message);
    case 2006: /* SERVER_GONE_ERROR */
    case 2013: /* SERVER_LOST */
    case 2055: return reason_of_loss(message);
    case 2026: return reason_of_tls(message);
    default: break;
    }
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (ROWS[i].error == error)
            return ROWS[i].reason;
    return REASON_QUERY_FAILED;
}
