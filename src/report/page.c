/* Tells pages for clients of particular media types from the usual ones. */
#include "report/page.h"

#include <string.h>

/* 0: for everybody. */
static unsigned taste_of(const char *type) {
    if (strcmp(type, PAGE_TYPE_HTML) == 0)
        return PAGE_TASTE_HTML;
    return strcmp(type, PAGE_TYPE_OPENMETRICS) == 0 ? PAGE_TASTE_OPENMETRICS : 0;
}

bool page_is_for_some(const struct page *page) {
    return taste_of(page->type) != 0;
}

bool page_is_for(const struct page *page, unsigned tastes) {
    return page_type_is_for(page->type, tastes);
}

bool page_type_is_for(const char *type, unsigned tastes) {
    return (taste_of(type) & tastes) != 0;
}
