/* files.c - what executors send to be kept: chunks of logs, written as they are to
 * where the start said, the files of $FF_OUT, in a folder of the attempt until the
 * core has collected them, and files that the core wants back. All of it comes in
 * pieces that say where they belong, so that one may come twice; before the end of an
 * attempt is told, all of it is here. What an attempt is given goes to its executor the
 * same way. */
#include "fleet/fleet_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_MAX 999999
#define READ_SIZE ((size_t)64 << 10)
#define GIVEN_DIR "given" /* as flowforge/runtime.h says */
#define LEFT_DIR  "left"

struct writing {
    struct http_reply *reply;
    const void *bytes; /* the request's, which lives until it is answered */
    size_t len;
    char *dir, *path;
    int64_t offset;
    bool fresh;   /* what stood there is of another try */
    int64_t size; /* of the file now */
    bool gap;     /* it does not begin where the file ends */
    int sys;
};

/* --- on the lane --- */

static int write_all(int fd, const char *bytes, size_t len, int64_t offset)
{
    while (len > 0) {
        const ssize_t n = pwrite(fd, bytes, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int write_piece(struct writing *w, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return errno;
    w->size = st.st_size;
    w->gap = w->offset > w->size;
    if (w->gap || w->len == 0)
        return 0;
    const int sys = write_all(fd, w->bytes, w->len, w->offset);
    if (sys == 0 && w->offset + (int64_t)w->len > w->size)
        w->size = w->offset + (int64_t)w->len;
    return sys;
}

static void write_on_lane(void *arg)
{
    struct writing *w = arg;
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

    w->sys = -file_make_dirs(w->dir, 0700);
    if (w->sys)
        return;
    const int fd = open(w->path, flags | (w->fresh ? O_TRUNC : 0), 0600);
    if (fd < 0) {
        w->sys = errno;
        return;
    }
    w->sys = write_piece(w, fd);
    if (close(fd) != 0 && w->sys == 0)
        w->sys = errno;
}

static void after_writing(void *arg)
{
    struct writing *w = arg;

    if (w->sys) {
        log_warn("%s: %s", w->path, strerror(w->sys));
        http_reply_problem(w->reply, 507, "it cannot be kept: %s", strerror(w->sys));
    } else {
        json_t *answer =
            json_pack("{s:I, s:b}", "size", (json_int_t)w->size, "gap", w->gap);
        http_reply_json(w->reply, 200, answer);
        json_decref(answer);
    }
    mem_free(w->path);
    mem_free(w->dir);
    mem_free(w);
}

static bool read_number(const struct http_request *r, const char *name, int64_t max,
                        int64_t *out)
{
    const char *text = http_query(r, name);
    const size_t len = text ? strlen(text) : 0;

    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return false;
    *out = strtoll(text, NULL, 10);
    return *out <= max;
}

/* Takes the texts over. */
static void begin(const struct fleet *f, const struct http_request *r,
                  struct http_reply *reply, char *dir, char *path, int64_t offset)
{
    struct writing *w = mem_alloc(sizeof(*w));

    *w = (struct writing){.reply = reply,
                          .bytes = r->body,
                          .len = r->body_len,
                          .dir = dir,
                          .path = path,
                          .offset = offset};
    w->fresh = http_query(r, "fresh") != NULL;
    lane_do(f->lane, write_on_lane, after_writing, w);
}

/* --- what is sent --- */

void fleet_take_log(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct fleet *f = arg;
    struct fleet_attempt *a = fleet_door_attempt(f, r, reply);
    const char *dir = a ? fleet_attempt_log_dir(a) : NULL;
    int64_t chunk = 0, offset = 0;
    char name[32];

    if (!a)
        return;
    if (!dir || !read_number(r, "chunk", CHUNK_MAX, &chunk) || chunk < 1 ||
        !read_number(r, "offset", INT64_MAX, &offset)) {
        http_reply_problem(reply, 422, "chunk and offset are numbers");
        return;
    }
    snprintf(name, sizeof(name), "%06lld.log", (long long)chunk);
    begin(f, r, reply, mem_text(dir), file_join(dir, name), offset);
}

static bool is_file_name(const char *name)
{
    return name && *name && strlen(name) <= 255 && !strchr(name, '/') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

void fleet_take_output(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    struct fleet *f = arg;
    const struct fleet_attempt *a = fleet_door_attempt(f, r, reply);
    const char *name = http_query(r, "name");
    int64_t offset = 0;

    if (!a)
        return;
    if (!is_file_name(name) || !read_number(r, "offset", INT64_MAX, &offset)) {
        http_reply_problem(reply, 422, "name is that of a file, offset a number");
        return;
    }
    char *dir = fleet_attempt_dir(f, a->id);
    begin(f, r, reply, dir, file_join(dir, name), offset);
}

/* The folder of the attempt that is asked about, and from where on a file of it is;
 * NULL: it was answered. */
static const char *find_files(struct fleet *f, const struct http_request *r,
                              struct http_reply *reply, int64_t *offset)
{
    struct fleet_attempt *a = fleet_door_attempt(f, r, reply);
    const char *files = a ? fleet_attempt_files_dir(a) : NULL;

    if (!a)
        return NULL;
    if (files && is_file_name(http_query(r, "name")) &&
        read_number(r, "offset", INT64_MAX, offset))
        return files;
    http_reply_problem(reply, 422, "name is that of a file, offset a number");
    return NULL;
}

/* What is in it, the core judges. */
void fleet_take_file(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct fleet *f = arg;
    const char *name = http_query(r, "name");
    int64_t offset = 0;
    const char *files = find_files(f, r, reply, &offset);

    if (!files)
        return;
    char *dir = file_join(files, LEFT_DIR);
    begin(f, r, reply, dir, file_join(dir, name), offset);
}

/* --- what an attempt is given --- */

struct reading {
    struct http_reply *reply;
    char *path;
    int64_t offset;
    struct buf piece;
    int sys;
};

static void read_on_lane(void *arg)
{
    struct reading *rd = arg;
    const int fd = open(rd->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = -1;

    if (fd >= 0) {
        char *to = buf_room(&rd->piece, FLEET_PIECE);
        do
            n = pread(fd, to, FLEET_PIECE, rd->offset);
        while (n < 0 && errno == EINTR);
    }
    rd->sys = n < 0 ? errno : 0;
    buf_added(&rd->piece, n > 0 ? (size_t)n : 0);
    if (fd >= 0)
        close(fd);
}

static void after_reading(void *arg)
{
    struct reading *rd = arg;

    if (rd->sys == ENOENT)
        http_reply_problem(rd->reply, 410, "there is no such file any more");
    else if (rd->sys)
        http_reply_problem(rd->reply, 503, "it cannot be read: %s", strerror(rd->sys));
    else
        http_reply_take(rd->reply, 200, "application/octet-stream", &rd->piece);
    buf_done(&rd->piece);
    mem_free(rd->path);
    mem_free(rd);
}

void fleet_give_file(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct fleet *f = arg;
    const char *name = http_query(r, "name");
    int64_t offset = 0;
    const char *files = find_files(f, r, reply, &offset);

    if (!files)
        return;
    struct reading *rd = mem_alloc(sizeof(*rd));
    MEM_AUTO char *dir = file_join(files, GIVEN_DIR);
    *rd = (struct reading){
        .reply = reply, .path = file_join(dir, name), .offset = offset};
    lane_do(f->lane, read_on_lane, after_reading, rd);
}

/* --- what the core collects: worker threads, which change nothing of the fleet --- */

static int cannot(struct ff_err *err, const char *name, int sys)
{
    return ff_fail(err, sys == ENOENT ? FF_NOT_FOUND : FF_UNAVAILABLE, sys,
                   "output %.150s: %s", name, strerror(sys));
}

static char *output_path(const struct fleet *f, const char *id, const char *name,
                         struct ff_err *err)
{
    MEM_AUTO char *dir = fleet_attempt_dir(f, id);

    if (is_file_name(name))
        return file_join(dir, name);
    ff_fail(err, FF_INVALID, 0, "%.150s is no name of an output", name);
    return NULL;
}

int fleet_output(void *runtime, const char *id, const char *name, ff_bytes_fn *fn,
                 void *arg, struct ff_err *err)
{
    MEM_AUTO char *path = output_path(runtime, id, name, err);
    MEM_AUTO char *piece = mem_alloc(READ_SIZE);
    ssize_t n = 0;

    if (!path)
        return err->code;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return cannot(err, name, errno);
    while ((n = read(fd, piece, READ_SIZE)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && fn(arg, piece, (size_t)n) != 0)
            break;
    const int sys = n < 0 ? errno : 0;
    close(fd);
    return sys == 0 ? FF_OK : cannot(err, name, sys);
}

int fleet_outputs(void *runtime, const char *id, ff_bytes_fn *fn, void *arg,
                  struct ff_err *err)
{
    MEM_AUTO char *path = fleet_attempt_dir(runtime, id);
    DIR *dir = file_open_dir(path);
    const struct dirent *e;

    if (!dir)
        return errno == ENOENT ? FF_OK : cannot(err, path, errno);
    while ((e = readdir(dir)))
        if (is_file_name(e->d_name) && fn(arg, e->d_name, strlen(e->d_name)) != 0)
            break;
    closedir(dir);
    return FF_OK;
}

static int sync_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int sys = fd < 0 ? errno : 0;

    if (fd >= 0 && fsync(fd) != 0)
        sys = errno;
    if (fd >= 0)
        close(fd);
    return sys;
}

/* The folder that it goes to is of the same file system: both are in the data
 * directory.
 */
int fleet_output_take(void *runtime, const char *id, const char *name, const char *to,
                      struct ff_err *err)
{
    MEM_AUTO char *path = output_path(runtime, id, name, err);

    if (!path)
        return err->code;
    int sys = sync_file(path);
    if (sys == 0 && unlink(to) != 0 && errno != ENOENT)
        sys = errno;
    if (sys == 0 && link(path, to) != 0) /* it stays here too, to be taken again */
        sys = errno;
    if (sys != 0)
        return cannot(err, name, sys);
    MEM_AUTO char *dir = mem_text(to);
    *strrchr(dir, '/') = '\0';
    sys = -file_sync_dir(dir);
    return sys == 0 ? FF_OK : cannot(err, name, sys);
}

static void remove_on_lane(void *arg)
{
    file_remove_tree(arg);
    mem_free(arg);
}

void fleet_forget_files(struct fleet *f, const char *id)
{
    char *dir = fleet_attempt_dir(f, id);

    if (f->lane)
        lane_do(f->lane, remove_on_lane, NULL, dir);
    else
        remove_on_lane(dir);
}

/* --- what is left of an earlier process --- */

struct sweep {
    char *dir;
    struct map known; /* names of folders that somebody has */
};

static void sweep_on_lane(void *arg)
{
    struct sweep *s = arg;
    DIR *dir = file_open_dir(s->dir);
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        if (strlen(e->d_name) != SHA256_TEXT - 1 || map_get_text(&s->known, e->d_name))
            continue;
        MEM_AUTO char *path = file_join(s->dir, e->d_name);
        file_remove_tree(path);
    }
    if (dir)
        closedir(dir);
    map_done(&s->known);
    mem_free(s->dir);
    mem_free(s);
}

/* The folder of an attempt that comes later is made on this lane, after it. */
void fleet_sweep_files(struct fleet *f)
{
    struct sweep *s = mem_alloc(sizeof(*s));
    void *value;

    s->dir = mem_text(f->dir);
    for (size_t i = 0; map_next(&f->attempts, &i, &value);) {
        MEM_AUTO char *path =
            fleet_attempt_dir(f, ((const struct fleet_attempt *)value)->id);
        map_set_text(&s->known, strrchr(path, '/') + 1, f);
    }
    if (f->lane)
        lane_do(f->lane, sweep_on_lane, NULL, s);
    else
        sweep_on_lane(s);
}
