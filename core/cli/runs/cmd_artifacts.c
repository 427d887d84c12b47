/* cmd_artifacts.c - the files and folders that the tasks of a run have handed on: which
 * there are, and one of them brought here. */
#include "cli/read/run_children.h"
#include "cli/runs/artifacts.h"
#include "cli/runs/runs.h"

#include "exec/exec.h"
#include <stdlib.h>
#include <string.h>

/* --- which there are --- */

static json_t *outputs_of(const struct finding *f, struct span stored)
{
    const char *data_dir = node_settings(f->s->node)->files_dir;
    MEM_AUTO char *id = mem_text_len(f->view->run.id.s, f->view->run.id.len);
    struct ff_err ignored;

    return stored.s ? exec_resolve(data_dir, id, stored, &ignored) : NULL;
}

static char *path_of(const struct task_row *row)
{
    struct buf path = {0};

    buf_add(&path, row->task.s, row->task.len);
    if (row->item != MODEL_NULL)
        buf_printf(&path, ".%lld", (long long)row->item);
    return buf_take(&path);
}

static void find_in_row(struct finding *f, const struct flow_task *task,
                        const struct task_row *row)
{
    json_t *outputs = outputs_of(f, row->outputs);

    for (uint32_t i = 0; outputs && i < task->work->n_outputs; i++) {
        const char *name = task->work->outputs[i].name;
        struct found found = {0};

        if (task->work->outputs[i].as != FLOW_AS_ARTIFACT ||
            !artifact_from_json(json_object_get(outputs, name), &found.artifact))
            continue;
        found.path = path_of(row);
        found.name = mem_text(name);
        ARRAY_ADD(&f->all, found);
    }
    json_decref(outputs);
}

static void find_in_task(struct finding *f, uint32_t index)
{
    const struct task_view *t = &f->view->tasks[index];
    const struct flow_task *task = &f->view->flow->tasks[index];

    if (f->item < 0)
        find_in_row(f, task, &t->row);
    for (size_t i = 0; i < t->items.n; i++)
        if (f->item < 0 || t->items.items[i].item == f->item)
            find_in_row(f, task, &t->items.items[i]);
}

static void find_in_all(struct finding *f)
{
    for (uint32_t i = 0; i < f->view->flow->n_tasks; i++)
        if (f->task < 0 || f->task == i)
            find_in_task(f, i);
}

/* TASK or TASK.ITEM. */
static int choose_task(struct finding *f, const char *word)
{
    const char *dot = strrchr(word, '.');
    MEM_AUTO char *name = mem_text_len(word, dot ? (size_t)(dot - word) : strlen(word));
    char *end = NULL;

    f->item = dot ? strtoll(dot + 1, &end, 10) : -1;
    f->task = flow_task_index(f->view->flow, name);
    if (f->task >= 0 && (!dot || (end != dot + 1 && !*end && f->item >= 0)))
        return CLI_OK;
    return cli_fail(CLI_NOT_FOUND, "the workflow %s has no task %s",
                    f->view->flow->name, word);
}

static void finding_done(struct finding *f)
{
    for (size_t i = 0; i < f->all.n; i++) {
        mem_free(f->all.items[i].path);
        mem_free(f->all.items[i].name);
    }
    ARRAY_DONE(&f->all);
}

/* --- shown --- */

static void add_json(const struct finding *f, struct buf *out)
{
    struct jsonw w = {.out = out};

    jsonw_open(&w, '[');
    for (size_t i = 0; i < f->all.n; i++) {
        const struct found *found = &f->all.items[i];

        jsonw_open(&w, '{');
        jsonw_key(&w, "task");
        jsonw_text(&w, found->path);
        jsonw_key(&w, "name");
        jsonw_text(&w, found->name);
        jsonw_key(&w, "type");
        jsonw_text(&w, artifact_type_names[found->artifact.type]);
        jsonw_key(&w, "size");
        jsonw_int(&w, found->artifact.size);
        jsonw_key(&w, "sha256");
        jsonw_text(&w, found->artifact.hash);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    buf_add_char(out, '\n');
}

static void add_text(const struct cli *c, const struct finding *f, struct buf *out)
{
    struct cli_grid g = {.n_columns = 5, .colour = c->colour};

    for (size_t i = 0; i < f->all.n; i++) {
        const struct found *found = &f->all.items[i];

        cli_cell(&g, CLI_PLAIN, found->path);
        cli_cell(&g, CLI_PLAIN, found->name);
        cli_cell(&g, CLI_PLAIN, artifact_type_names[found->artifact.type]);
        cli_cell_f(&g, "%lld", (long long)found->artifact.size);
        cli_cell_f(&g, "%.12s", found->artifact.hash);
    }
    cli_grid_add_to(&g, out);
    if (f->all.n == 0)
        cli_note(c, "there are no artifacts");
}

/* --- brought here --- */

static int choose_one(const struct finding *f, const char *name,
                      const struct found **one)
{
    *one = NULL;
    for (size_t i = 0; i < f->all.n; i++) {
        if (strcmp(f->all.items[i].name, name) != 0)
            continue;
        if (*one)
            return cli_fail(CLI_USAGE,
                            "%s and %s both have an artifact %s: say whose you want",
                            (*one)->path, f->all.items[i].path, name);
        *one = &f->all.items[i];
    }
    return *one ? CLI_OK : cli_fail(CLI_NOT_FOUND, "there is no artifact %s", name);
}

static int get_from_here(const struct finding *f, const struct found *one,
                         const struct artifact_target *to)
{
    struct ff_err err = {0};
    struct blobs *b = node_open_blobs(f->s->node, &err);

    if (b)
        artifact_get(b, (struct tenant){f->view->run.tenant}, &one->artifact, to, &err);
    blobs_close(b);
    return err.code == FF_OK ? CLI_OK
                             : cli_fail((int)cli_exit_of(err.code), "artifact %s: %s",
                                        one->name, err.msg);
}

static int get_to(const struct cli *c, const struct finding *f, const struct found *one,
                  const char *to)
{
    MEM_AUTO char *here = file_real(".");
    MEM_AUTO char *whole = file_join(here ? here : "/", to);
    char *slash = strrchr(whole, '/');
    const char *folder = slash == whole ? "/" : whole;
    const struct artifact_target target = {
        .root = folder, .path = slash + 1, .scratch = folder};

    *slash = '\0';
    return c->remote ? artifacts_bring(c->remote, f, one, &target)
                     : get_from_here(f, one, &target);
}

static int get_one(struct cli *c, const struct finding *f, const char *name)
{
    const char *to = cli_get(&c->args, "to") ? cli_get(&c->args, "to") : name;
    const struct found *one = NULL;
    int code = choose_one(f, name, &one);

    if (code != CLI_OK || !one)
        return code;
    code = get_to(c, f, one, to);
    if (code == CLI_OK)
        cli_note(c, "%s is the %s %s of %s", to,
                 artifact_type_names[one->artifact.type], name, one->path);
    return code;
}

/* --- the command --- */

/* word: TASK or TASK.ITEM, or NULL: all of the run */
static int artifacts(struct cli *c, const struct cli_session *s,
                     const struct run_row *run, const char *word)
{
    const char *name = cli_get(&c->args, "get");
    struct run_view view;
    struct finding f = {.s = s, .view = &view, .task = -1, .item = -1};
    struct buf out = {0};
    int code = run_view_read(&view, s, run, VIEW_ITEMS_ALL, -1);

    if (code == CLI_OK && word)
        code = choose_task(&f, word);
    if (code == CLI_OK && c->remote)
        code = artifacts_ask(c->remote, &f);
    else if (code == CLI_OK)
        find_in_all(&f);
    if (code == CLI_OK && name)
        code = get_one(c, &f, name);
    else if (code == CLI_OK && c->json)
        add_json(&f, &out);
    else if (code == CLI_OK)
        add_text(c, &f, &out);
    finding_done(&f);
    run_view_done(&view);
    return code == CLI_OK ? cli_print(&out) : code;
}

int cmd_artifacts(struct cli *c)
{
    struct cli_about about;
    const char *word = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
    int code;

    if (cli_has(&c->args, "to") && !cli_has(&c->args, "get"))
        return cli_fail(CLI_USAGE,
                        "--to says where --get writes it: name one by --get");
    code = cli_open_run(c, &about);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, word, &about.arena, &about.run, &word);
    if (code == CLI_OK)
        code = artifacts(c, &about.s, &about.run, word && *word ? word : NULL);
    cli_close_run(&about);
    return code;
}
