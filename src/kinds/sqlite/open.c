/* Opening a SQLite database: which way, so that reading it neither waits for ever nor leaves a trace. */
#include "kinds/sqlite/parts.h"

#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>

/* A hot journal, left by a writer that died, is rolled back by whoever reads first: SQLite's own crash
 * recovery, without which nothing can be read, and no different from what the app's next request does. Not so
 * for a big one: then the rollback could outlast the run's deadline, again and again, and lock the app out
 * meanwhile. A read-only connection leaves a hot journal alone and says SQLITE_READONLY_ROLLBACK; a journal
 * that is not hot it does not mind. */
static int flags_for(const struct sqlite_file *file) {
    const int64_t big_bytes = INT64_C(16) * 1024 * 1024;
    return (file->journal_bytes > big_bytes ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
           SQLITE_OPEN_NOMUTEX;
}

/* The path as a URI that asks for neither locks nor files beside it (sqlite.org/uri.html). */
static char *immutable_uri(const char *path) {
    struct strbuf uri = {0};
    strbuf_append(&uri, "file:");
    for (const char *at = path; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x80 && (isalnum(c) || c == '/' || c == '.' || c == '-' || c == '_'))
            strbuf_append_n(&uri, at, 1);
        else
            strbuf_format(&uri, "%%%02x", c);
    }
    strbuf_append(&uri, "?immutable=1");
    if (uri.is_broken)
        strbuf_release(&uri);
    return uri.data;
}

static int open_immutable(const struct sqlite_file *file, sqlite3 **db) {
    char *uri = immutable_uri(file->path);
    if (!uri)
        return SQLITE_NOMEM;
    int code = sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    return code;
}

/* Of what we ask nothing is longer than a name or a time. A value of 100 MB (a generated column may make one
 * of nothing) would take more memory than this process has, which looks like the sidecar's own fault; beyond
 * the limit SQLite says that the data is too big. (SQLite's own printf() then makes NULL of it, before 3.41.)
 */
enum { VALUE_MAX = 16 * 1024 * 1024 };

int sqlite_open(const struct sqlite_file *file, bool is_immutable, int busy_ms, sqlite3 **db) {
    *db = NULL;
    /* The path is absolute, so that no build of SQLite takes it for a URI or for ":memory:". */
    int code =
        is_immutable ? open_immutable(file, db) : sqlite3_open_v2(file->path, db, flags_for(file), NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, busy_ms);
    sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    return SQLITE_OK;
}

bool sqlite_is_refused_for_writing(sqlite3 *db, const struct sqlite_file *file) {
    return (flags_for(file) & SQLITE_OPEN_READWRITE) != 0 && sqlite3_db_readonly(db, "main") == 1;
}
