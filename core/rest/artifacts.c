/* artifacts.c - the files and folders that tasks have handed on: which there are, and
 * one of them as a download. It is fetched whole before any of it is sent, since only
 * then is it known that it is what its hash says. */
#include "rest/rest_priv.h"

#include "blob/blob.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES  ((size_t)128 * 1024)
#define FILES_OF_ONE 16 /* that are on their way to one tenant at a time */

/* --- which there are --- */

/* The row that a page ends behind, and how many of that row's were told of. */
struct place {
    int64_t node, n;
};

struct listing {
    struct rest_page page;
    const struct flow *flow;
    const struct run_row *run;
    struct place at;
};

static json_t *outputs_of(const struct rest_call *c, const struct run_row *run,
                          struct span stored)
{
    const char *data_dir = node_settings(c->rest->setup.node)->files_dir;
    MEM_AUTO char *id = mem_text_len(run->id.s, run->id.len);
    struct ff_err ignored;

    return stored.s ? exec_resolve(data_dir, id, stored, &ignored) : NULL;
}

/* What the task's i-th output is. False: no artifact. */
static bool artifact_of(const struct flow_task *task, uint32_t i, const json_t *outputs,
                        struct artifact *a)
{
    const struct flow_output *output = &task->work->outputs[i];

    return output->as == FLOW_AS_ARTIFACT &&
           artifact_from_json(json_object_get(outputs, output->name), a);
}

static void add(struct jsonw *w, const struct task_row *row, const char *name,
                const struct artifact *a)
{
    jsonw_open(w, '{');
    jsonw_key(w, "task");
    jsonw_text_len(w, row->task.s, row->task.len);
    if (row->item != MODEL_NULL) {
        jsonw_key(w, "item");
        jsonw_int(w, row->item);
    }
    jsonw_key(w, "name");
    jsonw_text(w, name);
    jsonw_key(w, "type");
    jsonw_text(w, artifact_type_names[a->type]);
    jsonw_key(w, "size");
    jsonw_int(w, a->size);
    jsonw_key(w, "sha256");
    jsonw_text(w, a->hash);
    if (a->executable) {
        jsonw_key(w, "executable");
        jsonw_bool(w, true);
    }
    jsonw_close(w, '}');
}

/* Those of a row behind the place. False: the page ends. */
static bool list_row(struct listing *l, const struct task_row *row)
{
    const struct flow_task *task = &l->flow->tasks[NODE_TASK(row->node)];
    json_t *outputs = outputs_of(l->page.c, l->run, row->outputs);
    struct artifact a;
    int64_t n = 0;
    bool more = true;

    for (uint32_t i = 0; more && outputs && i < task->work->n_outputs; i++) {
        if (!artifact_of(task, i, outputs, &a) || n++ < l->at.n)
            continue;
        l->at.n = n;
        more = rest_page_step(&l->page, true, &l->at, sizeof(l->at));
        if (more)
            add(&l->page.w, row, task->work->outputs[i].name, &a);
    }
    json_decref(outputs);
    return more;
}

static int list_one(void *arg, const void *read)
{
    const struct task_row *row = read;
    const char *task = rest_ask(((struct listing *)arg)->page.c, "task");
    struct listing *l = arg;

    if (l->at.node != row->node)
        l->at = (struct place){.node = row->node};
    if ((!task || span_is(row->task, task)) && !list_row(l, row))
        return 1;
    /* The next page may begin behind a row of which nothing was told. */
    return !rest_page_step(&l->page, false, &l->at, sizeof(l->at));
}

static int list_rows(struct listing *l, struct ff_err *err)
{
    struct rest_call *c = l->page.c;
    struct task_row after = {.tenant = l->run->tenant, .run = l->run->run, .node = -1};
    const struct store_query q = {
        .record = &record_task, .like = &after, .n_equal = 2, .after = &after};

    if (l->page.after.len == sizeof(l->at)) {
        memcpy(&l->at, l->page.after.data, sizeof(l->at));
        after.node = l->at.node - 1;
    }
    return store_scan(c->store, c->reader, &q, list_one, l, err);
}

int rest_artifacts_list(struct rest_call *c, struct ff_err *err)
{
    struct listing l = {.at.node = -1};
    struct run_row run;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;

    struct flow *flow = rest_flow_of(c, &run, err);

    if (!flow)
        return err->code;
    l.run = &run;
    l.flow = flow;

    int code = rest_page_begin(c, &l.page, err);

    if (code == FF_OK)
        code = list_rows(&l, err);
    code = rest_page_end(&l.page, code);
    flows_put(c->rest, flow);
    return code;
}

/* --- one of them, fetched --- */

static int fail_missing(const struct rest_call *c, struct ff_err *err)
{
    return ff_fail(err, FF_NOT_FOUND, 0, "this task has handed on no artifact %.63s",
                   rest_path(c, "artifact"));
}

static int find_in(struct rest_call *c, const struct run_row *run, struct flow *flow,
                   struct artifact *a, struct ff_err *err)
{
    const char *name = rest_path(c, "artifact");
    struct task_row row = {0};

    if (rest_find_task(c, run, flow, &row, err) != FF_OK)
        return err->code;

    MEM_AUTO char *task_name = mem_text_len(row.task.s, row.task.len);
    const struct flow_task *task = &flow->tasks[flow_task_index(flow, task_name)];
    json_t *outputs = outputs_of(c, run, row.outputs);
    bool found = false;

    for (uint32_t i = 0; !found && outputs && i < task->work->n_outputs; i++)
        found = strcmp(task->work->outputs[i].name, name) == 0 &&
                artifact_of(task, i, outputs, a);
    json_decref(outputs);
    return found ? FF_OK : fail_missing(c, err);
}

static int find(struct rest_call *c, struct artifact *a, struct ff_err *err)
{
    struct run_row run;

    if (rest_find_run(c, &run, err) != FF_OK)
        return err->code;

    struct flow *flow = rest_flow_of(c, &run, err);
    const int code = flow ? find_in(c, &run, flow, a, err) : err->code;

    flows_put(c->rest, flow);
    return code;
}

/* A file that nobody else sees, and that goes with whoever has it open. */
static int open_copy(const struct rest_call *c, int *fd, struct ff_err *err)
{
    const char *dir = node_settings(c->rest->setup.node)->data_dir;
    MEM_AUTO char *path = file_join(dir, "download.XXXXXX");

    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return FF_OK;
    *fd = mkostemp(path, O_CLOEXEC); /* not every file system has the other */
    if (*fd < 0)
        return ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", path, strerror(errno));
    unlink(path);
    return FF_OK;
}

int rest_artifact_get(struct rest_call *c, struct ff_err *err)
{
    struct artifact a;

    if (find(c, &a, err) != FF_OK)
        return err->code;
    snprintf(c->etag, sizeof(c->etag), "\"%s\"", a.hash);
    c->type =
        a.type == ARTIFACT_FOLDER ? "application/x-tar" : "application/octet-stream";
    snprintf(c->file_name, sizeof(c->file_name), "%.63s%s", rest_path(c, "artifact"),
             a.type == ARTIFACT_FOLDER ? ".tar" : "");
    c->file_size = a.size;
    if (rest_is_unchanged(c) || strcmp(c->request->method, "HEAD") == 0)
        return FF_OK;
    if (open_copy(c, &c->file, err) != FF_OK)
        return err->code;

    const int code = blobs_get(c->blobs, c->who.tenant, a.hash, c->file, err);

    if (code != FF_NOT_FOUND)
        return code;
    /* The run names it: it was to be there. */
    return ff_fail(err, FF_CORRUPT, 0, "blob %s of an artifact is not there", a.hash);
}

/* --- and sent --- */

struct rest_file {
    int64_t *place;
    struct http_stream *stream;
    int fd;
    off_t at;
};

static void end_file(struct rest_file *f)
{
    close(f->fd);
    *f->place = 0;
    mem_free(f);
}

static void on_gone(void *arg)
{
    end_file(arg);
}

/* The next piece, when the one before it is out: whoever reads slowly holds no more of
 * it in memory. It was just written, so it is read without waiting. */
static void send_piece(void *arg)
{
    struct rest_file *f = arg;
    MEM_AUTO char *piece = mem_alloc(PIECE_BYTES);
    ssize_t n;

    do
        n = pread(f->fd, piece, PIECE_BYTES, f->at);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        f->at += n;
        http_stream_write(f->stream, piece, (size_t)n);
        return;
    }
    if (n < 0)
        log_error("a download: %s", strerror(errno));
    http_stream_end(f->stream); /* which tells what is short of its length */
    end_file(f);
}

/* A tenant whose readers are slow leaves room for others. NULL: there is none. */
static int64_t *find_place(struct rest *r, int64_t tenant)
{
    int64_t *place = NULL;
    size_t n = 0;

    for (size_t i = 0; i < REST_FILES_MAX; i++) {
        n += r->files[i] == tenant;
        if (r->files[i] == 0)
            place = &r->files[i];
    }
    return n < FILES_OF_ONE ? place : NULL;
}

bool rest_file_begin(struct rest_call *c)
{
    struct rest *r = c->rest;
    int64_t *place = find_place(r, c->who.tenant.no);

    if (!place) {
        rest_answer_busy(c);
        return false;
    }
    c->blobs = node_open_blobs(r->setup.node, &c->err);
    if (!c->blobs) {
        c->code = c->err.code;
        rest_answer(c);
        return false;
    }
    *place = c->who.tenant.no;
    c->file_place = place;
    return true;
}

void rest_file_send(struct rest_call *c)
{
    struct rest_file *f = mem_alloc(sizeof(*f));
    char place[120];

    /* Names of outputs are a-z, 0-9 and _. */
    snprintf(place, sizeof(place), "attachment; filename=\"%s\"", c->file_name);
    http_reply_header(c->reply, "Content-Disposition", place);
    http_reply_header(c->reply, "X-Content-Type-Options", "nosniff");
    *f = (struct rest_file){.place = c->file_place, .fd = c->file};
    c->file = -1;
    c->file_place = NULL;

    const struct http_stream_opts opts = {.type = c->type,
                                          .has_length = true,
                                          .length = c->file_size,
                                          .gone = on_gone,
                                          .drained = send_piece,
                                          .arg = f};

    f->stream = http_stream_open(c->reply, &opts); /* the call is gone */
    if (f->stream)
        send_piece(f);
    else
        end_file(f);
}

void rest_file_done(struct rest_call *c)
{
    blobs_close(c->blobs);
    if (c->file >= 0)
        close(c->file);
    if (c->file_place)
        *c->file_place = 0;
}
