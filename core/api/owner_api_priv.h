/* api/owner_api_priv.h - owner_api.c answers calls, owner_events.c keeps followers. */
#ifndef API_OWNER_API_PRIV_H
#define API_OWNER_API_PRIV_H

#include "api/owner_api.h"

struct owner_api {
    struct owner_api_setup setup;
    struct list cancels;   /* struct cancel, waiting for its commit */
    struct list followers; /* struct follower */
};

void owner_events_one(void *arg, const struct http_request *r,
                      struct http_reply *reply);
void owner_events_all(void *arg, const struct http_request *r,
                      struct http_reply *reply);

/* Of the tenant of the command line; else it has answered. */
bool owner_leads(const struct owner_api *api, struct http_reply *reply);

/* The run that the route's {id} names, or an answer. Text is in the arena. */
bool owner_find_run(struct owner_api *api, const struct http_request *r,
                    struct http_reply *reply, struct arena *arena, struct run_row *run);

#endif
