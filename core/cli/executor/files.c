/* files.c - what an attempt is given beyond its arguments, and what it hands on beyond
 * $FF_OUT. The server keeps both; the list FLEET_FILES says where each belongs.
 *
 * Contents come and go in pieces. What is here of one is not asked for again, and none
 * is used before all of it has the hash that the list says. What the attempt leaves is
 * sent under its hash, and FLEET_LEFT, which names it, comes last: so what the server
 * has of an interrupted content is a beginning, and never taken for all of it. */
#include "cli/executor/executor_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIVEN     "given"     /* in the attempt's folder: what has come so far */
#define ARTIFACTS "artifacts" /* $FF_ARTIFACTS */
#define SCRIPT    "script"
#define LIST_MAX  ((size_t)256 << 20)
#define RETRY_US  (UNITS_SECOND / 2)

enum { STATUS_OK = 200, STATUS_OUR = 404, STATUS_GONE = 410, STATUS_FULL = 507 };

/* One turn of one attempt on a lane, which touches nothing else. */
struct carry {
    struct executor *ex;
    struct carrier *carrier;
    struct hosted *h;
    char *server, *session;
    struct ask ask;
    json_t *list;
    size_t n_sent;
    bool failed; /* again, later */
    bool over;   /* the server wants no more of it */
    struct ff_err err;
};

static bool stops(struct carry *c)
{
    c->over = c->over || atomic_load(&c->h->halt);
    c->failed = c->failed || atomic_load(&c->ex->given_up);
    return c->failed || c->over || c->err.code != FF_OK;
}

static bool fail_sys(struct carry *c, const char *what, int sys)
{
    const bool full = sys == ENOSPC || sys == EDQUOT || sys == EFBIG;

    ff_fail(&c->err, full ? FF_FULL : FF_UNAVAILABLE, sys, "%.160s: %s", what,
            strerror(sys));
    return false;
}

static char *place_of(const struct carry *c, const char *folder, const char *name)
{
    MEM_AUTO char *base = file_join(c->h->dir, folder);

    return file_join(base, name);
}

/* --- one request --- */

static void begin_url(const struct carry *c, struct buf *url, const char *name,
                      int64_t offset)
{
    buf_printf(url, "%s/executor/v1/file?session=%s&attempt=", c->server, c->session);
    ask_add_escaped(url, c->h->id);
    buf_add_text(url, "&name=");
    ask_add_escaped(url, name);
    buf_printf(url, "&offset=%lld", (long long)offset);
}

static bool answered(struct carry *c, const char *name, const struct answer *a)
{
    if (a->status == STATUS_OK)
        return true;
    if (link_may_pass(a->status))
        c->failed = true;
    else if (a->status == STATUS_OUR)
        c->over = true;
    else
        ff_fail(&c->err, a->status == STATUS_GONE ? FF_NOT_FOUND : FF_INVALID, 0,
                "%.80s: %.160s", name, buf_text(&a->body));
    return false;
}

/* A piece that is shorter than FLEET_PIECE is the last one. */
static bool get_piece(struct carry *c, const char *name, int64_t offset,
                      struct answer *a)
{
    struct buf url = {0};
    struct ff_err ignored = {0};

    begin_url(c, &url, name, offset);
    c->ask.method = "GET";
    c->ask.url = buf_text(&url);
    c->ask.type = NULL;
    c->ask.body = NULL;
    c->ask.len = 0;
    ask(c->carrier->asker, &c->ask, a, &ignored);
    buf_done(&url);
    return answered(c, name, a);
}

struct sending {
    const char *name;
    int64_t offset;
    bool fresh; /* what is there is not to be trusted: it begins anew */
    const void *bytes;
    size_t len;
};

/* *size: what the server has of it now. */
static bool put_piece(struct carry *c, const struct sending *s, int64_t *size)
{
    struct buf url = {0};
    struct answer a;
    struct ff_err err = {0};

    begin_url(c, &url, s->name, s->offset);
    if (s->fresh)
        buf_add_text(&url, "&fresh=1");
    c->ask.method = "PUT";
    c->ask.url = buf_text(&url);
    c->ask.type = "application/octet-stream";
    c->ask.body = s->bytes;
    c->ask.len = s->len;
    ask(c->carrier->asker, &c->ask, &a, &err);
    buf_done(&url);
    const bool full = a.status == STATUS_FULL;
    const bool ok = !full && answered(c, s->name, &a);
    json_t *said = ok ? json_parse(buf_text(&a.body), a.body.len, &err) : NULL;
    *size = json_integer_value(json_object_get(said, "size"));
    if (full)
        ff_fail(&c->err, FF_FULL, 0, "the server has no room for it");
    json_decref(said);
    buf_done(&a.body);
    return ok;
}

/* --- what it is given --- */

static bool write_at(struct carry *c, int fd, const struct buf *piece, int64_t at)
{
    for (size_t done = 0; done < piece->len;) {
        const ssize_t n =
            pwrite(fd, piece->data + done, piece->len - done, at + (int64_t)done);
        if (n < 0 && errno != EINTR)
            return fail_sys(c, "writing a file", errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* From `at` on, until a piece is not full. Where it ends; -1: it stops before. */
static int64_t get_rest(struct carry *c, const char *name, int fd, int64_t at)
{
    for (size_t len = FLEET_PIECE; len == FLEET_PIECE; at += (int64_t)len) {
        struct answer a = {0};
        const bool ok =
            !stops(c) && get_piece(c, name, at, &a) && write_at(c, fd, &a.body, at);
        len = a.body.len;
        buf_done(&a.body);
        if (!ok)
            return -1;
    }
    return at;
}

static bool read_list(struct carry *c)
{
    MEM_AUTO char *path = file_join(c->h->dir, FLEET_FILES);
    struct buf text = {0};
    const int sys = file_read(path, LIST_MAX, &text);

    if (sys == 0)
        c->list = json_parse(buf_text(&text), text.len, &c->err);
    else
        fail_sys(c, path, -sys);
    buf_done(&text);
    return c->list != NULL;
}

static bool get_list(struct carry *c)
{
    MEM_AUTO char *path = file_join(c->h->dir, FLEET_FILES);
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail_sys(c, path, errno);
    const bool ok = get_rest(c, FLEET_FILES, fd, 0) >= 0;
    close(fd);
    return ok && read_list(c);
}

/* What is not what its hash says is no beginning of it either. */
static bool check(struct carry *c, const char *name, int fd, const json_t *entry)
{
    const char *hash = json_string_value(json_object_get(entry, "sha256"));
    char seen[SHA256_TEXT];
    int64_t size = 0;

    if (artifact_hash(fd, seen, &size, &c->err) != FF_OK)
        return false;
    if (hash && strcmp(seen, hash) == 0)
        return true;
    if (ftruncate(fd, 0) != 0)
        return fail_sys(c, name, errno);
    ff_fail(&c->err, FF_CORRUPT, 0, "%.80s: its content is not what was given", name);
    return false;
}

static bool get_content(struct carry *c, const char *name, const json_t *entry)
{
    MEM_AUTO char *path = place_of(c, GIVEN, name);
    const int64_t size = json_integer_value(json_object_get(entry, "size"));
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0)
        return fail_sys(c, path, errno);
    bool ok = fstat(fd, &st) == 0 || fail_sys(c, path, errno);
    if (ok && st.st_size != size)
        ok = get_rest(c, name, fd, st.st_size > size ? 0 : st.st_size) >= 0;
    ok = ok && check(c, name, fd, entry);
    close(fd);
    return ok;
}

static bool get_all(struct carry *c)
{
    MEM_AUTO char *given = file_join(c->h->dir, GIVEN);
    const json_t *script = json_object_get(c->list, "script");
    const int sys = file_make_dirs(given, 0700);
    const json_t *entry;
    size_t i;

    if (sys != 0)
        return fail_sys(c, given, -sys);
    if (script && !get_content(c, SCRIPT, script))
        return false;
    json_array_foreach(json_object_get(c->list, "in"), i, entry)
    {
        const char *hash = json_string_value(json_object_get(entry, "sha256"));
        if (hash && !get_content(c, hash, entry))
            return false;
    }
    return true;
}

/* --- where it belongs --- */

static bool place_one(struct carry *c, const char *root, const json_t *entry)
{
    MEM_AUTO char *scratch = file_join(c->h->dir, "scratch");
    const char *path = json_string_value(json_object_get(entry, "path"));
    const struct artifact_target to = {.root = root, .path = path, .scratch = scratch};
    struct artifact a;

    if (!path)
        return fail_sys(c, FLEET_FILES, EINVAL);
    if (!artifact_from_json(entry, &a)) { /* a folder for a list of none */
        MEM_AUTO char *folder = file_join(root, path);
        const int sys = file_make_dirs(folder, 0700);
        return sys == 0 || fail_sys(c, folder, -sys);
    }
    MEM_AUTO char *content = place_of(c, GIVEN, a.hash);
    const int fd = open(content, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_sys(c, content, errno);
    struct ff_err why = {0};
    const bool ok = artifact_place(fd, &a, &to, &why) == FF_OK;
    close(fd);
    if (!ok)
        ff_fail(&c->err, why.code, why.sys, "artifacts.in, %.64s: %.160s", path,
                why.msg);
    return ok;
}

/* Under its own name: that may say what kind of program it is. */
static bool place_script(struct carry *c)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(c->list, "script"), "name"));

    if (!name)
        return true;
    MEM_AUTO char *from = place_of(c, GIVEN, SCRIPT);
    MEM_AUTO char *folder = file_join(c->h->dir, SCRIPT);
    MEM_AUTO char *to = file_join(folder, name);
    const int sys = file_make_dirs(folder, 0700);
    if (sys != 0)
        return fail_sys(c, folder, -sys);
    return rename(from, to) == 0 || fail_sys(c, to, errno);
}

static bool place_all(struct carry *c)
{
    MEM_AUTO char *root = file_join(c->h->dir, ARTIFACTS);
    MEM_AUTO char *given = file_join(c->h->dir, GIVEN);
    int sys = file_remove_tree(root);
    const json_t *entry;
    size_t i;

    if (sys == 0)
        sys = file_make_dirs(root, 0700);
    if (sys != 0)
        return fail_sys(c, root, -sys);
    json_array_foreach(json_object_get(c->list, "in"), i, entry)
    {
        if (stops(c) || !place_one(c, root, entry))
            return false;
    }
    return place_script(c) && file_remove_tree(given) == 0;
}

static void fetch_on_lane(void *arg)
{
    struct carry *c = arg;

    if (get_list(c) && get_all(c))
        place_all(c);
}

/* --- turns --- */

static struct carrier *least_busy(struct executor *ex)
{
    struct carrier *best = &ex->carriers[0];

    for (size_t i = 1; i < N_CARRIERS; i++)
        if (ex->carriers[i].n_jobs < best->n_jobs)
            best = &ex->carriers[i];
    return best;
}

static void carry(struct hosted *h, ff_call_fn *work, ff_call_fn *after)
{
    struct executor *ex = h->ex;
    struct carry *c = mem_alloc(sizeof(*c));

    *c = (struct carry){.ex = ex,
                        .carrier = least_busy(ex),
                        .h = h,
                        .server = mem_text(h->link->url),
                        .session = mem_text(h->link->session),
                        .ask = link_ask(h->link),
                        .n_sent = h->n_sent};
    c->carrier->n_jobs++;
    lane_do(c->carrier->lane, work, after, c);
}

static void carry_free(struct carry *c)
{
    c->carrier->n_jobs--;
    json_decref(c->list);
    mem_free(c->server);
    mem_free(c->session);
    mem_free(c);
}

static void on_fetch_again(void *arg)
{
    files_fetch(arg);
}

static void fetch_later(struct hosted *h)
{
    if (!h->fetch_again)
        loop_timer_add(h->ex->loop, RETRY_US, on_fetch_again, h, &h->fetch_again);
}

static void note_places(struct hosted *h, const struct carry *c)
{
    const json_t *script = json_object_get(c->list, "script");
    const char *name = json_string_value(json_object_get(script, "name"));
    MEM_AUTO char *folder = file_join(h->dir, SCRIPT);

    if (json_is_true(json_object_get(c->list, "artifacts")))
        h->artifacts = file_join(h->dir, ARTIFACTS);
    if (name)
        h->script = file_join(folder, name);
}

static void give_up(struct hosted *h)
{
    struct ff_err err;

    ff_fail(&err, FF_CANCELLED, 0, "%s",
            h->cancelled ? "it was cancelled before it began"
                         : "the server has given it up");
    hosted_go_on(h, &err, FLEET_UNSTARTED);
}

static void after_fetch(void *arg)
{
    struct carry *c = arg;
    struct hosted *h = c->h;
    const struct ff_err err = c->err;
    const bool failed = c->failed, over = c->over;

    h->fetching = false;
    if (!over && !failed && err.code == FF_OK)
        note_places(h, c);
    carry_free(c);
    if (h->ex->gone) /* the next process begins anew */
        return;
    if (over || h->cancelled || h->dropped)
        give_up(h);
    else if (failed)
        fetch_later(h);
    else
        hosted_go_on(h, err.code == FF_OK ? NULL : &err, FLEET_FAILED);
}

void files_fetch(struct hosted *h)
{
    if (h->fetching || h->ex->gone)
        return;
    loop_timer_del(h->fetch_again);
    if (h->cancelled || h->dropped) {
        give_up(h);
    } else if (!link_is_up(h->link)) {
        fetch_later(h);
    } else {
        h->fetching = true;
        carry(h, fetch_on_lane, after_fetch);
    }
}

/* --- what it hands on --- */

static int64_t begin_content(struct carry *c, const struct artifact *a, size_t i)
{
    struct sending s = {.name = a->hash, .bytes = "", .fresh = i >= c->n_sent};
    int64_t size = 0;
    bool ok = put_piece(c, &s, &size);

    if (ok && s.fresh) /* what comes now is kept, should it break off */
        c->n_sent = i + 1;
    if (ok && size > a->size) { /* it is none of it */
        s.fresh = true;
        ok = put_piece(c, &s, &size);
    }
    return ok && size <= a->size ? size : -1;
}

/* The i-th of them, from where the server has it. */
static bool send_content(struct carry *c, int fd, const struct artifact *a, size_t i)
{
    MEM_AUTO char *piece = mem_alloc(FLEET_PIECE);
    int64_t at = begin_content(c, a, i);

    while (at >= 0 && at < a->size && !stops(c)) {
        const ssize_t n = pread(fd, piece, FLEET_PIECE, at);
        const struct sending s = {.name = a->hash,
                                  .offset = at,
                                  .bytes = piece,
                                  .len = n > 0 ? (size_t)n : 0};
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_sys(c, "reading an artifact", n < 0 ? errno : EIO);
        if (!put_piece(c, &s, &at))
            return false;
    }
    return at == a->size;
}

/* What cannot be an artifact is told as such, as it would be where the server is. */
static void say_why(json_t *left, const char *name, struct ff_err *err)
{
    if (err->code != FF_NOT_FOUND)
        json_object_set_new(
            left, name,
            json_pack("{s:i, s:s}", "code", err->code, "message", err->msg));
    *err = (struct ff_err){0};
}

static bool send_one(struct carry *c, const json_t *want, size_t i, json_t *left)
{
    MEM_AUTO char *root = file_join(c->h->dir, ARTIFACTS);
    MEM_AUTO char *scratch = file_join(c->h->dir, "scratch");
    const char *name = json_string_value(json_object_get(want, "name"));
    const struct artifact_source from = {
        .root = root,
        .path = json_string_value(json_object_get(want, "path")),
        .scratch = scratch,
        .max_bytes = json_integer_value(json_object_get(c->list, "max_bytes"))};
    struct artifact a;

    if (!name || !from.path)
        return fail_sys(c, FLEET_FILES, EINVAL);
    const int fd = artifact_open(&from, &a, &c->err);
    if (fd >= 0 && artifact_hash(fd, a.hash, &a.size, &c->err) == FF_OK &&
        send_content(c, fd, &a, i))
        json_object_set_new(left, name, artifact_json(&a));
    if (fd >= 0)
        close(fd);
    if (c->err.code != FF_OK)
        say_why(left, name, &c->err);
    return !stops(c);
}

static void send_list(struct carry *c, const json_t *left)
{
    MEM_AUTO char *text = json_text(left);
    const int64_t len = (int64_t)strlen(text);
    int64_t at = 0;

    do {
        const int64_t some =
            len - at < (int64_t)FLEET_PIECE ? len - at : (int64_t)FLEET_PIECE;
        const struct sending s = {.name = FLEET_LEFT,
                                  .offset = at,
                                  .fresh = at == 0,
                                  .bytes = text + at,
                                  .len = (size_t)some};
        if (stops(c) || !put_piece(c, &s, &at))
            return;
    } while (at < len);
}

static void send_on_lane(void *arg)
{
    struct carry *c = arg;
    const json_t *want;
    size_t i;

    if (!read_list(c))
        return;
    json_t *left = json_object();
    json_array_foreach(json_object_get(c->list, "out"), i, want)
    {
        if (stops(c) || !send_one(c, want, i, left))
            break;
    }
    if (!stops(c) && json_object_get(c->list, "out"))
        send_list(c, left);
    json_decref(left);
}

/* What the server does not take for good is missing there, and the task fails by it. */
static void after_send(void *arg)
{
    struct carry *c = arg;
    struct hosted *h = c->h;
    MEM_AUTO char *session = mem_text(c->session);
    const bool failed = c->failed || c->err.code == FF_FULL;

    if (c->err.code != FF_OK)
        log_warn("%s: %s", h->id, c->err.msg);
    if (!h->again)
        h->n_sent = c->n_sent;
    carry_free(c);
    ship_sent(h, session, !failed);
}

void files_send(struct hosted *h)
{
    carry(h, send_on_lane, after_send);
}

bool files_are_here(const struct hosted *h)
{
    MEM_AUTO char *path = file_join(h->dir, FLEET_FILES);

    return access(path, R_OK) == 0;
}

/* --- opening and closing --- */

int files_open(struct executor *ex, struct ff_err *err)
{
    for (size_t i = 0; i < N_CARRIERS; i++) {
        ex->carriers[i].asker = asker_new();
        ex->carriers[i].lane = lane_new(ex->loop, "carry", err);
        if (!ex->carriers[i].lane)
            return err->code;
    }
    return FF_OK;
}

void files_close(struct executor *ex)
{
    for (size_t i = 0; i < N_CARRIERS; i++) {
        if (ex->carriers[i].lane)
            lane_free(ex->carriers[i].lane);
        asker_free(ex->carriers[i].asker);
    }
}
