/* Allocation that does not fail, and memory that is overwritten when it is freed. */
#include "config/memory.h"

#include "base/process.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What is allocated to be wiped begins with its size. */
enum { SIZE_ROOM = alignof(max_align_t) > sizeof(size_t) ? alignof(max_align_t) : sizeof(size_t) };

void *memory_grow(void *array, size_t count, size_t size) {
    void *grown = reallocarray(array, count, size);
    if (!grown)
        process_out_of_memory();
    return grown;
}

void *memory_wiping_malloc(size_t size) {
    char *block = size > SIZE_MAX - SIZE_ROOM ? NULL : malloc(SIZE_ROOM + size);
    if (block) {
        memcpy(block, &size, sizeof size);
        return block + SIZE_ROOM;
    }
    process_out_of_memory();
}

void memory_wiping_free(void *memory) {
    if (!memory)
        return;
    size_t size;
    char *block = (char *)memory - SIZE_ROOM;
    memcpy(&size, block, sizeof size);
    explicit_bzero(memory, size);
    free(block);
}
