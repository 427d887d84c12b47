/* cli/executor/executor.h - the executor: a program that asks a server for attempts,
 * runs them by a runtime driver of its host, and tells what came of them. It knows no
 * store and no queue. */
#ifndef CLI_EXECUTOR_EXECUTOR_H
#define CLI_EXECUTOR_EXECUTOR_H

#include "cli/frame/frame.h"

/* Until it is told to leave. argv ends with NULL; returns the exit code. */
int executor_main(char *const *argv, char *const *env);

#endif
