/* Where Kerberos puts the tickets that it fetches for us. */
#include "kinds/tickets.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* MIT's kerberos(7), and its credential cache types. A file would be one that we leave behind, that belongs
 * to the wrong user, and that the sandbox refuses: the login then failed where Bugsink's does not. */
void tickets_keep_in_memory(void) {
    static const char FILE_TYPE[] = "FILE:";
    const char *keytab = getenv("KRB5_CLIENT_KTNAME");
    if (keytab && strncmp(keytab, FILE_TYPE, sizeof FILE_TYPE - 1) == 0)
        keytab += sizeof FILE_TYPE - 1;
    if (keytab && access(keytab, R_OK) == 0)
        setenv("KRB5CCNAME", "MEMORY:", 1);
}
