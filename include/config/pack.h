/* The configuration of one check as bytes, for a process that is told this check and nothing else. */
#ifndef BH_CONFIG_PACK_H
#define BH_CONFIG_PACK_H

#include "base/str.h"
#include "config/config.h"

/* Appends it to bytes, with its secrets. Where memory is out, bytes are broken. */
void check_config_pack(const struct check_config *check, struct strbuf *bytes);

/* Reads it back: from *at (below end), which moves behind it. Returns -1 where the bytes are none; *check
 * holds nothing then. The caller releases it. */
int check_config_unpack(const char **at, const char *end, struct check_config *check);

/* Frees what such a one holds, overwriting every secret. */
void check_config_release(struct check_config *check);

/* A text, NULL included; the same two ways. The caller frees what is unpacked. */
void text_pack(const char *text, struct strbuf *bytes);
int text_unpack(const char **at, const char *end, char **text);

#endif
