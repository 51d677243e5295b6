/* The names of the questions. */
#include "run/question.h"

#include <stddef.h>

const char *question_name(enum app_question question) {
    static const char *const NAMES[QUESTION_COUNT] = {
        [QUESTION_TOKEN] = "token", [QUESTION_PROJECT] = "project"};
    return NAMES[question];
}
