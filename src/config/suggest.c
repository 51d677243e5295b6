/* The distance between words, in letters to insert, delete or replace; case counts for nothing. */
#include "config/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 48 };

static bool is_same(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t distance(const char *a, const char *b) {
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t row[WORD_MAX + 1];
    if (a_length > WORD_MAX || b_length > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 0; i < a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            size_t replaced = diagonal + !is_same(a[i], b[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(row[j] + 1, row[j + 1] + 1, replaced);
        }
    }
    return row[b_length];
}

void suggestion_init(struct suggestion *suggestion, const char *word) {
    *suggestion = (struct suggestion){.word = word, .distance = WORD_MAX};
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate) {
    size_t between = distance(suggestion->word, candidate);
    size_t allowed =
        strlen(candidate) < 6 ? 2 : strlen(candidate) / 3; /* two letters that changed places count as two */
    if (between <= allowed && between < suggestion->distance) {
        suggestion->best = candidate;
        suggestion->distance = between;
    }
}
