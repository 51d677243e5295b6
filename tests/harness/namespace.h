/* A network and a mount namespace of the test's own, for faults that must not touch the machine. */
#ifndef BH_TESTS_NAMESPACE_H
#define BH_TESTS_NAMESPACE_H

/* Moves this process into new ones, where only the loopback interface is there, and up; a plain user gets a
 * user namespace around them. Returns NULL, or why it cannot be done here: a reason to skip the test. */
const char *namespace_enter(void);

/* Lays the file or directory `with` over path, as seen from this process and its children. Ends the test on
 * failure. */
void namespace_cover(const char *path, const char *with);

/* Gives the loopback interface a second IPv4 address (with a mask of 32 bits), which a server does not take
 * for its own machine's. */
void namespace_add_address(const char *address);

/* Replaces the namespace's packet filter by what nft's language says for packets that come in; "" lets all
 * pass. Returns NULL, or why it cannot be done here. */
const char *namespace_filter(const char *rules);

/* Mounts a tmpfs of that many bytes on the directory, so that a test can fill it. */
void namespace_tmpfs(const char *path, long bytes);

/* In such a namespace: a DNS server that takes every question and answers none, asked for every name,
 * localhost as well; the files for that are written to dir. Returns its descriptor, from which questions can
 * be read. */
int namespace_silent_dns(const char *dir);

#endif
