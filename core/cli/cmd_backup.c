/* cmd_backup.c - a consistent copy of the store, and of the files that its rows name.
 *
 * The store goes first: every value that the copy names was written before it. */
#include "cli/cli_priv.h"
#include "cli/copy_tree.h"

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

static int backup(struct cli *c, const struct cli_session *s, const char *to)
{
    const bool logs = cli_has(&c->args, "logs");
    struct buf below = {0};
    struct ff_err err = {0};
    struct stat st;
    int64_t n_files = 0;
    int code = FF_OK;

    buf_printf(&below, "%s.d", to);
    if (lstat(to, &st) == 0 || lstat(buf_text(&below), &st) == 0)
        code = ff_fail(&err, FF_INVALID, 0, "%.100s or %.100s is there already", to,
                       buf_text(&below));
    if (code == FF_OK)
        code = store_backup(node_store(s->node), to, &err);
    if (code == FF_OK)
        code = copy_runs(node_settings(s->node)->data_dir, buf_text(&below), logs,
                         &n_files, &err);
    if (code == FF_OK)
        code = report(c, to, buf_text(&below), logs, n_files);
    else
        code = cli_fail_err(&err);
    buf_done(&below);
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
