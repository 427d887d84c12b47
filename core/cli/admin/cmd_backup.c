/* cmd_backup.c - a consistent copy of the store, and of the files that its rows name.
 *
 * The store is copied first: every value that the copy names was written before it, and
 * none is deleted before all of them are copied. It gets its name last: a backup that
 * was killed half-way must not look like a whole one. */
#include "cli/admin/admin.h"
#include "cli/admin/copy_tree.h"
#include "cli/frame/frame.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const parts[] = {"values", "files", "logs"};

static int copy_run(const char *runs, const char *to, const char *id, bool logs,
                    int64_t *n_files, struct ff_err *err)
{
    MEM_AUTO char *from = file_join(runs, id);
    MEM_AUTO char *below = file_join(to, id);
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < (logs ? 3u : 2u); i++) {
        MEM_AUTO char *source = file_join(from, parts[i]);
        MEM_AUTO char *target = file_join(below, parts[i]);
        code = copy_tree(source, target, n_files, err);
    }
    return code;
}

static int copy_runs(const char *data_dir, const char *to, bool logs, int64_t *n_files,
                     struct ff_err *err)
{
    MEM_AUTO char *runs = file_join(data_dir, "runs");
    MEM_AUTO char *target = file_join(to, "runs");
    DIR *dir = file_open_dir(runs);
    int code = FF_OK;

    if (!dir)
        return errno == ENOENT ? FF_OK
                               : ff_fail(err, FF_UNAVAILABLE, errno, "%.180s: %s", runs,
                                         strerror(errno));
    for (const struct dirent *e; code == FF_OK && (e = readdir(dir));)
        if (id_valid(e->d_name))
            code = copy_run(runs, target, e->d_name, logs, n_files, err);
    closedir(dir);
    return code;
}

/* Those of blob-file, where they are in the data directory; what begins with a dot is
 * on its way. */
static int copy_blobs(const char *data_dir, const char *to, int64_t *n_files,
                      struct ff_err *err)
{
    MEM_AUTO char *blobs = file_join(data_dir, "blobs");
    MEM_AUTO char *target = file_join(to, "blobs");
    DIR *dir = file_open_dir(blobs);
    int code = FF_OK;

    if (!dir)
        return errno == ENOENT ? FF_OK
                               : ff_fail(err, FF_UNAVAILABLE, errno, "%.180s: %s",
                                         blobs, strerror(errno));
    for (const struct dirent *e; code == FF_OK && (e = readdir(dir));) {
        MEM_AUTO char *from = file_join(blobs, e->d_name);
        MEM_AUTO char *below = file_join(target, e->d_name);

        if (e->d_name[0] != '.')
            code = copy_tree(from, below, n_files, err);
    }
    closedir(dir);
    return code;
}

static int report(const struct cli *c, const char *to, const char *below, bool logs,
                  int64_t n_files)
{
    struct buf out = {0};

    if (c->json) {
        json_t *j = json_pack("{s:s, s:s?, s:I, s:b}", "store", to, "files_in",
                              n_files > 0 ? below : NULL, "files", (json_int_t)n_files,
                              "logs", logs);
        json_add_to(&out, j);
        buf_add_char(&out, '\n');
        json_decref(j);
    } else if (!c->quiet) {
        buf_printf(&out, "store: %s\n", to);
        if (n_files > 0)
            buf_printf(&out, "%lld files of runs: %s\n", (long long)n_files, below);
        if (!logs)
            buf_add_text(&out, "not contained: logs (--logs takes them along)\n");
    }
    return cli_print(&out);
}

/* Where the parts of a backup go. */
struct target {
    const char *store;    /* the name that was asked for */
    struct buf unnamed;   /* the store before it gets that name */
    struct buf below;     /* files of runs */
    struct buf directory; /* of all of them */
};

static void target_init(struct target *t, const char *to)
{
    const char *slash = strrchr(to, '/');

    *t = (struct target){.store = to};
    buf_printf(&t->unnamed, "%s.unfinished", to);
    buf_printf(&t->below, "%s.d", to);
    buf_printf(&t->directory, "%.*s", slash ? (int)(slash - to) + 1 : 1,
               slash ? to : ".");
}

static void target_done(struct target *t)
{
    buf_done(&t->unnamed);
    buf_done(&t->below);
    buf_done(&t->directory);
}

static int check_target(const struct target *t, struct ff_err *err)
{
    struct stat st;

    if (lstat(buf_text(&t->unnamed), &st) == 0)
        return ff_fail(err, FF_INVALID, 0,
                       "%.100s is there: another backup is going on, or was killed; "
                       "then delete it, and %.100s",
                       buf_text(&t->unnamed), buf_text(&t->below));
    if (lstat(t->store, &st) == 0 || lstat(buf_text(&t->below), &st) == 0)
        return ff_fail(err, FF_INVALID, 0, "%.100s or %.100s is there already",
                       t->store, buf_text(&t->below));
    return FF_OK;
}

/* link and not rename: an older backup of that name is never replaced. */
static int name_store(const struct target *t, struct ff_err *err)
{
    const char *directory = buf_text(&t->directory);
    int sys = file_sync_dir(directory);

    if (sys == 0 && link(buf_text(&t->unnamed), t->store) != 0)
        sys = -errno;
    FAILPOINT("cli.backup.named");
    if (sys == 0 && unlink(buf_text(&t->unnamed)) != 0)
        sys = -errno;
    if (sys == 0)
        sys = file_sync_dir(directory);
    if (sys != 0)
        return ff_fail(err, FF_UNAVAILABLE, -sys, "%.180s: %s", t->store,
                       strerror(-sys));
    return FF_OK;
}

static int copy_all(const struct cli_session *s, const struct target *t, bool logs,
                    int64_t *n_files, struct ff_err *err)
{
    const char *data_dir = node_settings(s->node)->files_dir;
    int code = store_backup(node_store(s->node), buf_text(&t->unnamed), err);

    if (code != FF_OK)
        return code;
    FAILPOINT("cli.backup.store");
    code = copy_runs(data_dir, buf_text(&t->below), logs, n_files, err);
    if (code == FF_OK)
        code = copy_blobs(data_dir, buf_text(&t->below), n_files, err);
    FAILPOINT("cli.backup.files");
    if (code == FF_OK)
        code = name_store(t, err);
    if (code != FF_OK)
        unlink(buf_text(&t->unnamed));
    return code;
}

/* From before the store is copied until all that its rows name is. */
static int copy_held(const struct cli_session *s, const struct target *t, bool logs,
                     int64_t *n_files, struct ff_err *err)
{
    struct node_hold hold;
    int code = node_hold_files(s->node, &hold, err);

    if (code != FF_OK)
        return code;
    code = copy_all(s, t, logs, n_files, err);
    node_release_files(&hold);
    return code;
}

static int backup(struct cli *c, const struct cli_session *s, const char *to)
{
    const bool logs = cli_has(&c->args, "logs");
    struct target t;
    struct ff_err err = {0};
    int64_t n_files = 0;

    target_init(&t, to);
    int code = check_target(&t, &err);
    if (code == FF_OK)
        code = copy_held(s, &t, logs, &n_files, &err);
    if (code == FF_OK)
        code = report(c, to, buf_text(&t.below), logs, n_files);
    else
        code = cli_fail_err(&err);
    target_done(&t);
    return code;
}

int cmd_backup(struct cli *c)
{
    struct cli_session s;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = backup(c, &s, c->args.words.items[0]);
    cli_close(&s);
    return code;
}
