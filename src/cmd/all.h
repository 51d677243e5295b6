/* All commands, each declared on top of its file. */
#ifndef BH_CMD_ALL_H
#define BH_CMD_ALL_H

#include "cmd/commands.h"

extern const struct command command_serve;
extern const struct command command_check;
extern const struct command command_wait;
extern const struct command command_probe;
extern const struct command command_config;
extern const struct command command_explain;

#endif
