/* Memory for a configuration: where it is out, the process ends; where it held a secret, it is overwritten.
 * For this room alone. */
#ifndef BH_CONFIG_MEMORY_H
#define BH_CONFIG_MEMORY_H

#include <stddef.h>

/* realloc for count elements of that size; ends the process when memory is out. */
void *memory_grow(void *array, size_t count, size_t size);

/* malloc and free for a library that copies secrets around: all is overwritten as it is freed, and the
 * process ends when memory is out, for jansson calls a text invalid that it had no memory to read
 * (lex_scan_string). What one of them allocates only the other may free. */
void *memory_wiping_malloc(size_t size);
void memory_wiping_free(void *memory);

#endif
