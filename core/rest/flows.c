/* flows.c - parsed workflow files, kept for the next request that wants the same one:
 * to read a file of 100,000 tasks takes a second. One is lent to one request at a time,
 * as its owners are counted by one thread only; several may be kept of one file. */
#include "rest/rest_priv.h"

#include <string.h>

#define KEPT_MAX  32
#define TASKS_MAX 200000 /* in all that are kept: some 150 bytes each */

void flows_open(struct rest *r)
{
    pthread_mutex_init(&r->flows.mutex, NULL);
}

void flows_close(struct rest *r)
{
    for (size_t i = 0; i < r->flows.n; i++)
        flow_unref(r->flows.items[i]);
    ARRAY_DONE(&r->flows);
    pthread_mutex_destroy(&r->flows.mutex);
}

static struct flow *take_out(struct rest_flows *kept, size_t at)
{
    struct flow *flow = kept->items[at];

    kept->n--;
    for (size_t i = at; i < kept->n; i++)
        kept->items[i] = kept->items[i + 1];
    kept->n_tasks -= flow->n_tasks;
    return flow;
}

struct flow *flows_take(struct rest *r, struct span hash)
{
    struct rest_flows *kept = &r->flows;
    struct flow *found = NULL;

    pthread_mutex_lock(&kept->mutex);
    for (size_t i = kept->n; i > 0 && !found; i--)
        if (span_is(hash, kept->items[i - 1]->hash))
            found = take_out(kept, i - 1);
    pthread_mutex_unlock(&kept->mutex);
    return found;
}

/* The one that was used longest ago is first. */
static struct flow *take_surplus(struct rest_flows *kept)
{
    struct flow *oldest = NULL;

    pthread_mutex_lock(&kept->mutex);
    if (kept->n > KEPT_MAX || kept->n_tasks > TASKS_MAX)
        oldest = take_out(kept, 0);
    pthread_mutex_unlock(&kept->mutex);
    return oldest;
}

void flows_put(struct rest *r, struct flow *flow)
{
    struct rest_flows *kept = &r->flows;

    if (!flow)
        return;
    if (flow->owner)
        flow = flow->owner;
    pthread_mutex_lock(&kept->mutex);
    ARRAY_ADD(kept, flow);
    kept->n_tasks += flow->n_tasks;
    pthread_mutex_unlock(&kept->mutex);
    while ((flow = take_surplus(kept)))
        flow_unref(flow);
}

/* --- hashes --- */

static bool find_hash(struct rest_flows *kept, const struct rest_name *name,
                      char out[SHA256_TEXT])
{
    const size_t n =
        kept->n_hashed < REST_HASHED_MAX ? kept->n_hashed : REST_HASHED_MAX;

    for (size_t i = 0; i < n; i++)
        if (memcmp(&kept->hashed[i].name, name, sizeof(*name)) == 0) {
            memcpy(out, kept->hashed[i].hash, SHA256_TEXT);
            return true;
        }
    return false;
}

/* The same text comes with one request after the other. */
void flows_hash(struct rest *r, const char *text, size_t len, char out[SHA256_TEXT])
{
    struct rest_flows *kept = &r->flows;
    const struct rest_name name = rest_name(r, text, len);

    pthread_mutex_lock(&kept->mutex);
    const bool found = find_hash(kept, &name, out);
    pthread_mutex_unlock(&kept->mutex);
    if (found)
        return;
    sha256_text(text, len, out);
    pthread_mutex_lock(&kept->mutex);
    struct rest_hashed *h = &kept->hashed[kept->n_hashed++ % REST_HASHED_MAX];

    h->name = name;
    memcpy(h->hash, out, SHA256_TEXT);
    pthread_mutex_unlock(&kept->mutex);
}
