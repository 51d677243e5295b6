/* What a PostgreSQL database is asked, and what its answers mean: for a fresh login and for a connection that
 * was kept alike. Pure. */
#ifndef BH_KINDS_POSTGRES_QUESTIONS_H
#define BH_KINDS_POSTGRES_QUESTIONS_H

#include "config/config.h"
#include "report/observed.h"
#include "report/reason.h"

enum { POSTGRES_SQL_SIZE = 1024, POSTGRES_COLUMNS_MAX = 4 };

struct strbuf;

/* What goes before the questions of a role, for a run that has so much time left: it opens a transaction with
 * its own limits. "" where there is nothing. */
void postgres_opening(char sql[POSTGRES_SQL_SIZE], enum role role, int64_t remaining_ms);

/* Appends the questions. They end the transaction, and may follow the opening in one message or in one of
 * their own. more: what else is asked, last; NULL: nothing. */
void postgres_questions(struct strbuf *sql, enum role role, const char *more);

/* How many results of the questions have a row, one each; not counted: the question of the login. */
int postgres_rows_wanted(enum role role);

/* One row of an answer, as texts; a value of NULL is SQL's. */
struct postgres_row {
    int count;
    const char *names[POSTGRES_COLUMNS_MAX];
    const char *values[POSTGRES_COLUMNS_MAX];
};

/* The value of that column; NULL: it is SQL's, or there is no such column. */
const char *postgres_row_field(const struct postgres_row *row, const char *column);

/* What a row says: REASON_OK where nothing is amiss, else a text for the log as well, which for an error may
 * be one of the row's. The first row that finds an error counts, then the server's error, then the first row
 * that finds something merely degraded. */
enum reason postgres_judge(const struct postgres_row *row, struct observed *observed, const char **detail);

#endif
