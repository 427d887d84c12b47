/* cli/manual/manual.h - what is made of the table of commands beside --help: scripts
 * that complete what is typed, and manual pages. Text only; nothing is read. */
#ifndef CLI_MANUAL_MANUAL_H
#define CLI_MANUAL_MANUAL_H

#include "cli/frame/frame.h"

/* `commands` ends with a NULL name; hidden ones are left out. */
void manual_bash(const struct cli_command *commands, struct buf *out);
void manual_zsh(const struct cli_command *commands, struct buf *out);
void manual_fish(const struct cli_command *commands, struct buf *out);

/* A page of section 1, in the macros of man(7): of one command, or of them all. */
void manual_page(const struct cli_command *command, struct buf *out);
void manual_overview(const struct cli_command *commands, struct buf *out);

#endif
