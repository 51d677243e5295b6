/* Tests of the frames of the link, in every state of disrepair. */
#include "link/link.h"
#include "link/pair.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* -- headers and leases -- */

START_TEST(a_header_comes_back_as_it_was) {
    const struct frame_header headers[] = {{FRAME_LISTENER, 0}, {FRAME_PAGES, 20},
        {FRAME_PAGES, FRAME_PAYLOAD_MAX}, {FRAME_LEASE, 8}, {FRAME_STOP, 0}, {FRAME_LISTENING, 0},
        {FRAME_LOG, 2}, {FRAME_PING, 0}, {FRAME_PONG, 0}, {FRAME_READ, 0}};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        unsigned char bytes[FRAME_HEADER_SIZE];
        struct frame_header back;
        frame_header_encode(&headers[i], bytes);
        ck_assert_int_eq(frame_header_decode(bytes, &back), 0);
        ck_assert_int_eq(back.type, headers[i].type);
        ck_assert_uint_eq(back.length, headers[i].length);
    }
}
END_TEST

START_TEST(a_header_with_a_length_its_type_cannot_have_is_refused) {
    const struct frame_header headers[] = {{FRAME_LISTENER, 1}, {FRAME_PAGES, 0}, {FRAME_PAGES, 19},
        {FRAME_PAGES, FRAME_PAYLOAD_MAX + 1}, {FRAME_PAGES, UINT32_MAX}, {FRAME_LEASE, 7}, {FRAME_LEASE, 9},
        {FRAME_STOP, 8}, {FRAME_LISTENING, 1}, {(enum frame_type)0, 0}, {FRAME_LOG, 0}, {FRAME_LOG, 3},
        {FRAME_PING, 1}, {FRAME_PONG, 1}, {FRAME_READ, 1}, {(enum frame_type)10, 0},
        {(enum frame_type)0x1000001, 0}};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        unsigned char bytes[FRAME_HEADER_SIZE];
        struct frame_header back;
        frame_header_encode(&headers[i], bytes);
        ck_assert_msg(frame_header_decode(bytes, &back) < 0, "row %zu", i);
    }
}
END_TEST

START_TEST(a_header_of_another_protocol_is_refused) {
    unsigned char bytes[FRAME_HEADER_SIZE];
    struct frame_header back;
    frame_header_encode(&(struct frame_header){FRAME_STOP, 0}, bytes);
    for (int i = 0; i < 4; i++) {
        bytes[i] ^= 0x20;
        ck_assert_int_lt(frame_header_decode(bytes, &back), 0);
        bytes[i] ^= 0x20;
    }
}
END_TEST

START_TEST(a_lease_comes_back_and_is_never_negative) {
    unsigned char bytes[FRAME_LEASE_SIZE];
    int64_t until_ms = 0;
    lease_encode(INT64_MAX, bytes);
    ck_assert_int_eq(lease_decode(bytes, sizeof bytes, &until_ms), 0);
    ck_assert_int_eq(until_ms, INT64_MAX);
    ck_assert_int_lt(lease_decode(bytes, 7, &until_ms), 0);
    lease_encode(-1, bytes);
    ck_assert_int_lt(lease_decode(bytes, sizeof bytes, &until_ms), 0);
}
END_TEST

/* -- pages -- */

static const struct page *find(const struct page_set *set, const char *path) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pages[i].path, path) == 0)
            return &set->pages[i];
    return NULL;
}

START_TEST(pages_come_back_as_they_were_and_in_order) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    struct page_set back;
    int64_t until_ms;
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_int_eq(until_ms, 777);
    ck_assert_int_eq(back.made_at_ms, 123456);
    struct page_set sent = sample_set();
    ck_assert_uint_eq(back.count, sent.count);
    for (size_t i = 0; i < back.count; i++) {
        const struct page *was = &sent.pages[i], *is = find(&back, was->path);
        ck_assert_ptr_nonnull(is);
        ck_assert_int_eq(is->status, was->status);
        ck_assert_int_eq(is->trust, was->trust);
        ck_assert_str_eq(is->type, was->type);
        ck_assert_uint_eq(is->body_length, was->body_length);
        ck_assert_mem_eq(is->body, was->body, was->body_length);
        ck_assert_int_eq(is->body[is->body_length], '\0');
        ck_assert(i == 0 || strcmp(back.pages[i - 1].path, back.pages[i].path) < 0);
    }
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(an_empty_set_is_a_set) {
    struct page_set set = {5, 0, NULL}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 6, &length);
    ck_assert_ptr_nonnull(payload);
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_uint_eq(back.count, 0);
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(a_lease_can_be_written_into_an_encoded_set) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    pages_set_lease(payload, 999);
    struct page_set back;
    int64_t until_ms;
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_int_eq(until_ms, 999);
    free(back.pages);
    free(payload);
}
END_TEST

START_TEST(a_page_that_no_responder_would_take_is_not_encoded) {
    char long_type[PAGE_TYPE_MAX + 2], long_path[PAGE_PATH_MAX + 2];
    memset(long_type, 't', sizeof long_type);
    long_type[sizeof long_type - 1] = '\0';
    memset(long_path, '/', sizeof long_path);
    memset(long_path + 1, 'p', sizeof long_path - 2);
    long_path[sizeof long_path - 1] = '\0';
    const struct page bad[] = {
        {"", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"no-slash", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/final/", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a b", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/\xc3\xa4", 200, PAGE_TRUST_LEASE, "a", "", 0},
        {long_path, 200, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a", 204, PAGE_TRUST_LEASE, "a", "", 0},
        {"/a", 200, PAGE_TRUST_COUNT, "a", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "a\r\nSet-Cookie: x", "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, long_type, "", 0},
        {"/a", 200, PAGE_TRUST_LEASE, "a", "", FRAME_PAYLOAD_MAX},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct page page = bad[i];
        struct page_set set = {1, 1, &page};
        size_t length;
        ck_assert_msg(pages_encode(&set, 1, &length) == NULL, "row %zu", i);
    }
    struct page_set many = {1, PAGE_COUNT_MAX + 1, NULL}, past = {-1, 0, NULL}, good = {1, 0, NULL};
    size_t length;
    ck_assert_ptr_null(pages_encode(&many, 1, &length));
    ck_assert_ptr_null(pages_encode(&past, 1, &length));
    ck_assert_ptr_null(pages_encode(&good, -1, &length));
}
END_TEST

START_TEST(a_path_that_stands_twice_is_refused) {
    struct page pages[] = {{"/a", 200, PAGE_TRUST_LEASE, "t", "", 0},
        {"/b", 200, PAGE_TRUST_LEASE, "t", "", 0}, {"/a", 503, PAGE_TRUST_LEASE, "t", "", 0}};
    struct page_set set = {1, 3, pages}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 1, &length);
    ck_assert_ptr_nonnull(payload);
    ck_assert_int_lt(pages_decode(payload, length, &back, &until_ms), 0);
    free(payload);
}
END_TEST

START_TEST(a_path_may_have_pages_of_several_types_in_their_order) {
    struct page pages[] = {{"/b", 200, PAGE_TRUST_LEASE, "text/plain", "3", 1},
        {"/a", 200, PAGE_TRUST_LEASE, "text/html", "2", 1},
        {"/a", 503, PAGE_TRUST_LEASE, "application/json", "1", 1}};
    struct page_set set = {1, 3, pages}, back;
    size_t length;
    int64_t until_ms;
    unsigned char *payload = pages_encode(&set, 1, &length);
    ck_assert_int_eq(pages_decode(payload, length, &back, &until_ms), 0);
    ck_assert_uint_eq(back.count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(back.pages[i].body[0], (int)('1' + i));
    free(back.pages);
    free(payload);
}
END_TEST

/* Decodes a copy that ends where its memory ends, so that the sanitizers see any byte read beyond it; and
 * reads all that was decoded, as an answer would. Returns whether it was taken. */
static bool decodes(const unsigned char *payload, size_t length) {
    unsigned char *copy = malloc(length > 0 ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, payload, length);
    struct page_set set;
    int64_t until_ms;
    int result = pages_decode(copy, length, &set, &until_ms);
    size_t sum = 0;
    for (size_t i = 0; result == 0 && i < set.count; i++) {
        const struct page *page = &set.pages[i];
        sum += strlen(page->path) + strlen(page->type);
        for (size_t at = 0; at <= page->body_length; at++)
            sum += (unsigned char)page->body[at];
        ck_assert_int_eq(page->path[0], '/');
        ck_assert(page->status == 200 || page->status == 503);
    }
    ck_assert(result < 0 || sum > 0 || set.count == 0);
    if (result == 0)
        free(set.pages);
    free(copy);
    return result == 0;
}

START_TEST(no_truncation_of_a_set_is_taken) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    for (size_t cut = 0; cut < length; cut++)
        ck_assert_msg(!decodes(payload, cut), "%zu of %zu bytes", cut, length);
    ck_assert(decodes(payload, length));
    unsigned char *longer = calloc(1, length + 1);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, payload, length);
    ck_assert(!decodes(longer, length + 1));
    free(longer);
    free(payload);
}
END_TEST

START_TEST(no_corruption_of_a_byte_leads_out_of_bounds) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    size_t refused = 0;
    for (size_t at = 0; at < length; at++) {
        unsigned char was = payload[at];
        for (int value = 0; value < 256; value++) {
            payload[at] = (unsigned char)value;
            refused += decodes(payload, length) ? 0 : 1;
        }
        payload[at] = was;
    }
    /* All but the numbers of the lease and the making, the bodies, and letters for letters. */
    ck_assert_uint_gt(refused, length * 100);
    free(payload);
}
END_TEST

START_TEST(a_count_that_cannot_be_is_refused) {
    size_t length;
    unsigned char *payload = sample_payload(&length);
    memset(payload + 16, 0xff, 4);
    ck_assert(!decodes(payload, length));
    memset(payload + 16, 0, 4);
    payload[18] = 0x10; /* 4096, the most a set may hold, in a payload that cannot hold them */
    ck_assert(!decodes(payload, length));
    free(payload);
}
END_TEST

Suite *frame_suite(void) {
    Suite *suite = suite_create("frame");
    TCase *frames = tcase_create("frames");
    suite_add_tcase(suite, frames);
    tcase_set_timeout(frames, 60);
    tcase_add_test(frames, a_header_comes_back_as_it_was);
    tcase_add_test(frames, a_header_with_a_length_its_type_cannot_have_is_refused);
    tcase_add_test(frames, a_header_of_another_protocol_is_refused);
    tcase_add_test(frames, a_lease_comes_back_and_is_never_negative);
    tcase_add_test(frames, pages_come_back_as_they_were_and_in_order);
    tcase_add_test(frames, an_empty_set_is_a_set);
    tcase_add_test(frames, a_lease_can_be_written_into_an_encoded_set);
    tcase_add_test(frames, a_page_that_no_responder_would_take_is_not_encoded);
    tcase_add_test(frames, a_path_that_stands_twice_is_refused);
    tcase_add_test(frames, a_path_may_have_pages_of_several_types_in_their_order);
    tcase_add_test(frames, no_truncation_of_a_set_is_taken);
    tcase_add_test(frames, no_corruption_of_a_byte_leads_out_of_bounds);
    tcase_add_test(frames, a_count_that_cannot_be_is_refused);
    return suite;
}
