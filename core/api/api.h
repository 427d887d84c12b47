/* api/api.h - what the other rooms may use of this one: the HTTP server and the
 * routes for tasks. */
#ifndef API_API_H
#define API_API_H

#include "api/http.h"
#include "api/task_api.h"

#endif
