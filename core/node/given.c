/* given.c - what runs are submitted with: large inputs go to the folder of the run,
 * durably, before the commit that makes its row, which names them. Until that commit is
 * known to have come about, or not, a marker says that the folder may be nobody's:
 * DATA_DIR/submitting/TENANT.NUMBER.RUN_ID, locked by the process that makes the run.
 * One that is locked no more was left by a process that died, or whose commit failed.
 * Then a row is put in the place of the run's: where that is refused the run is there;
 * where it is not, the run can never come about, and the folder goes. So no clock
 * decides, and a pass over markers costs nothing where nobody died.
 *
 * This rests on what a commit that is still on its way to a server has done by then:
 * its row is in its place, only not visible yet, so who puts another one there waits
 * for its end, or is refused and leaves the marker for the next pass. store-postgres
 * says COMMIT only when the server has answered all changes, and a transaction of which
 * it has not heard that ends with its connection; the other stores commit within the
 * process that died. Nothing comes later, so the row in the run's place need not stay
 * either. A driver that sent the changes and their COMMIT in one message would break
 * it: what the server reads after the row went makes a run whose inputs are gone. */
#include "node/node_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBMITTING "submitting"
#define MARKER_MAX (ID_TEXT + 48)
#define MARKER_TURNS                                                                   \
    100 /* a sweep that meets a marker before it is locked is quick                    \
         */

struct node_given {
    struct marker {
        char *path;
        int fd; /* holds the lock */
    } * items;
    size_t n, cap;
};

/* --- markers --- */

static int unusable(const char *path, int sys, struct ff_err *err)
{
    return ff_fail(err, sys == ENOSPC || sys == EDQUOT ? FF_FULL : FF_UNAVAILABLE, sys,
                   "%.160s: %s", path, strerror(sys));
}

/* The id of the run stands last in the name. */
static const char *run_of(const char *path)
{
    return strrchr(path, '.') + 1;
}

/* A sweep may have found it before it was locked, and have taken it away. */
static bool is_there(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int open_locked(const char *path)
{
    for (int i = 0; i < MARKER_TURNS; i++) {
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX) == 0 && is_there(fd))
            return fd;
        close(fd);
    }
    errno = EBUSY;
    return -1;
}

static int add_marker(const struct node *n, const char *name, struct node_given *g,
                      struct ff_err *err)
{
    MEM_AUTO char *folder = file_join(n->files_dir, SUBMITTING);
    struct marker m = {.path = file_join(folder, name)};
    int sys = -file_make_dirs(folder, 0700);

    m.fd = sys == 0 ? open_locked(m.path) : -1;
    if (sys == 0 && m.fd < 0)
        sys = errno;
    ARRAY_ADD(g, m);
    if (sys == 0)
        sys = -file_sync_dir(folder);
    return sys == 0 ? FF_OK : unusable(m.path, sys, err);
}

void node_given_done(struct node_given *g, bool durable)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++) {
        const struct marker *m = &g->items[i];
        if (durable)
            unlink(m->path);
        if (m->fd >= 0)
            close(m->fd);
        mem_free(m->path);
    }
    ARRAY_DONE(g);
    mem_free(g);
}

/* Nobody has handed the rows to the store yet, so no look at it is needed: what was
 * written goes at once, before a disk that is full is asked for more. What cannot be
 * taken away is left to the sweep. */
static void take_back(const struct node *n, struct node_given *g)
{
    bool gone = true;

    for (size_t i = 0; g && i < g->n; i++) {
        MEM_AUTO char *dir = exec_run_dir(n->files_dir, run_of(g->items[i].path));
        gone = file_remove_tree(dir) == 0 && gone;
    }
    node_given_done(g, gone);
}

/* --- keeping --- */

/* The folders around the values, which file_write_durable knows nothing of. */
static int sync_folders(const struct node *n, const char *id, struct ff_err *err)
{
    MEM_AUTO char *runs = file_join(n->files_dir, "runs");
    MEM_AUTO char *run = file_join(runs, id);
    int sys = -file_sync_dir(run);

    if (sys == 0)
        sys = -file_sync_dir(runs);
    return sys == 0 ? FF_OK : unusable(run, sys, err);
}

static int keep_one(const struct node *n, struct batch *b, size_t at,
                    struct node_given *g, struct ff_err *err)
{
    struct run_row row;
    char name[MARKER_MAX], id[ID_TEXT];
    MEM_AUTO char *kept = NULL;

    model_from_values(&record_run, b->items[at].values, &row);
    snprintf(id, sizeof(id), "%.*s", (int)row.id.len, row.id.s);
    snprintf(name, sizeof(name), "%lld.%lld.%s", (long long)row.tenant,
             (long long)row.run, id);
    int code = add_marker(n, name, g, err);
    FAILPOINT("node.given.marked");
    if (code == FF_OK)
        code = exec_keep(n->files_dir, id, EXEC_RUN_OWN, row.inputs, &kept, err);
    if (code != FF_OK || !kept)
        return code;
    engine_run_set_inputs(b, at, span_of(kept));
    return sync_folders(n, id, err);
}

int node_keep_given(const struct node *n, struct batch *b, struct node_given **given,
                    struct ff_err *err)
{
    int code = FF_OK;

    *given = NULL;
    for (size_t i = 0; code == FF_OK && i < b->n; i++) {
        const struct ff_change *c = &b->items[i];
        if (c->record != &record_run || c->kind != FF_PUT ||
            c->values[COL_RUN_INPUTS].len <= EXEC_INLINE_MAX)
            continue;
        if (!*given)
            *given = mem_alloc(sizeof(**given));
        code = keep_one(n, b, i, *given, err);
    }
    if (*given)
        FAILPOINT("node.given.kept");
    if (code != FF_OK) {
        take_back(n, *given);
        *given = NULL;
    }
    return code;
}

/* --- what is left of those that never came about --- */

struct never {
    struct tenant tenant;
    int64_t run;
    const char *id;
};

/* "TENANT.NUMBER.RUN_ID" */
static bool read_name(const char *name, struct never *run)
{
    char *dot, *end;

    run->tenant.no = strtoll(name, &dot, 10);
    if (dot == name || *dot != '.')
        return false;
    run->run = strtoll(dot + 1, &end, 10);
    run->id = end + 1;
    return end > dot + 1 && *end == '.' && id_valid(run->id);
}

/* In the place of the run's own. Should this process die, retention takes it. */
static struct run_row row_of(const struct node *n, const struct never *run)
{
    const int64_t now = loop_wall_us(n->loop);

    return (struct run_row){
        .tenant = run->tenant.no,
        .run = run->run,
        .id = span_of(run->id),
        .project = PROJECT_DEFAULT,
        .workflow = span_of("never_submitted"),
        .hash = span_of("none"),
        .kind = span_of(engine_dag.name),
        .state = RUN_FAILED,
        .inputs = span_of("{}"),
        .created_at = now,
        .started_at = MODEL_NULL,
        .finished_at = now,
        .reset = span_of(NODE_CLAIM),
        .nominal_at = MODEL_NULL,
        .parent_run = MODEL_NULL,
        .root = MODEL_NULL,
        .parent_node = MODEL_NULL,
        .parent_attempt = MODEL_NULL,
        .depth = MODEL_NULL,
        .priority = MODEL_NULL,
        .no_cache = MODEL_NULL,
    };
}

static int put_row(struct node *n, const struct never *run, struct ff_err *err)
{
    const struct run_row row = row_of(n, run);
    struct batch b = {0};

    batch_put(&b, &record_run, &row, FF_ABSENT);
    const int code = store_commit_now(n->store, &b, NULL, err);
    batch_done(&b);
    FAILPOINT("node.given.claimed");
    return code;
}

static int delete_row(struct node *n, const struct never *run, struct ff_err *err)
{
    const struct run_row row = {.tenant = run->tenant.no, .run = run->run};
    struct batch b = {0};

    batch_delete(&b, &record_run, &row, 1); /* nobody writes to a claimed one */
    const int code = store_commit_now(n->store, &b, NULL, err);
    batch_done(&b);
    return code == FF_CONFLICT ? FF_OK : code; /* retention was first */
}

/* *is: there is such a run. *ours: there is what we put in its place, which nobody has
 * changed, as retention does where it claims a run. */
static int look(struct node *n, const struct never *run, bool *is, bool *ours,
                struct ff_err *err)
{
    struct arena arena = {0};
    struct run_row row;
    const int code = store_run_by_id(n->store, STORE_READER_CALLER, run->tenant,
                                     run->id, &arena, &row, err);

    *ours = code == FF_OK && node_is_claimed(&row) && row.version == 1;
    *is = code == FF_OK && !*ours;
    arena_done(&arena);
    return code == FF_NOT_FOUND ? FF_OK : code;
}

/* The marker is locked: whoever made it will do nothing more, and its commit has ended
 * once the row was put or refused. A row that is refused and not there under this id is
 * that of another run, which has the number by now. */
static int settle(struct node *n, const struct never *run, struct ff_err *err)
{
    MEM_AUTO char *dir = exec_run_dir(n->files_dir, run->id);
    bool is = false, ours = true;
    int sys = 0;
    int code = put_row(n, run, err);

    if (code == FF_CONFLICT)
        code = look(n, run, &is, &ours, err);
    if (code == FF_OK && !is)
        sys = -file_remove_tree(dir);
    FAILPOINT("node.given.settled");
    if (sys != 0)
        return unusable(dir, sys, err);
    return code == FF_OK && ours ? delete_row(n, run, err) : code;
}

int node_settle_given(struct node *n, struct node_given *g, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; g && code == FF_OK && i < g->n; i++) {
        const char *path = g->items[i].path;
        struct never run;

        if (!read_name(strrchr(path, '/') + 1, &run))
            continue;
        code = settle(n, &run, err);
        if (code == FF_OK && unlink(path) != 0)
            code = unusable(path, errno, err);
    }
    node_given_done(g, false);
    return code;
}

static int look_at_marker(struct node *n, const char *folder, const char *name,
                          struct ff_err *err)
{
    MEM_AUTO char *path = file_join(folder, name);
    struct never run;
    int code = FF_OK;

    if (!read_name(name, &run))
        return FF_OK; /* whatever it is, it is none of ours */
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? FF_OK : unusable(path, errno, err);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_there(fd)) {
        code = settle(n, &run, err);
        if (code == FF_OK && unlink(path) != 0)
            code = unusable(path, errno, err);
    }
    close(fd);
    return code;
}

int node_sweep_given(struct node *n, struct ff_err *err)
{
    MEM_AUTO char *folder = file_join(n->files_dir, SUBMITTING);
    DIR *dir = file_open_dir(folder);
    int code = FF_OK;

    if (!dir)
        return errno == ENOENT ? FF_OK : unusable(folder, errno, err);
    for (const struct dirent *e; code == FF_OK && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            code = look_at_marker(n, folder, e->d_name, err);
    closedir(dir);
    return code;
}
