/* api/task_exec.h - joins the routes for tasks to the executor of this process. */
#ifndef API_TASK_EXEC_H
#define API_TASK_EXEC_H

#include "api/task_api.h"

/* For task_api_new; its arg is the struct exec. */
extern const struct task_api_ops task_exec_ops;

#endif
