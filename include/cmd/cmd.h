/* What all commands share: exit statuses, help, and how a command line is refused. */
#ifndef BH_CMD_CMD_H
#define BH_CMD_CMD_H

#include "base/error.h"

/* Exit statuses of the commands other than serve. */
enum { EXIT_READY = 0, EXIT_NOT_READY = 1, EXIT_USAGE = 2 };

struct command;

/* Prints help to standard output: of all commands; of one, which fits a screen of 80 columns and 24 lines; of
 * the options that the configuration has. */
void cmd_print_help(void);
void cmd_print_command_help(const struct command *command);
void cmd_print_options(void);
void cmd_print_version(void);

/* Writes a line to standard error; on a terminal it is broken between words. */
void cmd_tell(const char *text);

/* Says on standard error what is wrong, and returns EXIT_USAGE. */
int cmd_refuse(const char *text);

/* The same, and below it the line that the error speaks of. */
int cmd_refuse_error(const struct error *err);

/* Refuses a word that is no command, and names the nearest one. */
int cmd_refuse_command(const char *word);

#endif
