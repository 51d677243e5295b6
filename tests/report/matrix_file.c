/* Writes the table of failures, with what was not run. */
#include "report/matrix.h"

#include "base/str.h"
#include "harness/program.h"
#include "harness/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_SIZE = 256 };

static const char HEAD[] =
    "| reason | verdict | kinds | how it is provoked | by | test |\n|---|---|---|---|---|---|\n";

void matrix_add_line(struct strbuf *text, const struct matrix_row *row, const char *why) {
    if (row->reason == REASON_COUNT) {
        strbuf_format(text, "| | | %s |", row->subject);
    } else {
        const struct reason_info *info = reason_info(row->reason);
        strbuf_format(text, "| `%s` | %s | %s |", info->slug, status_name(info->verdict), row->subject);
    }
    strbuf_format(text, " %s | %s | `%s`: %s", row->how, matrix_by_name(row->by), row->suite, row->test);
    strbuf_format(text, why ? ": **not run here: %s** |\n" : " |\n", why);
}

void matrix_write(bool (*was_run)(const char *suite)) {
    struct strbuf text = {0};
    char path[512], why[WHY_SIZE], *skipped = skip_read();
    size_t missing = 0, count = 0;
    strbuf_append(&text, HEAD);
    for (const struct matrix_row *row; (row = matrix_at(count)) != NULL; count++) {
        bool is_skipped = skip_find(skipped, row->suite, row->test, why, sizeof why);
        if (!was_run(row->suite)) {
            snprintf(why, sizeof why, "its suite is not among those that were run");
            is_skipped = true;
        }
        missing += is_skipped;
        matrix_add_line(&text, row, is_skipped ? why : NULL);
    }
    free(skipped);
    program_beside(path, sizeof path, "failure-matrix.md");
    FILE *file = fopen(path, "w");
    if (!file || fputs(text.data, file) < 0 || fclose(file) != 0)
        perror(path);
    else
        printf("the matrix of failures: %s; of its %zu rows %zu were not run here\n", path, count, missing);
    strbuf_release(&text);
}
