/* Kerberos tickets, as a look may have them: without a trace. */
#ifndef BH_KINDS_TICKETS_H
#define BH_KINDS_TICKETS_H

/* Where the environment names a keytab for clients that can be read (KRB5_CLIENT_KTNAME), Kerberos fetches
 * tickets with it and writes them to its cache: to be called before a login, so that they go to memory. A
 * cache that somebody else fills is used as it is. */
void tickets_keep_in_memory(void);

#endif
