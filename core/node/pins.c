/* pins.c - which texts the `uses` of a workflow mean, decided once for a run and all
 * runs inside it. Each `uses` is found by the hash of the file that it stands in. */
#include "node/pins.h"

#include <errno.h>
#include <string.h>

#define PINS_MAX 1000 /* different texts in one run */

/* One text. */
struct found {
    struct buf source;
    char *path, *dir;
    struct flow *flow;
};

static void found_done(struct found *f)
{
    buf_done(&f->source);
    mem_free(f->path);
    mem_free(f->dir);
    flow_unref(f->flow);
}

static int parse(struct found *found, const char *uses, struct ff_err *err)
{
    struct flow_problems problems = {0};

    found->flow = flow_parse(buf_text(&found->source), found->source.len, &problems);
    if (!found->flow)
        ff_fail(err, FF_INVALID, 0, "%.100s:%d:%d: FF%03d: %.100s", uses,
                problems.items[0].line, problems.items[0].column,
                problems.items[0].code, problems.items[0].msg);
    flow_problems_done(&problems);
    return found->flow ? FF_OK : FF_INVALID;
}

static int read_beside(const char *dir, const char *uses, struct found *found,
                       struct ff_err *err)
{
    MEM_AUTO char *joined = file_join(dir, uses);

    found->path = file_real(joined);
    const int code =
        found->path ? file_read(found->path, FLOW_MAX_BYTES, &found->source) : -errno;
    if (code != 0 || !found->path)
        return ff_fail(err, code == -ENOENT ? FF_NOT_FOUND : FF_INVALID, -code,
                       "%.120s beside it: %s", uses, strerror(-code));
    const char *slash = strrchr(found->path, '/');
    found->dir = mem_text_len(found->path,
                              slash == found->path ? 1 : (size_t)(slash - found->path));
    return parse(found, uses, err);
}

static int read_stored(struct pins *p, const char *uses, struct found *found,
                       struct ff_err *err)
{
    struct workflow_version_row version;
    struct workflow_row row;
    struct arena arena = {0};
    int code = node_workflow_find(p->node, p->tenant, uses + strlen(FLOW_USES_WORKFLOW),
                                  &arena, &version, err);

    if (code == FF_OK)
        code = store_workflow(p->node->store, STORE_READER_CALLER, p->tenant,
                              version.hash, &arena, &row, err);
    if (code == FF_OK) {
        buf_add(&found->source, row.source.s, row.source.len);
        found->dir =
            version.dir.s ? mem_text_len(version.dir.s, version.dir.len) : NULL;
        code = parse(found, uses, err);
    }
    arena_done(&arena);
    return code;
}

/* --- does it fit? --- */

static const struct flow_input *input_of(const struct flow *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_inputs; i++)
        if (strcmp(f->inputs[i].name, name) == 0)
            return &f->inputs[i];
    return NULL;
}

static int check_with(const struct flow_work *work, const struct flow *f,
                      struct ff_err *err)
{
    for (uint32_t i = 0; i < work->n_with; i++)
        if (!input_of(f, work->with[i].name))
            return ff_fail(err, FF_INVALID, 0, "%s has no input %s", f->name,
                           work->with[i].name);
    for (uint32_t i = 0; i < f->n_inputs; i++) {
        bool given = !f->inputs[i].required;
        for (uint32_t k = 0; !given && k < work->n_with; k++)
            given = strcmp(work->with[k].name, f->inputs[i].name) == 0;
        if (!given)
            return ff_fail(err, FF_INVALID, 0,
                           "%s needs the input %s: give it in with:", f->name,
                           f->inputs[i].name);
    }
    return FF_OK;
}

static int check_outputs(const struct flow *user, const struct flow_task *task,
                         const struct flow *f, struct ff_err *err)
{
    for (uint32_t i = 0; i < user->n_asked; i++) {
        const struct flow_asked *asked = &user->asked[i];
        bool has = strcmp(asked->task, task->name) != 0;
        for (uint32_t k = 0; !has && k < f->n_outputs; k++)
            has = strcmp(f->outputs[k].name, asked->output) == 0;
        if (!has)
            return ff_fail(err, FF_INVALID, 0,
                           "%s has no output %s, which line %d uses", f->name,
                           asked->output, asked->line);
    }
    return FF_OK;
}

/* --- all of them --- */

static int pin_flow(struct pins *p, const struct flow *f, const struct flow *file,
                    const char *dir, struct ff_err *err);

static void add_pin(struct pins *p, const char *key, const struct found *found)
{
    const struct workflow_row row = {
        .tenant = p->tenant.no,
        .hash = span_of(found->flow->hash),
        .name = span_of(found->flow->name),
        .source = {.s = buf_text(&found->source), .len = found->source.len},
        .path = span_of(found->path),
        .created_at = loop_wall_us(p->node->loop),
    };
    json_t *pin = json_pack("{s:s, s:s}", "workflow", found->flow->name, "hash",
                            found->flow->hash);

    if (found->dir)
        json_object_set_new(pin, "dir", json_string(found->dir));
    json_object_set_new(p->pins, key, pin);
    if (found->path) /* of one that was applied it is there */
        batch_put(p->batch, &record_workflow, &row, FF_ANY_VERSION);
}

static int find(struct pins *p, const char *uses, const char *dir, struct found *found,
                struct ff_err *err)
{
    if (!flow_uses_file(uses))
        return read_stored(p, uses, found, err);
    if (dir)
        return read_beside(dir, uses, found, err);
    return ff_fail(err, FF_INVALID, 0,
                   "%.100s can be used only by a file that is run itself: apply it "
                   "and write workflow:NAME",
                   uses);
}

/* The workflow that a task uses is there. */
static int pin_found(struct pins *p, const struct flow_task *t, const struct flow *file,
                     const struct found *found, struct ff_err *err)
{
    struct buf key = {0};

    buf_printf(&key, "%s %s", file->hash, t->work->uses);
    const bool known = json_object_get(p->pins, buf_text(&key)) != NULL;
    int code = check_with(t->work, found->flow, err);
    if (code == FF_OK)
        code = check_outputs(file, t, found->flow, err);
    if (code == FF_OK && !known && json_object_size(p->pins) >= PINS_MAX)
        code = ff_fail(err, FF_INVALID, 0, "more than %d workflows are used", PINS_MAX);
    if (code == FF_OK && !known) {
        add_pin(p, buf_text(&key), found);
        code =
            pin_flow(p, found->flow, found->flow, found->path ? found->dir : NULL, err);
    }
    buf_done(&key);
    return code;
}

static int pin_task(struct pins *p, const struct flow_task *t, const struct flow *file,
                    const char *dir, struct ff_err *err)
{
    struct found found = {0};
    int code = find(p, t->work->uses, dir, &found, err);

    if (code == FF_OK && found.flow)
        code = pin_found(p, t, file, &found, err);
    found_done(&found);
    return code;
}

/* A text that uses itself is known by then: this ends. */
static int pin_flow(struct pins *p, const struct flow *f, const struct flow *file,
                    const char *dir, struct ff_err *err)
{
    int code = FF_OK;

    for (uint32_t i = 0; code == FF_OK && i < f->n_tasks; i++) {
        const struct flow_task *t = &f->tasks[i];
        struct ff_err why = {0};
        if (t->work->uses)
            code = pin_task(p, t, file, dir, &why);
        if (code != FF_OK)
            ff_fail(err, code, 0, "%.60s: line %d: task %.63s: %s", file->name, t->line,
                    t->name, why.msg);
        else if (t->work->group)
            code = pin_flow(p, t->work->group, file, dir, err);
    }
    return code;
}

int node_pin(struct pins *p, const struct flow *f, const char *dir, struct ff_err *err)
{
    p->pins = json_object();
    return pin_flow(p, f, f, dir, err);
}
