/* Certificates for servers of the tests, made by the command openssl. */
#ifndef BH_TESTS_CERTIFICATES_H
#define BH_TESTS_CERTIFICATES_H

/* Makes a directory with two authorities, right-ca.crt and wrong-ca.crt, and for each a server's certificate
 * and key (readable by all), right.crt, right.key and wrong.crt, wrong.key, which name nothing but `subject`:
 * "DNS:localhost", "IP:127.0.0.1". The caller frees the path. NULL: there is no openssl here. */
char *certificates_make(const char *subject);

#endif
