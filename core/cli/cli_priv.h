/* cli/cli_priv.h - the table of all commands, and help from it. */
#ifndef CLI_CLI_PRIV_H
#define CLI_CLI_PRIV_H

#include "cli/frame/frame.h"

extern const struct cli_command cli_commands[]; /* ends with a NULL name */

void cli_print_help(const struct cli *c, const struct cli_command *command);
/* Says what was meant, perhaps; returns CLI_USAGE. */
int cli_unknown_command(const char *first, const char *second);

/* Does what the command says, here or by a server; exit code. */
int cli_call(struct cli *c);

int cmd_completion(struct cli *c);
int cmd_help(struct cli *c);
int cmd_man(struct cli *c);
int cmd_version(struct cli *c);

#endif
