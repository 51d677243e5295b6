/* What all commands share: exit statuses, --help, and how a command line is refused. */
#ifndef BH_CMD_CMD_H
#define BH_CMD_CMD_H

/* Exit statuses of the commands other than serve. */
enum { EXIT_READY = 0, EXIT_NOT_READY = 1, EXIT_USAGE = 2 };

/* Prints --help to standard output. */
void cmd_print_help(void);
void cmd_print_version(void);

/* Says on standard error what is wrong, and returns EXIT_USAGE. */
int cmd_refuse(const char *text);

#endif
