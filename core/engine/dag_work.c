/* dag_work.c - renders one attempt: its command, variables, standard input and folder,
 * from the file and the state of the run. Never stored: the same state gives the same
 * rendering. */
#include "engine/dag_priv.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *program, *flag;
} langs[] = {
    [FLOW_SH] = {"/bin/sh", "-c"},
    [FLOW_PYTHON] = {"python3", "-c"},
    [FLOW_NODE] = {"node", "-e"},
};

struct render {
    struct dag_scope scope;
    const struct flow_task *task;
    struct arena *arena;
    struct ff_err *err;
};

/* Text of a value, in the arena; NULL with a sentence. */
static const char *text_of(struct render *re, const struct flow_value *v,
                           const char *what, size_t *len)
{
    struct ff_err why = {0};
    json_t *value = dag_eval(&re->scope, v, &why);

    if (!value) {
        ff_fail(re->err, FF_INVALID, 0, "%s: %.190s", what, why.msg);
        return NULL;
    }
    int failed = EXPR_OK;
    char *text = expr_to_text(value, &failed);
    json_decref(value);
    if (!text) { /* too deep it is not: dag_eval sees to that */
        mem_exhausted();
        return NULL; /* never: for those who cannot see that */
    }
    const size_t n = strlen(text);
    const char *kept = arena_text(re->arena, text, n);
    free(text);
    if (len)
        *len = n;
    return kept;
}

/* The plan may go before the attempt does: when its run is loaded again, or over. */
static const char *own(struct render *re, const char *text)
{
    return arena_text(re->arena, text, strlen(text));
}

static const char **list_in(struct arena *a, size_t n)
{
    return arena_alloc(a, (n + 1) * sizeof(char *));
}

/* script.file stands beside the workflow, wherever the task works. */
static const char *script_path(struct render *re, const struct run *r, const char *file)
{
    const struct span dir = r->row.dir;
    const size_t size = dir.len + strlen(file) + 2;

    if (!dir.s)
        return own(re, file);
    char *path = arena_alloc(re->arena, size);
    snprintf(path, size, "%.*s/%s", (int)dir.len, dir.s, file);
    return path;
}

static int render_run(struct render *re, const struct run *r, struct work *work)
{
    const char **argv = list_in(re->arena, 4);

    (void)r;
    argv[0] = "/bin/sh";
    argv[1] = "-eu";
    argv[2] = "-c";
    argv[3] = own(re, re->task->work->text);
    argv[4] = NULL;
    work->argv = argv;
    return FF_OK;
}

static int render_script(struct render *re, const struct run *r, struct work *work)
{
    const struct flow_work *w = re->task->work;
    const char **argv = list_in(re->arena, 3);
    size_t n = 0;

    argv[n++] = w->interpreter ? own(re, w->interpreter) : langs[w->lang].program;
    if (w->text)
        argv[n++] = langs[w->lang].flag;
    argv[n++] = w->text ? own(re, w->text) : script_path(re, r, w->file);
    work->script = w->text ? NULL : argv[n - 1];
    argv[n] = NULL;
    work->argv = argv;
    return FF_OK;
}

static int render_command(struct render *re, const struct run *r, struct work *work)
{
    const struct flow_work *w = re->task->work;
    const char **argv = list_in(re->arena, w->n_argv);

    (void)r;
    for (uint32_t i = 0; i < w->n_argv; i++) {
        argv[i] = text_of(re, &w->argv[i], "command", NULL);
        if (!argv[i])
            return re->err->code;
    }
    argv[w->n_argv] = NULL;
    work->argv = argv;
    return FF_OK;
}

/* By its name only: where it is, the executor knows. */
static int render_http(struct render *re, const struct run *r, struct work *work)
{
    const char **argv = list_in(re->arena, 1);
    json_t *request = dag_http_request(&re->scope, re->task->work->http, re->err);

    (void)r;
    if (!request)
        return re->err->code;

    char *text = json_text(request);

    argv[0] = WORK_HTTP_PROGRAM;
    argv[1] = NULL;
    work->argv = argv;
    work->http = true;
    work->input_len = strlen(text);
    work->input = arena_text(re->arena, text, work->input_len);
    mem_free(text);
    json_decref(request);
    return FF_OK;
}

/* The kinds that are attempts; the others have a row in dag_kinds[]. */
static int (*const renders[FLOW_N_KINDS])(struct render *re, const struct run *r,
                                          struct work *work) = {
    [FLOW_RUN] = render_run,
    [FLOW_COMMAND] = render_command,
    [FLOW_SCRIPT] = render_script,
    [FLOW_HTTP] = render_http,
};

/* Only which: what they are never comes here. */
static void render_secrets(struct render *re, struct work *work)
{
    const struct flow_work *w = re->task->work;
    const size_t most = w->n_env + 1u + (w->kind == FLOW_HTTP ? w->http->headers.n : 0);
    struct work_secret *secrets = arena_alloc(re->arena, most * sizeof(*secrets));
    size_t n = 0;

    for (uint32_t i = 0; i < w->n_env; i++)
        if (w->env[i].value.secret)
            secrets[n++] = (struct work_secret){.name = own(re, w->env[i].value.secret),
                                                .variable = own(re, w->env[i].name)};
    if (w->kind == FLOW_HTTP)
        dag_http_secrets(w->http, re->arena, secrets, &n);
    if (w->input && w->input->secret)
        secrets[n++] = (struct work_secret){.name = own(re, w->input->secret)};
    work->secrets = secrets;
    work->n_secrets = n;
}

static int render_env(struct render *re, const struct run *r, struct work *work)
{
    const struct flow_task *t = re->task;
    const char **env = list_in(re->arena, t->work->n_env + 1u);
    size_t n = 0;

    for (uint32_t i = 0; i < t->work->n_env; i++) {
        char what[96];
        if (t->work->env[i].value.secret)
            continue;
        snprintf(what, sizeof(what), "env.%.80s", t->work->env[i].name);
        const char *value = text_of(re, &t->work->env[i].value, what, NULL);
        if (!value)
            return re->err->code;
        const size_t size = strlen(t->work->env[i].name) + strlen(value) + 2;
        char *pair = arena_alloc(re->arena, size);
        snprintf(pair, size, "%s=%s", t->work->env[i].name, value);
        env[n++] = pair;
    }
    if (t->part != FLOW_MAIN) {
        char *pair = arena_alloc(re->arena, 64);
        snprintf(pair, 64, "FF_RUN_STATUS=%s", run_state_names[dag_main_result(r)]);
        env[n++] = pair;
    }
    env[n] = NULL;
    work->env = env;
    return FF_OK;
}

static void render_outputs(struct render *re, struct work *work)
{
    const struct flow_task *t = re->task;
    struct work_output *outputs =
        arena_alloc(re->arena, (t->work->n_outputs + 1u) * sizeof(*outputs));

    for (uint32_t i = 0; i < t->work->n_outputs; i++)
        outputs[i] = (struct work_output){
            .name = own(re, t->work->outputs[i].name),
            .file = own(re, t->work->outputs[i].file),
            .from = (enum work_from)t->work->outputs[i].from,
            .as = (enum work_as)t->work->outputs[i].as,
            .optional = t->work->outputs[i].optional,
        };
    work->outputs = outputs;
    work->n_outputs = t->work->n_outputs;
}

/* False with a sentence: null, and not optional. */
static bool render_artifact(struct render *re, const struct flow_artifact *a,
                            struct work_artifact *out)
{
    struct ff_err why = {0};
    json_t *value = dag_eval(&re->scope, &a->from, &why);

    *out = (struct work_artifact){.name = own(re, a->name), .path = own(re, a->path)};
    if (!value)
        return ff_fail(re->err, FF_INVALID, 0, "artifacts.in.%.64s: %.160s", a->name,
                       why.msg) == FF_OK;
    if (json_typeof(value) != JSON_NULL) {
        char *text = json_text(value);

        out->value = own(re, text);
        mem_free(text);
    }
    json_decref(value);
    if (!out->value && !a->optional)
        ff_fail(re->err, FF_INVALID, 0,
                "artifacts.in.%.64s: there is none: its "
                "value is null, and it is not optional",
                a->name);
    return out->value || a->optional;
}

static int render_artifacts(struct render *re, struct work *work)
{
    const struct flow_artifacts *in = re->task->work->artifacts;
    const uint32_t n = in ? in->n : 0;
    struct work_artifact *made = arena_alloc(re->arena, (n + 1u) * sizeof(*made));
    size_t n_made = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (!render_artifact(re, &in->items[i], &made[n_made]))
            return re->err->code;
        n_made += made[n_made].value != NULL;
    }
    work->artifacts = made;
    work->n_artifacts = n_made;
    work->artifact_dir = n > 0;
    for (size_t i = 0; i < work->n_outputs; i++)
        if (work->outputs[i].as == WORK_AS_ARTIFACT)
            work->artifact_dir = true;
    return FF_OK;
}

static int render(struct render *re, const struct run *r, struct work *work)
{
    const struct flow_task *t = re->task;
    int code = renders[t->work->kind](re, r, work);

    if (code == FF_OK)
        code = render_env(re, r, work);
    if (code != FF_OK)
        return code;
    if (t->work->input && !t->work->input->secret) {
        work->input = text_of(re, t->work->input, "stdin", &work->input_len);
        if (!work->input)
            return re->err->code;
    }
    if (t->work->dir) {
        work->dir = text_of(re, t->work->dir, "working_dir", NULL);
        if (!work->dir)
            return re->err->code;
    }
    render_outputs(re, work);
    render_secrets(re, work);
    return render_artifacts(re, work);
}

int dag_describe(struct run *r, int64_t node, int64_t attempt, struct arena *arena,
                 struct work *work, struct ff_err *err)
{
    const struct unit *u = dag_unit(dag_of(r), node);
    char path[96];

    if (!u || u->state != TASK_RUNNING || u->attempt != attempt)
        return ff_fail(err, FF_NOT_FOUND, 0, "this attempt is not the current one");
    const struct flow_task *t = &flow_of(r)->tasks[NODE_TASK(node)];
    if (!renders[t->work->kind])
        return ff_fail(err, FF_NOT_FOUND, 0, "no attempt carries this task out");
    struct render re = {.task = t, .arena = arena, .err = err};
    dag_node_path(r, node, path, sizeof(path));
    *work = (struct work){
        .task = own(&re, t->name),
        .path = arena_text(arena, path, strlen(path)),
        .attempt = attempt,
        .timeout_us = t->policy->timeout_us,
        .heartbeat_us = t->policy->heartbeat_us,
        .grace_us = t->policy->grace_us,
        .cpu_milli = t->policy->cpu_milli,
        .memory_bytes = t->policy->memory_bytes,
        .node_selector = t->policy->node_selector,
    };
    /* now() is the run's start: a rendering must not depend on when it is made. */
    dag_scope_init(&re.scope, r, t, NODE_ITEM(node), attempt, r->row.started_at);
    int code = render(&re, r, work);
    dag_scope_done(&re.scope);
    if (code == FF_OK && t->policy->limits && !dag_limits(r, node, arena, err))
        code = err->code;
    return code;
}

void dag_node_path(const struct run *r, int64_t node, char *out, size_t size)
{
    const struct flow *f = flow_of(r);
    const int64_t task = NODE_TASK(node);
    const bool known = task >= 0 && task < (int64_t)f->n_tasks;
    const char *name = known ? f->tasks[task].name : "?";
    char item[ENGINE_INT_TEXT + 1];
    size_t item_len = 0;

    if (known && NODE_ITEM(node) >= 0) {
        item[0] = '.';
        item_len = (size_t)(engine_put_int(item + 1, NODE_ITEM(node)) - item);
    }
    const size_t name_len = strnlen(name, size - 1);
    if (item_len > size - 1 - name_len)
        item_len = size - 1 - name_len;
    memcpy(out, name, name_len);
    memcpy(out + name_len, item, item_len);
    out[name_len + item_len] = 0;
}
