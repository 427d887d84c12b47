/* cli/author/author.h - the commands for authors of workflow files: they check, draw,
 * rehearse and compare files, and need no run. */
#ifndef CLI_AUTHOR_AUTHOR_H
#define CLI_AUTHOR_AUTHOR_H

struct cli;

int cmd_diff(struct cli *c);
int cmd_fmt(struct cli *c);
int cmd_graph(struct cli *c);
int cmd_import(struct cli *c);
int cmd_lint(struct cli *c);
int cmd_schema(struct cli *c);
int cmd_sim(struct cli *c);
int cmd_test(struct cli *c);
int cmd_validate(struct cli *c);

#endif
