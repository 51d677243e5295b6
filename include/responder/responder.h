/* The responder process: serves finished pages to whoever asks, and knows nothing else. */
#ifndef BH_RESPONDER_RESPONDER_H
#define BH_RESPONDER_RESPONDER_H

#include <stdbool.h>

/* Runs until the checker says STOP (returns 0) or is gone (returns 1). link_fd is the responder's end of the
 * link. Ignores SIGINT and SIGTERM, which are the checker's affair: it answers until it is told to stop.
 * is_sandboxed: it gives up what serving does not need (base/sandbox.h) before it reads a byte from anywhere.
 */
int responder_run(int link_fd, bool is_sandboxed);

#endif
