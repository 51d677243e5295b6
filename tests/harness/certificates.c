/* Makes certificates. */
#include "harness/certificates.h"

#include "harness/tempdir.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const char COMMAND[] =
    "cd '%s' && for name in right wrong; do "
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$name"
    " -keyout $name-ca.key -out $name-ca.crt && "
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=db.example"
    " -keyout $name.key -out $name.csr && "
    "printf 'subjectAltName=%s' > $name.ext && "
    "openssl x509 -req -in $name.csr -CA $name-ca.crt -CAkey $name-ca.key -CAcreateserial -days 2"
    " -extfile $name.ext -out $name.crt && chmod 0644 $name.key || exit 1; done >openssl.log 2>&1";

char *certificates_make(const char *subject) {
    char command[1024];
    if (system("command -v openssl >/dev/null 2>&1") != 0)
        return NULL;
    char *directory = tempdir_new();
    snprintf(command, sizeof command, COMMAND, directory, subject);
    ck_assert_msg(system(command) == 0, "openssl fails: see openssl.log in %s", directory);
    return directory;
}
