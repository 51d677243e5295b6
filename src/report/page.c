/* Tells the pages for people from the others. */
#include "report/page.h"

#include <string.h>

bool page_is_for_people(const struct page *page) {
    return strcmp(page->type, PAGE_TYPE_HTML) == 0;
}
