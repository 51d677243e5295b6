/* What a fuzz target is: a function that takes any bytes and asserts what must be true of whatever they are.
 * Alone in a program (`make fuzz`) it is libFuzzer's; in the test runner it is one of those that the suite
 * fuzz_replay feeds with its corpus. */
#ifndef BH_TESTS_FUZZ_H
#define BH_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a target; name is the file's: fuzz_NAME.c. Returns 0, or -1 for an input that is none for it. */
#ifdef FUZZ_ALONE
#define FUZZ_TARGET(name)                                                                                    \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                            \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#else
#define FUZZ_TARGET(name)                                                                                    \
    int fuzz_##name(const uint8_t *data, size_t size);                                                       \
    int fuzz_##name(const uint8_t *data, size_t size)
#endif

/* Ends the process, naming the claim, where it is not true. */
#define fuzz_assert(claim) ((claim) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #claim))
_Noreturn void fuzz_fail(const char *file, int line, const char *claim);

/* The input that is tried: fuzz_fail names it. Borrowed; NULL: none has a name. */
void fuzz_set_input_name(const char *name);

/* The bytes not taken yet. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

/* The next byte, 0 when there is none; and one below limit, which is above 0. */
unsigned fuzz_take(struct fuzz_input *input);
unsigned fuzz_take_below(struct fuzz_input *input, unsigned limit);

/* Up to as many bytes as the next one says (below limit), as a text without NUL, which the caller frees. */
char *fuzz_take_text(struct fuzz_input *input, unsigned limit);

/* A copy that ends where its memory ends, so that the sanitizers see any byte read beyond it; and one with a
 * NUL behind. The caller frees. */
void *fuzz_copy(const void *data, size_t size);
char *fuzz_text(const void *data, size_t size);

enum { FUZZ_CUTS_MAX = 15 };

/* Where the rest of the input is cut: its first byte says into how many pieces more than one, then as many
 * bytes the length of each but the last. */
struct fuzz_cuts {
    size_t ends[FUZZ_CUTS_MAX + 1]; /* of each piece, ascending; the last is the whole */
    size_t count;
};

struct fuzz_cuts fuzz_take_cuts(struct fuzz_input *input);

/* A file without a name that holds these bytes, anew at each call with that slot: its path, which holds until
 * the process ends. */
enum { FUZZ_FILES_MAX = 5 };
const char *fuzz_file(unsigned slot, const void *data, size_t size);

/* What stands for a password in seeds and dictionaries, and may never be seen outside: no setting's name, and
 * nothing that may be quoted for harmless. Whether a text shows it, as it is or percent-encoded. */
#define FUZZ_SECRET "s3^cret"
bool fuzz_shows_secret(const char *text);

#endif
