/* answers.c - what was answered about single runs since the last commit, whoever made
 * that: who asks for the state of a run again and again costs no read of the store. A
 * store that cannot tell its moment is read each time. On the loop only. */
#include "rest/rest_priv.h"

#include <string.h>

#define KEPT_MAX  1024
#define BYTES_MAX ((size_t)16 * 1024) /* of one */

struct kept {
    int64_t tenant, project, version;
    size_t len;
    char json[];
};

void answers_close(struct rest *r)
{
    void *kept;

    for (size_t i = 0; map_next(&r->answers.by_id, &i, &kept);)
        mem_free(kept);
    map_done(&r->answers.by_id);
    r->answers.by_id = (struct map){0};
}

/* The moment is from before the read, so what a commit changes between them is thrown
 * away too early and never too late. */
static void look_at_moment(struct rest_call *c)
{
    struct rest_answers *a = &c->rest->answers;
    struct store_moment now = {{0}};
    const bool told = store_moment(c->store, c->reader, &now);

    if (a->by_id.n > 0 &&
        (!told || memcmp(&now, &a->moment, sizeof(now)) != 0 || a->by_id.n >= KEPT_MAX))
        answers_close(c->rest);
    a->told = told;
    a->moment = now;
}

bool answers_take(struct rest_call *c, int *code, struct ff_err *err)
{
    if (!c->on_loop)
        return false;
    look_at_moment(c);
    const struct kept *kept = map_get_text(&c->rest->answers.by_id, rest_path(c, "id"));

    if (!kept || kept->tenant != c->who.tenant.no)
        return false;
    *code = rest_judge_run(c, kept->project, err);
    if (*code == FF_OK) {
        rest_set_version(c, kept->version);
        buf_add(&c->out, kept->json, kept->len);
    }
    return true;
}

void answers_keep(struct rest_call *c, const struct run_row *run)
{
    struct rest_answers *a = &c->rest->answers;
    const char *id = rest_path(c, "id");

    if (!c->on_loop || !a->told || c->out.len > BYTES_MAX ||
        map_get_text(&a->by_id, id))
        return;
    struct kept *kept = mem_alloc(sizeof(*kept) + c->out.len);

    kept->tenant = run->tenant;
    kept->project = run->project;
    kept->version = run->version;
    kept->len = c->out.len;
    memcpy(kept->json, c->out.data, c->out.len);
    map_set_text(&a->by_id, id, kept);
}
