/* Sets of words. */
#include "cmd/documents.h"

#include "config/config.h"

#include <check.h>
#include <string.h>

bool words_have(const struct words *words, const char *word) {
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->words[i], word) == 0)
            return true;
    return false;
}

void words_add(struct words *words, const char *word, size_t length) {
    char *target = words->words[words->count];
    ck_assert_uint_lt(words->count, WORDS_MAX - 1);
    ck_assert_uint_lt(length, WORD_SIZE);
    memcpy(target, word, length);
    target[length] = '\0';
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->words[i], target) == 0)
            return;
    words->count++;
}

void words_add_all(struct words *words, const char *text, const char *separators) {
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        words_add(words, text, length);
        text += length;
    }
}

void words_assert_same(const struct words *found, const struct words *expected, const char *what) {
    for (size_t i = 0; i < expected->count; i++)
        ck_assert_msg(words_have(found, expected->words[i]), "%s: %s is missing", what, expected->words[i]);
    for (size_t i = 0; i < found->count; i++)
        ck_assert_msg(words_have(expected, found->words[i]), "%s: %s is unknown", what, found->words[i]);
}

void words_add_options(struct words *words) {
    for (size_t i = 0; config_option_doc(i); i++)
        if (config_option_doc(i)->flag)
            words_add(words, config_option_doc(i)->flag, strlen(config_option_doc(i)->flag));
}
