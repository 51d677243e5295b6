/* Reads a Python module of settings without executing it. Pure. */
#ifndef BH_KINDS_SETTINGS_PYTHON_H
#define BH_KINDS_SETTINGS_PYTHON_H

#include "kinds/settings/names.h"

/* Takes text (UTF-8, NUL-terminated) apart as Python's tokenizer does: strings of all kinds with PEP 701's
 * f-strings, comments, line continuations, brackets. Adds each name that is bound at module level: by
 * assignment (plain, chained, annotated with a value, to tuples; not augmented), by :=, import, def and
 * class, in if, try, with and for blocks too; not within functions and classes. Names that come by `from x
 * import *`, exec or globals() cannot be known. What a name is assigned is known where that is a plain
 * literal (python_value.h), assigned in any case, and nothing behind it may have changed it: no +=,
 * no star import, no function with `global`. The same of the keys of a dictionary named BUGSINK. Refuses what
 * no Python would tokenize, and an assignment of nothing; beyond that, grammar and indentation are not
 * judged. Returns 0, or -1 with *fault. */
int settings_python_parse(const char *text, struct settings_names *names, struct settings_fault *fault);

#endif
