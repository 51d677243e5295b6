/* The responder process: serves finished pages to whoever asks, and knows nothing else. */
#ifndef BH_RESPONDER_RESPONDER_H
#define BH_RESPONDER_RESPONDER_H

#include <stdbool.h>

/* Makes this process the responder, and runs until the checker says STOP (returns 0) or is gone (returns 1).
 * link_fd is the responder's end of the link; of all other descriptors only the standard ones stay open, and
 * the environment is wiped. Ignores SIGINT, SIGTERM and SIGHUP, which the checker handles.
 * is_sandboxed: it gives up what serving does not need (base/sandbox.h) before it reads a byte from anywhere.
 */
int responder_run(int link_fd, bool is_sandboxed);

#endif
