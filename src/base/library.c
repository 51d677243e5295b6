/* Loads shared libraries. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

/* POSIX says of dlsym that the pointer may be used as one to a function; C would not have it cast. */
static int find(void *handle, const struct library_symbol *symbol) {
    void *found = dlsym(handle, symbol->name);
    if (!found)
        return -1;
    memcpy(symbol->address, &found, sizeof found);
    return 0;
}

int library_load(struct library *library, struct error *err) {
    if (library->is_loaded)
        return 0;
    /* All is bound at once: what is bound later would be so in every child anew. */
    void *handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return error_set(err, "%s cannot be loaded: is the package %s installed? (%s)", library->soname,
            library->package, dlerror());
    for (size_t i = 0; i < library->symbol_count; i++)
        if (find(handle, &library->symbols[i]) < 0)
            return error_set(err, "%s is too old, or another library: it has no %s", library->soname,
                library->symbols[i].name);
    library->is_loaded = true;
    return 0;
}
