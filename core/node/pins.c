/* pins.c - which texts the `uses` of a workflow mean, decided once for a run and all
 * runs inside it. Each `uses` is found by the hash of the file that it stands in. */
#include "node/pins.h"

#include "node/apply.h"

#include <errno.h>
#include <string.h>

#define PINS_MAX 1000 /* different texts in one run */

/* One text. */
struct found {
    struct buf source;
    char *path, *dir;
    struct flow *flow;
};

/* A text whose tasks are looked at, groups and all. */
struct file {
    const struct flow *flow;
    const char *dir; /* for those beside it, or NULL */
    struct flow_problems *problems;
};

static void found_done(struct found *f)
{
    buf_done(&f->source);
    mem_free(f->path);
    mem_free(f->dir);
    flow_unref(f->flow);
}

/* What is wrong with the workflow of a task, or the store's own trouble: a code. */
struct trouble {
    struct pins *pins;
    const struct flow_task *task;
    struct flow_problems *problems; /* of the file that the task stands in */
    struct ff_err *err;
};

static int refuse(const struct trouble *t, int code, enum flow_uses_fault fault,
                  const char *why, const char *remedy)
{
    flow_uses_refuse(t->problems, t->task, fault, why, remedy);
    return code;
}

static int refuse_broken(const struct trouble *t, const struct flow_problems *inner)
{
    const struct flow_problem *first = &inner->items[0];
    char why[200];

    snprintf(why, sizeof(why), "%.60s:%d:%d: FF%03d: %.100s", t->task->work->uses,
             first->line, first->column, first->code, first->msg);
    return refuse(t, FF_INVALID, FLOW_USES_BROKEN, why, first->hint);
}

static int parse(struct found *found, const struct trouble *t)
{
    struct flow_problems inner = {0};

    found->flow = flow_parse(buf_text(&found->source), found->source.len, &inner);
    const int code = found->flow ? FF_OK : refuse_broken(t, &inner);
    flow_problems_done(&inner);
    return code;
}

static int read_beside(const char *dir, struct found *found, const struct trouble *t)
{
    const char *uses = t->task->work->uses;
    MEM_AUTO char *joined = file_join(dir, uses);
    char why[200];

    found->path = file_real(joined);
    const int code =
        found->path ? file_read(found->path, FLOW_MAX_BYTES, &found->source) : -errno;
    if (code != 0 || !found->path) {
        snprintf(why, sizeof(why), "%.120s beside it: %s", uses, strerror(-code));
        return refuse(t, code == -ENOENT ? FF_NOT_FOUND : FF_INVALID, FLOW_USES_ABSENT,
                      why, "the path starts in the folder of this file");
    }
    const char *slash = strrchr(found->path, '/');
    found->dir = mem_text_len(found->path,
                              slash == found->path ? 1 : (size_t)(slash - found->path));
    return parse(found, t);
}

static int read_stored(struct found *found, const struct trouble *t)
{
    struct pins *p = t->pins;
    struct workflow_version_row version;
    struct workflow_row row;
    struct arena arena = {0};
    struct node *n = p->plan->node;
    const struct workflow_place place = {p->tenant, p->project};
    int code = node_workflow_used(n, p->plan->reader, place,
                                  t->task->work->uses + strlen(FLOW_USES_WORKFLOW),
                                  &arena, &version, t->err);

    if (code == FF_OK)
        code = store_workflow(n->store, p->plan->reader, p->tenant, version.hash,
                              &arena, &row, t->err);
    if (code == FF_OK) {
        buf_add(&found->source, row.source.s, row.source.len);
        found->dir =
            version.dir.s ? mem_text_len(version.dir.s, version.dir.len) : NULL;
        code = parse(found, t);
    } else if (code == FF_NOT_FOUND || code == FF_INVALID) {
        refuse(t, code, FLOW_USES_ABSENT, t->err->msg, "");
    }
    arena_done(&arena);
    return code;
}

/* --- all of them --- */

static int pin_flow(struct pins *p, const struct flow *f, const struct file *file,
                    struct ff_err *err);

static void add_pin(struct pins *p, const char *key, const struct found *found)
{
    json_t *pin = json_pack("{s:s, s:s}", "workflow", found->flow->name, "hash",
                            found->flow->hash);

    if (found->dir)
        json_object_set_new(pin, "dir", json_string(found->dir));
    json_object_set_new(p->pins, key, pin);
    if (!found->path || !p->plan) /* of one that was applied it is there */
        return;
    const struct workflow_row row = {
        .tenant = p->tenant.no,
        .hash = span_of(found->flow->hash),
        .name = span_of(found->flow->name),
        .source = {.s = buf_text(&found->source), .len = found->source.len},
        .path = span_of(found->path),
        .created_at = loop_wall_us(p->plan->node->loop),
    };
    node_put_source(p->plan->batch, &row, found->flow);
}

/* found->flow stays NULL where there is no store to look into. */
static int find(struct found *found, const char *dir, const struct trouble *t)
{
    if (!flow_uses_file(t->task->work->uses))
        return t->pins->plan ? read_stored(found, t) : FF_OK;
    if (dir)
        return read_beside(dir, found, t);
    return refuse(t, FF_INVALID, FLOW_USES_UNREACHED,
                  "a file can be used only by a file that is run itself",
                  "apply it and write workflow:NAME");
}

/* What the workflow uses itself, once for each text: one that uses itself is known by
 * then, so this ends. */
static int pin_found(const struct found *found, const struct file *file,
                     const struct trouble *t)
{
    struct pins *p = t->pins;
    struct flow_problems inner = {0};
    const struct file used = {.flow = found->flow,
                              .dir = found->path ? found->dir : NULL,
                              .problems = &inner};
    struct buf key = {0};
    int code = FF_OK;

    flow_uses_check(file->flow, t->task, found->flow, t->problems);
    buf_printf(&key, "%s %s", file->flow->hash, t->task->work->uses);
    const bool known = json_object_get(p->pins, buf_text(&key)) != NULL;
    if (!known && json_object_size(p->pins) >= PINS_MAX)
        code =
            ff_fail(t->err, FF_INVALID, 0, "more than %d workflows are used", PINS_MAX);
    if (code == FF_OK && !known) {
        add_pin(p, buf_text(&key), found);
        code = pin_flow(p, found->flow, &used, t->err);
    }
    if (inner.n > 0 && strcmp(found->flow->hash, file->flow->hash) != 0)
        refuse_broken(t, &inner);
    flow_problems_done(&inner);
    buf_done(&key);
    return code;
}

static int pin_task(struct pins *p, const struct flow_task *task,
                    const struct file *file, struct ff_err *err)
{
    const struct trouble t = {
        .pins = p, .task = task, .problems = file->problems, .err = err};
    struct found found = {0};
    const size_t before = file->problems->n;
    int code = find(&found, file->dir, &t);

    if (code == FF_OK && found.flow)
        code = pin_found(&found, file, &t);
    else if (file->problems->n > before && p->code == FF_OK)
        p->code = code;
    found_done(&found);
    return file->problems->n > before ? FF_OK : code; /* on to the next */
}

static int pin_flow(struct pins *p, const struct flow *f, const struct file *file,
                    struct ff_err *err)
{
    int code = FF_OK;

    for (uint32_t i = 0; code == FF_OK && i < f->n_tasks; i++) {
        const struct flow_task *t = &f->tasks[i];
        if (t->work->uses)
            code = pin_task(p, t, file, err);
        else if (t->work->group)
            code = pin_flow(p, t->work->group, file, err);
    }
    return code;
}

int node_fail_problems(int code, const struct flow *f,
                       const struct flow_problems *problems, struct ff_err *err)
{
    const struct flow_problem *first = &problems->items[0];

    return ff_fail(err, code, 0, "%.40s:%d:%d: FF%03d: %.100s%s%.60s", f->name,
                   first->line, first->column, first->code, first->msg,
                   first->hint[0] ? "; " : "", first->hint);
}

int node_pin(struct pins *p, const struct flow *f, const char *dir, struct ff_err *err)
{
    struct flow_problems own = {0};
    const struct file file = {
        .flow = f, .dir = dir, .problems = p->problems ? p->problems : &own};

    p->pins = json_object();
    int code = pin_flow(p, f, &file, err);
    if (code == FF_OK && file.problems->n > 0) {
        code = node_fail_problems(p->code == FF_OK ? FF_INVALID : p->code, f,
                                  file.problems, err);
    }
    flow_problems_done(&own);
    return code;
}

void node_check_uses(const struct flow *f, const char *dir,
                     struct flow_problems *problems)
{
    struct pins p = {.problems = problems};
    struct ff_err none;

    node_pin(&p, f, dir, &none);
    json_decref(p.pins);
}
