/* How the pages for people look, and what a browser may do with them: one style sheet, and the policy that
 * admits it and nothing else. No script, no address, no font of ours: a page is complete in itself. */
#ifndef BH_REPORT_STYLE_H
#define BH_REPORT_STYLE_H

/* From the doctype into the head; a title, the style element and the rest follow. */
const char *style_page_open(void);

/* The end: of the footer, which stands last, and of all around it. */
const char *style_page_close(void);

/* What stands between <style> and </style>, byte for byte: the policy knows its hash. */
const char *style_sheet(void);

/* The Content-Security-Policy: everything is forbidden but that style sheet, and data: images for the icon
 * of the tab. Short enough for an answer's head. */
const char *style_policy(void);

#endif
