/* Frames as bytes: encoding and decoding, with every length, byte and bound checked, for either side may be
 * hostile. */
#include "link/link.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char MAGIC[4] = {'B', 'H', 'L', '1'};

/* A payload of pages: lease, time of making, count, and per page a fixed part and three texts, each with a
 * NUL behind. */
enum {
    SET_HEAD_SIZE = 8 + 8 + 4,
    PAGE_HEAD_SIZE = 2 + 1 + 2 + 2 + 4,
    PAGE_SIZE_MIN = PAGE_HEAD_SIZE + 3,
};

/* -- numbers, most significant byte first -- */

static unsigned char *put_number(unsigned char *at, uint64_t value, int size) {
    for (int i = size - 1; i >= 0; i--)
        *at++ = (unsigned char)(value >> (8 * i));
    return at;
}

static uint64_t number_at(const unsigned char *at, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

/* A point in time: never negative. */
static int time_at(const unsigned char *at, int64_t *time_ms) {
    uint64_t value = number_at(at, 8);
    if (value > INT64_MAX)
        return -1;
    *time_ms = (int64_t)value;
    return 0;
}

/* -- headers and leases -- */

void frame_header_encode(const struct frame_header *header, unsigned char bytes[FRAME_HEADER_SIZE]) {
    memcpy(bytes, MAGIC, sizeof MAGIC);
    unsigned char *at = put_number(bytes + sizeof MAGIC, (uint64_t)header->type, 4);
    put_number(at, header->length, 4);
}

int frame_header_decode(const unsigned char bytes[FRAME_HEADER_SIZE], struct frame_header *header) {
    uint64_t type = number_at(bytes + 4, 4);
    uint64_t length = number_at(bytes + 8, 4);
    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0 || type < FRAME_LISTENER || type > FRAME_READ)
        return -1;
    uint64_t low = 0, high = 0;
    if (type == FRAME_PAGES) {
        low = SET_HEAD_SIZE;
        high = FRAME_PAYLOAD_MAX;
    } else if (type == FRAME_LEASE) {
        low = high = FRAME_LEASE_SIZE;
    } else if (type == FRAME_LOG) {
        low = high = FRAME_LOG_SIZE;
    }
    if (length < low || length > high)
        return -1;
    *header = (struct frame_header){(enum frame_type)type, (uint32_t)length};
    return 0;
}

void lease_encode(int64_t valid_until_ms, unsigned char bytes[FRAME_LEASE_SIZE]) {
    put_number(bytes, (uint64_t)valid_until_ms, FRAME_LEASE_SIZE);
}

int lease_decode(const unsigned char *payload, size_t length, int64_t *valid_until_ms) {
    return length == FRAME_LEASE_SIZE ? time_at(payload, valid_until_ms) : -1;
}

void pages_set_lease(unsigned char *payload, int64_t valid_until_ms) {
    lease_encode(valid_until_ms, payload);
}

/* -- pages -- */

/* Visible ASCII and, where asked for, spaces: nothing that could end a header line or hide in a log. */
static bool is_clean(const char *text, size_t length, bool may_hold_spaces) {
    for (size_t i = 0; i < length; i++)
        if (text[i] < (may_hold_spaces ? 0x20 : 0x21) || text[i] > 0x7e)
            return false;
    return true;
}

static bool is_page_sound(const struct page *page, size_t path_length, size_t type_length) {
    return (page->status == 200 || page->status == 503) && (unsigned)page->trust < PAGE_TRUST_COUNT &&
           path_length >= 2 && path_length <= PAGE_PATH_MAX && page->path[0] == '/' &&
           page->path[path_length - 1] != '/' && is_clean(page->path, path_length, false) &&
           type_length >= 1 && type_length <= PAGE_TYPE_MAX && is_clean(page->type, type_length, true);
}

/* The size of the payload, 0 when the set cannot be laid out. */
static size_t payload_size(const struct page_set *set, int64_t valid_until_ms) {
    if (set->count > PAGE_COUNT_MAX || valid_until_ms < 0 || set->made_at_ms < 0)
        return 0;
    size_t size = SET_HEAD_SIZE;
    for (size_t i = 0; i < set->count; i++) {
        const struct page *page = &set->pages[i];
        size_t path_length = strlen(page->path), type_length = strlen(page->type);
        if (!is_page_sound(page, path_length, type_length) || page->body_length > FRAME_PAYLOAD_MAX)
            return 0;
        size += PAGE_SIZE_MIN + path_length + type_length + page->body_length;
        if (size > FRAME_PAYLOAD_MAX)
            return 0;
    }
    return size;
}

static unsigned char *put_text(unsigned char *at, const char *text, size_t length) {
    if (length > 0)
        memcpy(at, text, length);
    at[length] = '\0';
    return at + length + 1;
}

static unsigned char *put_page(unsigned char *at, const struct page *page) {
    size_t path_length = strlen(page->path), type_length = strlen(page->type);
    at = put_number(at, (uint64_t)page->status, 2);
    at = put_number(at, (uint64_t)page->trust, 1);
    at = put_number(at, path_length, 2);
    at = put_number(at, type_length, 2);
    at = put_number(at, page->body_length, 4);
    at = put_text(at, page->path, path_length);
    at = put_text(at, page->type, type_length);
    return put_text(at, page->body, page->body_length);
}

unsigned char *pages_encode(const struct page_set *set, int64_t valid_until_ms, size_t *length) {
    size_t size = payload_size(set, valid_until_ms);
    unsigned char *payload = size > 0 ? malloc(size) : NULL;
    if (!payload)
        return NULL;
    unsigned char *at = put_number(payload, (uint64_t)valid_until_ms, 8);
    at = put_number(at, (uint64_t)set->made_at_ms, 8);
    at = put_number(at, set->count, 4);
    for (size_t i = 0; i < set->count; i++)
        at = put_page(at, &set->pages[i]);
    *length = size;
    return payload;
}

/* Takes the text of that length, and the NUL behind it, from what is left. */
static const char *take_text(const unsigned char **at, const unsigned char *end, size_t length) {
    if ((size_t)(end - *at) < length + 1 || (*at)[length] != '\0')
        return NULL;
    const char *text = (const char *)*at;
    *at += length + 1;
    return text;
}

static int take_page(const unsigned char **at, const unsigned char *end, struct page *page) {
    if ((size_t)(end - *at) < PAGE_SIZE_MIN)
        return -1;
    const unsigned char *head = *at;
    page->status = (int)number_at(head, 2);
    page->trust = (enum page_trust)head[2];
    size_t path_length = (size_t)number_at(head + 3, 2);
    size_t type_length = (size_t)number_at(head + 5, 2);
    page->body_length = (size_t)number_at(head + 7, 4);
    *at += PAGE_HEAD_SIZE;
    page->path = take_text(at, end, path_length);
    page->type = page->path ? take_text(at, end, type_length) : NULL;
    page->body = page->type ? take_text(at, end, page->body_length) : NULL;
    return page->body && is_page_sound(page, path_length, type_length) ? 0 : -1;
}

static int compare_pages(const void *a, const void *b) {
    const struct page *one = a, *other = b;
    int order = strcmp(one->path, other->path);
    return order != 0 ? order : strcmp(one->type, other->type);
}

/* Brings the pages into the order of their paths and types. Returns -1 if two have the same of both. */
static int sort_pages(struct page *pages, size_t count) {
    if (count > 1)
        qsort(pages, count, sizeof *pages, compare_pages);
    for (size_t i = 1; i < count; i++)
        if (compare_pages(&pages[i - 1], &pages[i]) == 0)
            return -1;
    return 0;
}

int pages_decode(const unsigned char *payload, size_t length, struct page_set *set, int64_t *valid_until_ms) {
    *set = (struct page_set){0};
    if (length < SET_HEAD_SIZE || length > FRAME_PAYLOAD_MAX || time_at(payload, valid_until_ms) < 0 ||
        time_at(payload + 8, &set->made_at_ms) < 0)
        return -1;
    const unsigned char *at = payload + SET_HEAD_SIZE, *end = payload + length;
    size_t count = (size_t)number_at(payload + 16, 4);
    /* Before anything is allocated for them: so many pages must be able to stand in what came. */
    if (count > PAGE_COUNT_MAX || count > (size_t)(end - at) / PAGE_SIZE_MIN)
        return -1;
    struct page *pages = calloc(count > 0 ? count : 1, sizeof *pages);
    if (!pages)
        return -1;
    size_t taken = 0;
    while (taken < count && take_page(&at, end, &pages[taken]) == 0)
        taken++;
    if (taken < count || at != end || sort_pages(pages, count) < 0) {
        free(pages);
        return -1;
    }
    set->count = count;
    set->pages = pages;
    return 0;
}
