/* Tells the pages for certain tastes from the others. */
#include "report/page.h"

#include <string.h>

/* 0: for everybody. */
static unsigned taste_of(const struct page *page) {
    if (strcmp(page->type, PAGE_TYPE_HTML) == 0)
        return PAGE_TASTE_HTML;
    return strcmp(page->type, PAGE_TYPE_OPENMETRICS) == 0 ? PAGE_TASTE_OPENMETRICS : 0;
}

bool page_is_for_some(const struct page *page) {
    return taste_of(page) != 0;
}

bool page_is_for(const struct page *page, unsigned tastes) {
    return (taste_of(page) & tastes) != 0;
}
