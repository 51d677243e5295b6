/* The questions that only Bugsink's database can answer: how each is put, and what an answer says. Pure. */
#ifndef BH_KINDS_HTTP_ASK_H
#define BH_KINDS_HTTP_ASK_H

#include "base/str.h"
#include "run/question.h"

#include <stdbool.h>
#include <stddef.h>

/* Who is asked, as whom. */
struct ask_address {
    const char *root; /* what stands before Bugsink's own paths: "" or "/bugsink" */
    const char *path; /* of its endpoint */
    const char *host;
    bool is_https;
};

/* Appends the whole request. None of them stores anything in Bugsink. */
void ask_write(struct strbuf *request, enum app_question question, const struct ask_address *address);

/* Whether the status alone says what there is to say, so that no body need be waited for. */
bool ask_is_told_by_status(int status);

/* What an answer to a question says; of the body as much as there is, NULL where length is 0. */
enum answer ask_judge(enum app_question question, int status, const char *body, size_t length);

#endif
