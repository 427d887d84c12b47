/* artifacts_remote.c - artifacts of a run that a server has: its blob store is the
 * server's, so each comes by a route of its own, and is checked here against its hash.
 */
#include "cli/runs/artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE "500"

/* --- which there are --- */

static char *id_of(const struct finding *f)
{
    return mem_text_len(f->view->run.id.s, f->view->run.id.len);
}

static char *path_of(const json_t *row)
{
    const json_t *item = json_object_get(row, "item");
    struct buf path = {0};

    buf_add_text(&path, json_string_value(json_object_get(row, "task")));
    if (json_is_integer(item))
        buf_printf(&path, ".%lld", (long long)json_integer_value(item));
    return buf_take(&path);
}

static bool is_meant(const struct finding *f, const json_t *row)
{
    const json_t *item = json_object_get(row, "item");

    return f->item < 0 ||
           (json_is_integer(item) && json_integer_value(item) == f->item);
}

static bool take(struct finding *f, const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    struct found found = {0};

    if (!name || !json_is_string(json_object_get(row, "task")) ||
        !artifact_from_json(row, &found.artifact))
        return false;
    if (!is_meant(f, row))
        return true;
    found.path = path_of(row);
    found.name = mem_text(name);
    ARRAY_ADD(&f->all, found);
    return true;
}

/* *cursor: of the next page, mem_free it; NULL: there is none. */
static int ask_page(const struct remote *r, struct finding *f, char **cursor)
{
    MEM_AUTO char *id = id_of(f);
    MEM_AUTO char *place = remote_path("runs", id, "artifacts", (char *)NULL);
    struct buf path = {0};
    json_t *page = NULL;
    const json_t *row;
    size_t i;

    buf_add_text(&path, place);
    remote_add_query(&path, "limit", PAGE);
    remote_add_query(&path, "task",
                     f->task >= 0 ? f->view->flow->tasks[f->task].name : NULL);
    remote_add_query(&path, "cursor", *cursor);
    int code = remote_ask(r, buf_text(&path), &page);
    buf_done(&path);
    json_array_foreach(json_object_get(page, "items"), i, row)
    {
        if (code == CLI_OK && !take(f, row))
            code = cli_fail(CLI_UNAVAILABLE, "%s does not answer as FlowForge does",
                            r->server);
    }
    const char *next = json_string_value(json_object_get(page, "next"));
    char *after = next ? mem_text(next) : NULL;

    mem_free(*cursor);
    *cursor = after;
    json_decref(page);
    return code;
}

int artifacts_ask(const struct remote *r, struct finding *f)
{
    char *cursor = NULL;
    int code;

    do
        code = ask_page(r, f, &cursor);
    while (code == CLI_OK && cursor);
    mem_free(cursor);
    return code;
}

/* --- one of them --- */

/* Placing it would refuse that too, but only when all of it has come. */
static bool is_there(const struct artifact_target *to)
{
    MEM_AUTO char *path = file_join(to->root, to->path);
    struct stat st;

    return lstat(path, &st) == 0;
}

/* It has no name until it is whole, and goes with this process. */
static int open_scratch(const char *folder)
{
    MEM_AUTO char *path = file_join(folder, ".artifact.XXXXXX");
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    fd = mkostemp(path, O_CLOEXEC); /* not every file system has the other */
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int check(int fd, const struct artifact *a, struct ff_err *err)
{
    char hash[SHA256_TEXT];
    int64_t size;

    if (artifact_hash(fd, hash, &size, err) != FF_OK)
        return err->code;
    if (size == a->size && strcmp(hash, a->hash) == 0)
        return FF_OK;
    return ff_fail(err, FF_CORRUPT, 0, "what came is not what its hash says");
}

int artifacts_bring(const struct remote *r, const struct finding *f,
                    const struct found *one, const struct artifact_target *to)
{
    MEM_AUTO char *id = id_of(f);
    MEM_AUTO char *path = remote_path("runs", id, "tasks", one->path, "artifacts",
                                      one->name, (char *)NULL);
    struct ff_err err = {0};

    if (is_there(to))
        return cli_fail((int)cli_exit_of(FF_INVALID),
                        "artifact %s: %s is there already", one->name, to->path);

    const int fd = open_scratch(to->scratch);

    if (fd < 0)
        return cli_fail(CLI_UNAVAILABLE, "%s: %s", to->scratch, strerror(errno));
    int code = remote_fetch(r, path, fd);
    if (code == CLI_OK && check(fd, &one->artifact, &err) == FF_OK &&
        lseek(fd, 0, SEEK_SET) == 0)
        artifact_place(fd, &one->artifact, to, &err);
    close(fd);
    return err.code == FF_OK ? code
                             : cli_fail((int)cli_exit_of(err.code), "artifact %s: %s",
                                        one->name, err.msg);
}
