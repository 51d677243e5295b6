/* HTML: the status page, for people. Complete in itself: no script, no outside resource; what it may look
 * like is the affair of report/style.h. */
#ifndef BH_RENDER_HTML_H
#define BH_RENDER_HTML_H

#include "report/snapshot.h"

/* However many checks there are: so many are told, the worst first, and so many of those with a picture of
 * their last hour; of the rest it says how many they are. The page stays under HTML_PAGE_MAX bytes. */
enum { HTML_CHECKS_MAX = 500, HTML_CHARTS_MAX = 100, HTML_PAGE_MAX = 2 * 1024 * 1024 };

/* The page of /health/ for a browser. Returns a text that the caller frees, or NULL when memory is out. */
char *html_health(const struct snapshot *snapshot);

#endif
