/* The first bytes of a MySQL server, of which we look at as many as have come; and its errors.
 * Sources: src/kinds/mysql/error.c */
#include "kinds/mysql/error.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

/* What is said of the first bytes is not taken back when more come. */
static void look_at_greeting(const uint8_t *data, size_t size) {
    enum mysql_offer known = MYSQL_OFFER_UNKNOWN;
    bool was_greeting = true;
    for (size_t count = 0; count <= size; count++) {
        unsigned char *bytes = fuzz_copy(data, count);
        bool is_greeting = mysql_may_be_greeting(bytes, count);
        fuzz_assert(was_greeting || !is_greeting);
        was_greeting = is_greeting;
        if (is_greeting) {
            enum mysql_offer offer = mysql_offer_of_greeting(bytes, count);
            fuzz_assert(known == MYSQL_OFFER_UNKNOWN || offer == known);
            known = offer;
        }
        free(bytes);
        if (count > 300 && count + 100 < size)
            count += 97;
    }
}

static void look_at_error(struct fuzz_input input) {
    unsigned error = fuzz_take(&input) << 8;
    error |= fuzz_take(&input);
    char *message = fuzz_text(input.at, input.left);
    enum reason reason = mysql_reason_of_error(error, message);
    fuzz_assert((unsigned)reason < REASON_COUNT && reason != REASON_OK);
    unsigned number = mysql_number_of_error(error, message);
    fuzz_assert(number == error || mysql_error_is_librarys(error));
    fuzz_assert((unsigned)mysql_reason_of_error(number, message) < REASON_COUNT);
    free(message);
}

FUZZ_TARGET(mysql_greeting) {
    struct fuzz_input input = {data, size};
    if (fuzz_take(&input) == 'e')
        look_at_error(input);
    else
        look_at_greeting(input.at, input.left);
    return 0;
}
