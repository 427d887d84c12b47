/* cli/logs/logs.h - the command that shows what attempts wrote. */
#ifndef CLI_LOGS_LOGS_H
#define CLI_LOGS_LOGS_H

struct cli;

int cmd_logs(struct cli *c);

#endif
