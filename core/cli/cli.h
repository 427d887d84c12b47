/* cli/cli.h - the command line: `flowforge COMMAND`. One call, for the program's main.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/* Does what argv says and returns the exit code (table in docs/cli.md). Once a
 * process. */
int cli_main(int argc, char **argv, char **env);

#endif
