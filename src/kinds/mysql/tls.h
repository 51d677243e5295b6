/* The server's certificate, judged by us where the client library lets us: what its own judgement asks for
 * depends on its version and on the server's address. */
#ifndef BH_SRC_KINDS_MYSQL_TLS_H
#define BH_SRC_KINDS_MYSQL_TLS_H

#include "kinds/mysql/target.h"

#include <mysql.h>

/* Finds what is needed of OpenSSL, once; without it, mysql_tls_judge does nothing. */
void mysql_tls_prepare(void);

/* Has the certificate judged as the target says: verify-ca by its authority and its time, verify-identity by
 * the host's name as well. For a handle that is not connected, and only where the target verifies; its CA is
 * an option of the handle. Version 3.3 of the library, which cannot be told, does so of its own accord. */
void mysql_tls_judge(MYSQL *mysql, enum mysql_tls tls);

#endif
