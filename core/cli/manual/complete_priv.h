/* cli/manual/complete_priv.h - what the scripts for the shells share: what may stand
 * where, and how text is quoted. */
#ifndef CLI_MANUAL_COMPLETE_PRIV_H
#define CLI_MANUAL_COMPLETE_PRIV_H

#include "cli/manual/manual.h"

/* What completes a value: "@files", "@dirs", "@any" for what only its author knows, or
 * the words that there are, with a space between. Nothing for a flag. */
void complete_add_value(struct buf *out, const struct cli_option *option);
/* The same of the words after a command; nothing where it has none. */
void complete_add_words(struct buf *out, const struct cli_command *command);

/* 'text', as sh and zsh read it. */
void complete_quote(struct buf *out, const char *text);

typedef void complete_name_fn(void *arg, const char *name, const char *summary);
/* Each word that may come after `group` ("" at the beginning), once: commands, and the
 * first words of those with two. */
void complete_each_name(const struct cli_command *commands, const char *group,
                        complete_name_fn *fn, void *arg);
typedef void complete_group_fn(void *arg, const char *group);
/* "", and each first word of commands with two. */
void complete_each_group(const struct cli_command *commands, complete_group_fn *fn,
                         void *arg);

#endif
