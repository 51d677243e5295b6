/* The versions of the libraries in use, for the start line and --version. */
#ifndef BH_CHECKER_VERSIONS_H
#define BH_CHECKER_VERSIONS_H

enum { VERSIONS_TEXT_SIZE = 160 };

/* "libevent 2.1.12, SQLite 3.40.1, jansson 2.14, libpq 15.18": those that checks have loaded come last.
 */
void versions_format(char text[VERSIONS_TEXT_SIZE]);

/* Loads the libraries that only a configuration's checks would load, as far as they are installed. */
void versions_load_all(void);

#endif
