/* Asks the libraries in use for their versions: of what runs, not of what it was built with. */
#include "checker/versions.h"

#include "base/str.h"
#include "kinds/kinds.h"

#include <event2/event.h>
#include <jansson.h>

/* NULL: the n-th kind is not built in, or needs none. */
static struct library *library_of(int n) {
    const struct check_kind *kind = check_kind_find((enum check_kind_id)n);
    return kind ? kind->library : NULL;
}

static void list_kinds(struct strbuf *list, bool is_linked) {
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct library *library = library_of(i);
        char version[32];
        if (!library || !library->is_loaded || (library->soname == NULL) != is_linked)
            continue;
        library->version(version, sizeof version);
        strbuf_format(list, ", %s %s", library->name, version);
    }
}

/* Those that are loaded on demand tell nothing before they are. */
void versions_format(char text[VERSIONS_TEXT_SIZE]) {
    struct strbuf list = strbuf_in(text, VERSIONS_TEXT_SIZE);
    strbuf_format(&list, "libevent %s", event_get_version());
    list_kinds(&list, true);
    strbuf_format(&list, ", jansson %s", jansson_version_str());
    list_kinds(&list, false);
}

void versions_load_all(void) {
    struct error none;
    for (int i = 0; i < KIND_COUNT; i++)
        if (library_of(i))
            library_load(library_of(i), &none);
}
