/* The board on which workers note their phases. */
#include "run/phase_board.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

struct phase_page {
    _Atomic uint32_t phase;
};

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct phase_page *page_of(const struct phase_board *board, int number) {
    return (struct phase_page *)(void *)(board->pages + (size_t)number * page_bytes());
}

static bool is_page(const struct phase_board *board, int number) {
    return board->pages && number >= 0 && number < PHASE_BOARD_PAGES;
}

/* Memory is taken for those pages alone that are written to. */
void phase_board_open(struct phase_board *board) {
    void *pages = mmap(
        NULL, PHASE_BOARD_PAGES * page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *board = (struct phase_board){.pages = pages == MAP_FAILED ? NULL : pages};
}

void phase_board_close(struct phase_board *board) {
    if (board->pages)
        munmap(board->pages, PHASE_BOARD_PAGES * page_bytes());
    *board = (struct phase_board){.pages = NULL};
}

/* -- the checker's side -- */

int phase_board_take(struct phase_board *board) {
    for (int number = 0; is_page(board, number); number++)
        if (!(board->taken >> number & 1)) {
            board->taken |= UINT64_C(1) << number;
            return number;
        }
    return PHASE_BOARD_NONE;
}

void phase_board_give_back(struct phase_board *board, int number) {
    if (is_page(board, number))
        board->taken &= ~(UINT64_C(1) << number);
}

void phase_board_clear(const struct phase_board *board, int number) {
    phase_page_note(page_of(board, number), PHASE_NONE);
}

enum phase phase_board_read(const struct phase_board *board, int number) {
    uint32_t phase = atomic_load_explicit(&page_of(board, number)->phase, memory_order_relaxed);
    return phase < PHASE_COUNT ? (enum phase)phase : PHASE_NONE;
}

/* -- the worker's -- */

struct phase_page *phase_board_keep(const struct phase_board *board, int number) {
    size_t size = page_bytes(), all = PHASE_BOARD_PAGES * size;
    if (!is_page(board, number)) {
        if (board->pages)
            munmap(board->pages, all);
        return NULL;
    }
    size_t before = (size_t)number * size;
    if (before > 0)
        munmap(board->pages, before);
    if (before + size < all)
        munmap(board->pages + before + size, all - before - size);
    return page_of(board, number);
}

void phase_page_note(struct phase_page *page, enum phase phase) {
    atomic_store_explicit(&page->phase, (uint32_t)phase, memory_order_relaxed);
}
