/* api/task_priv.h - what the files of the routes for tasks share. */
#ifndef API_TASK_PRIV_H
#define API_TASK_PRIV_H

#include "api/task_api.h"
#include "api/task_seq.h"

struct task_api {
    const struct task_api_ops *ops;
    void *arg;
    int64_t heartbeat_us;
    struct loop *loop;
    struct lane *lane; /* parses large bodies; made for the first of them */
    struct list calls; /* that it has in hand */
    struct task_seq seq;
};

struct task_call;

/* Does what the call asks. FF_OK: *answer is a new reference; else call->err says why.
 */
typedef int task_act_fn(struct task_api *api, struct task_call *call, json_t **answer);

struct task_call {
    struct list link;     /* api->calls */
    struct task_api *api; /* NULL: freed meanwhile */
    struct http_reply *reply;
    const struct http_request *request;
    task_act_fn *act;
    struct task_api_who who;
    json_t *body; /* an object */
    struct ff_err err;
};

/* --- task_logs.c --- */

int task_put_logs(struct task_api *api, struct task_call *call, json_t **answer);

#endif
