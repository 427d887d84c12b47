/* api/api.h - what the other rooms may use of this one: the routes for tasks
 * and of the owner, and the command line's client. */
#ifndef API_API_H
#define API_API_H

#include "api/client.h"
#include "api/owner_api.h"
#include "api/task_api.h"
#include "api/task_exec.h"

#endif
