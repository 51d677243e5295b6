/* The server's certificate, judged by us.
 *
 * What Connector/C asks for, seen: 3.3 verifies the authority of a server wherever a CA is named, and its
 * name where MYSQL_OPT_SSL_VERIFY_SERVER_CERT says so. 3.4 asks everybody for the name, and of a server on
 * this machine for neither name nor, without a CA, authority. Since 3.4.3 it lets us judge instead, before it
 * sends a password. */
#include "kinds/mysql/tls.h"

#include "base/library.h"
#include "kinds/mysql/library.h"

#include <errmsg.h>
#include <ma_pvio.h>
#include <string.h>

/* MARIADB_OPT_TLS_VERIFICATION_CALLBACK, which 3.3's header does not name; its library refuses the number. */
enum { OPTION_CALLBACK = 7031 };

/* The beginning of MARIADB_TLS: the same in all versions of libmariadb.so.3. */
struct tls {
    void *data; /* cppcheck-suppress unusedStructMember */
    MARIADB_PVIO *pvio;
    void *ssl;
};

/* OpenSSL's, by way of libmariadb, which is linked with it; with GnuTLS (Alpine) there are none. */
static struct {
    long (*verify_result)(const void *ssl);
    const char *(*error_text)(long result);
    void *(*peer_certificate)(const void *ssl);
    int (*check_host)(void *certificate, const char *name, size_t length, unsigned flags, char **peer_name);
    int (*check_ip)(void *certificate, const char *address, unsigned flags);
    void (*free_certificate)(void *certificate);
} openssl;

static const struct library_symbol SYMBOLS[] = {
    {"SSL_get_verify_result", &openssl.verify_result},
    {"X509_verify_cert_error_string", &openssl.error_text},
    {"SSL_get1_peer_certificate", &openssl.peer_certificate},
    {"X509_check_host", &openssl.check_host},
    {"X509_check_ip_asc", &openssl.check_ip},
    {"X509_free", &openssl.free_certificate},
};

static struct library library = {
    .soname = "libmariadb.so.3",
    .package = "libmariadb3",
    .symbols = SYMBOLS,
    .symbol_count = sizeof SYMBOLS / sizeof SYMBOLS[0],
};

void mysql_tls_prepare(void) {
    struct error err;
    (void)library_load(&library, &err);
}

/* Returns 1: refused, and with this error. */
static int refuse(const struct tls *tls, const char *why) {
    tls->pvio->set_error(tls->pvio->mysql, CR_SSL_CONNECTION_ERROR, "HY000", "TLS/SSL error: %-.100s", why);
    return 1;
}

static int judge_chain(const struct tls *tls) {
    long result = openssl.verify_result(tls->ssl); /* 0: X509_V_OK */
    return result == 0 ? 0 : refuse(tls, openssl.error_text(result));
}

static int judge_name(const struct tls *tls) {
    const char *host = tls->pvio->mysql->host;
    void *certificate = openssl.peer_certificate(tls->ssl);
    bool is_named = certificate && host &&
                    (openssl.check_host(certificate, host, strlen(host), 0, NULL) == 1 ||
                        openssl.check_ip(certificate, host, 0) == 1);
    openssl.free_certificate(certificate);
    return is_named ? 0 : refuse(tls, "the server's certificate does not name the host");
}

static int judge_authority(void *arg, unsigned flags) {
    (void)flags;
    return judge_chain(arg);
}

static int judge_identity(void *arg, unsigned flags) {
    (void)flags;
    int refused = judge_chain(arg);
    return refused ? refused : judge_name(arg);
}

void mysql_tls_judge(MYSQL *mysql, enum mysql_tls tls) {
    int (*judge)(void *arg, unsigned flags) =
        tls == MYSQL_TLS_VERIFY_IDENTITY ? judge_identity : judge_authority;
    my_bool yes = 1;
    void *address; /* as dlsym hands functions over */
    memcpy(&address, &judge, sizeof address);
    /* The library is to ask: it asks nobody where nothing is to be verified. */
    if (library.is_loaded && mysql_options(mysql, (enum mysql_option)OPTION_CALLBACK, address) == 0)
        mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}
