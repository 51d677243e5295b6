/* Small questions to an open SQLite database: one value each, and no statement left open behind it. */
#include "kinds/sqlite/parts.h"

#include "base/str.h"

#include <stdio.h>
#include <time.h>

/* Returns SQLITE_ROW with a statement that stands on a row whose first value is not NULL; else there is no
 * statement. */
static int ask(sqlite3 *db, const char *sql, sqlite3_stmt **statement) {
    int code = sqlite3_prepare_v2(db, sql, -1, statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(*statement);
    if (code == SQLITE_ROW && sqlite3_column_type(*statement, 0) == SQLITE_NULL)
        code = SQLITE_DONE;
    if (code != SQLITE_ROW) {
        sqlite3_finalize(*statement);
        *statement = NULL;
    }
    return code;
}

int sqlite_ask_int(sqlite3 *db, const char *sql, int64_t *value) {
    sqlite3_stmt *statement;
    int code = ask(db, sql, &statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}

int sqlite_ask_text(sqlite3 *db, const char *sql, char *text, size_t size) {
    sqlite3_stmt *statement;
    int code = ask(db, sql, &statement);
    if (code == SQLITE_ROW) {
        const unsigned char *value = sqlite3_column_text(statement, 0);
        if (value)
            str_copy(text, size, (const char *)value);
        else
            code = SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    return code;
}

int sqlite_ask_column(sqlite3 *db, const char *table, const char *column) {
    int code = sqlite3_table_column_metadata(db, "main", table, column, NULL, NULL, NULL, NULL, NULL);
    return code == SQLITE_OK ? SQLITE_ROW : code == SQLITE_ERROR ? SQLITE_DONE : code;
}

int sqlite_read_any_row(sqlite3 *db) {
    char name[256];
    /* A virtual table has no root page, and its module may not be there. */
    int code = sqlite_ask_text(db,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 LIMIT 1", name, sizeof name);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    char *sql = sqlite3_mprintf("SELECT 1 FROM main.\"%w\" LIMIT 1", name);
    if (!sql)
        return SQLITE_NOMEM;
    int64_t one;
    code = sqlite_ask_int(db, sql, &one);
    sqlite3_free(sql);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Not timegm: time_t ends in 2038 on a 32-bit machine. A 31 February is a day in March. */
static int64_t seconds_since_1970(const struct tm *tm) {
    int year = tm->tm_year;
    static const int BEFORE[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int last = year - 1, leap_days = last / 4 - last / 100 + last / 400 - 477; /* those before 1970 */
    int days = 365 * (year - 1970) + leap_days + BEFORE[tm->tm_mon - 1] + tm->tm_mday - 1;
    if (is_leap && tm->tm_mon > 2)
        days++;
    return ((int64_t)days * 24 + tm->tm_hour) * 3600 + tm->tm_min * 60 + tm->tm_sec;
}

int sqlite_parse_time(const char *text, int64_t *ms) {
    struct tm tm = {0};
    char separator;
    /* Widths bound the numbers, so that none can overflow. NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &separator,
            &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 7)
        return -1;
    if ((separator != ' ' && separator != 'T') || tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
        tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
        tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
        return -1;
    *ms = seconds_since_1970(&tm) * 1000;
    return 0;
}
