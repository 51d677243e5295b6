/* Where workers note their present phase: one page of shared memory each, which the checker reads when it has
 * to name a phase (at a deadline, or after a crash). So a phase costs no system call, and wakes nobody.
 *
 * The board is mapped before the nursery is forked, and comes to each worker by the fork. A worker keeps its
 * own page and gives up all others, for good. What stands on a page was written by a process whose memory a
 * driver may have spoilt. */
#ifndef BH_RUN_PHASE_BOARD_H
#define BH_RUN_PHASE_BOARD_H

#include "report/status.h"
#include "run/nursery.h"

enum { PHASE_BOARD_PAGES = 64, PHASE_BOARD_NONE = -1 };

struct phase_page;

/* Without memory for it no page can be taken. */
void phase_board_open(struct phase_board *board);
void phase_board_close(struct phase_board *board);

/* -- the checker's side -- */

/* A page for one worker, PHASE_BOARD_NONE where all are taken: such a worker reports its phases instead. */
int phase_board_take(struct phase_board *board);
void phase_board_give_back(struct phase_board *board, int number);

/* Nothing of an earlier run stands there any more. */
void phase_board_clear(const struct phase_board *board, int number);

/* What stands there; a phase that does not exist is none. */
enum phase phase_board_read(const struct phase_board *board, int number);

/* -- the worker's -- */

/* Unmaps all other pages. NULL: it has none. */
struct phase_page *phase_board_keep(const struct phase_board *board, int number);

void phase_page_note(struct phase_page *page, enum phase phase);

#endif
