/* What the tests of the manual and of the completion share: a set of words, and a text taken apart. */
#ifndef BH_TESTS_DOCUMENTS_H
#define BH_TESTS_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MAX = 200, WORD_SIZE = 64 };

/* Words, each once. Plain bytes; {0} is none. */
struct words {
    char words[WORDS_MAX][WORD_SIZE];
    size_t count;
};

void words_add(struct words *words, const char *word, size_t length);

/* Adds what stands in text between the characters of separators. */
void words_add_all(struct words *words, const char *text, const char *separators);

bool words_have(const struct words *words, const char *word);

/* Ends the test, naming what is in one alone, where they are not the same words; what says of what they are.
 */
void words_assert_same(const struct words *found, const struct words *expected, const char *what);

/* Adds the flags of the configuration. */
void words_add_options(struct words *words);

#endif
