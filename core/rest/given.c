/* given.c - workflow files that requests bring or name: parsed, and where what is made
 * of them works. */
#include "rest/given.h"

#include <string.h>

#define WORK_FOLDER "work" /* in the data directory; in it one of each tenant */

/* Files that come by the API stand in no folder: their tasks work in one of their
 * tenant's. */
static int work_dir(struct rest_call *c, const char **dir, struct ff_err *err)
{
    struct buf path = {0};

    buf_printf(&path, "%s/" WORK_FOLDER "/%lld",
               node_settings(c->rest->setup.node)->files_dir,
               (long long)c->who.tenant.no);

    const int sys = file_make_dirs(buf_text(&path), 0700);

    *dir = arena_text(&c->arena, buf_text(&path), path.len);
    buf_done(&path);
    if (sys == 0)
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, -sys, "a folder for tasks: %s", strerror(-sys));
}

int given_fail(struct rest_call *c, const struct flow_problems *problems,
               struct ff_err *err)
{
    rest_add_flow_problems(c, problems);
    return rest_fail(c, PROBLEM_INVALID, err, "%s%s%s", problems->items[0].msg,
                     problems->items[0].hint[0] ? "; " : "", problems->items[0].hint);
}

static int parse(struct rest_call *c, struct given *s, struct ff_err *err)
{
    struct flow_problems problems = {0};
    char hash[SHA256_TEXT];
    int code = FF_OK;

    flows_hash(c->rest, s->text, s->len, hash);
    s->rest = c->rest;
    s->flow = flows_take(c->rest, span_of(hash));
    if (!s->flow)
        s->flow = flow_parse(s->text, s->len, &problems);
    if (!s->flow)
        code = given_fail(c, &problems, err);
    flow_problems_done(&problems);
    return code;
}

int given_source(struct rest_call *c, struct given *s, struct ff_err *err)
{
    *s = (struct given){.text = rest_text(c, "source")};
    s->len = strlen(s->text);
    if (parse(c, s, err) != FF_OK)
        return err->code;
    return work_dir(c, &s->dir, err);
}

static int read_dir(struct rest_call *c, struct given *s, struct span dir,
                    struct ff_err *err)
{
    if (!dir.s)
        return work_dir(c, &s->dir, err);
    s->dir = arena_text(&c->arena, dir.s, dir.len);
    return FF_OK;
}

int given_hash(struct rest_call *c, struct span hash, struct span dir, struct given *s,
               struct ff_err *err)
{
    struct workflow_row row;

    *s = (struct given){0};
    if (store_workflow(c->store, c->reader, c->who.tenant, hash, &c->arena, &row,
                       err) != FF_OK)
        return err->code;
    s->text = row.source.s;
    s->len = row.source.len;
    if (parse(c, s, err) != FF_OK)
        return err->code;
    return read_dir(c, s, dir, err);
}

int given_fail_missing(const char *word, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no workflow %.100s", word);
}

int given_find(struct rest_call *c, const char *word, struct workflow_version_row *row,
               struct ff_err *err)
{
    const int code = node_workflow_find(c->rest->setup.node, c->reader, c->who.tenant,
                                        word, &c->arena, row, err);

    if (code == FF_NOT_FOUND || code == FF_INVALID)
        return given_fail_missing(word, err);
    return code;
}

#define ETAG_HASH 32 /* digits */

/* The same text may come back under another number. */
void given_etag(const struct workflow_version_row *row, char out[GIVEN_ETAG])
{
    snprintf(out, GIVEN_ETAG, "\"v%lld-%.*s\"", (long long)row->number,
             (int)(row->hash.len < ETAG_HASH ? row->hash.len : ETAG_HASH), row->hash.s);
}

int given_match(struct rest_call *c, const struct workflow_version_row *newest,
                struct ff_err *err)
{
    struct workflow_version_row next;
    char etag[GIVEN_ETAG];

    if (!http_header(c->request, "if-match"))
        return FF_OK;
    if (!newest)
        return rest_match_etag(c, NULL, err);
    given_etag(newest, etag);
    if (rest_match_etag(c, etag, err) != FF_OK)
        return err->code;
    /* It is neither forgotten nor followed by another one. */
    next = *newest;
    next.number++;
    batch_check(c->batch, &record_workflow_version, newest, newest->version);
    batch_check(c->batch, &record_workflow_version, &next, FF_ABSENT);
    c->n_guards += 2;
    return FF_OK;
}

void given_done(struct given *s)
{
    if (s->flow)
        flows_put(s->rest, s->flow);
    s->flow = NULL;
}
