/* The commands. Each reads its own arguments, does its work and returns the process's exit status. */
#ifndef BH_CMD_CMD_H
#define BH_CMD_CMD_H

/* Exit statuses of the commands other than serve. */
enum { EXIT_READY = 0, EXIT_NOT_READY = 1, EXIT_USAGE = 2 };

/* argv holds what follows the command's name, NULL-terminated; environment is NAME=VALUE, NULL-terminated. */
int cmd_serve(char **argv, const char *const *environment);
int cmd_check(char **argv, const char *const *environment);
int cmd_wait(char **argv, const char *const *environment);
int cmd_probe(char **argv, const char *const *environment);
int cmd_config(char **argv, const char *const *environment);
int cmd_explain(char **argv, const char *const *environment);

/* Prints --help to standard output. */
void cmd_print_help(void);
void cmd_print_version(void);

/* Says on standard error what is wrong, and returns EXIT_USAGE. */
int cmd_refuse(const char *text);

#endif
