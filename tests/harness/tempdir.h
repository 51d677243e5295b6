/* Scratch directories for tests: all of one run under one root, which the runner removes at its end. */
#ifndef BH_TESTS_TEMPDIR_H
#define BH_TESTS_TEMPDIR_H

/* Makes the root; called once by the runner, before any test. World-searchable, so that servers of other
 * users can enter. */
void tempdir_begin(void);

/* Removes the root and all below it. */
void tempdir_end(void);

/* A new empty directory (mode 0755) below the root. The caller frees the path. */
char *tempdir_new(void);

/* Removes one of them and all below it, sooner: a server's has a thousand files, which a slow disk need not
 * even see. */
void tempdir_remove(const char *path);

/* A path in dir, formatted; the caller frees. */
char *tempdir_path(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes a file whole (mode 0644), replacing what was there. */
void tempdir_write(const char *path, const char *text);

#endif
