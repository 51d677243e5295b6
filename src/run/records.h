/* What a child says over its pipe, taken apart: records of a type, a length, and so many bytes. The child's
 * memory may have been spoilt by whatever it talked to, so that it may say anything. Pure. */
#ifndef BH_RUN_RECORDS_H
#define BH_RUN_RECORDS_H

#include "run/child.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_type {
    RECORD_PHASE = 0x50484153,  /* a uint32_t */
    RECORD_RESULT = 0x52455355, /* at most CHILD_RESULT_MAX bytes */
    RECORD_GONE = 0x474f4e45    /* none: what a worker kept between runs is gone */
};

struct record_head {
    uint32_t type;
    uint32_t size;
};

/* The largest record: smaller ones before it are taken out as they come. */
enum { RECORDS_SIZE = CHILD_RESULT_MAX + sizeof(struct record_head) };

/* {0} is one that has heard nothing. */
struct records {
    bool is_garbled; /* what came is no record, and nothing after it counts */
    size_t taken;    /* bytes of the records that were taken out */
    size_t length;   /* of what stands in the buffer */
    char buffer[RECORDS_SIZE];
};

struct record {
    enum record_type type;
    enum phase phase;    /* of RECORD_PHASE */
    const char *payload; /* of RECORD_RESULT; valid until the next call */
    size_t size;
};

/* Where the next bytes go, and how many find room: one at least, unless it is garbled or a whole record was
 * not taken out. */
char *records_room(struct records *records, size_t *size);

/* So many have come there. */
void records_add(struct records *records, size_t count);

/* Takes the next record out. Returns false where none is whole, or it is garbled. */
bool records_next(struct records *records, struct record *record);

/* Nothing more will come: a record that was cut short is garbled. */
void records_end(struct records *records);

#endif
