/* cmd_test.c - tests of workflows: cases in files NAME.test.yaml, each rehearsed and
 * held against what it expects. How they are reported is in test_report.c. */
#include "cli/author/author.h"
#include "cli/author/test_file.h"
#include "cli/author/test_report.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32

struct paths {
    char **items;
    size_t n, cap;
};

/* --- which files --- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_dir(struct paths *paths, const char *dir, int depth)
{
    DIR *d = depth < DEPTH_MAX ? file_open_dir(dir) : NULL;

    for (const struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        char *path =
            strcmp(dir, ".") == 0 ? mem_text(e->d_name) : file_join(dir, e->d_name);
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            add_dir(paths, path, depth + 1);
        if (test_file_is(path) && S_ISREG(st.st_mode))
            ARRAY_ADD(paths, path);
        else
            mem_free(path);
    }
    if (d)
        closedir(d);
}

/* "etl.yaml" -> "etl.test.yaml" */
static char *beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash : path, '.');
    struct buf b = {0};

    buf_printf(&b, "%.*s" TEST_SUFFIX, dot ? (int)(dot - path) : (int)strlen(path),
               path);
    return buf_take(&b);
}

static int add_word(struct paths *paths, const char *word)
{
    struct stat st;

    if (stat(word, &st) != 0)
        return cli_fail(CLI_NOT_FOUND, "%s: %s", word, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        add_dir(paths, word, 0);
        return CLI_OK;
    }
    char *path = test_file_is(word) ? mem_text(word) : beside(word);
    if (access(path, R_OK) != 0) {
        cli_fail(CLI_NOT_FOUND, "%s has no tests: there is no %s", word, path);
        mem_free(path);
        return CLI_NOT_FOUND;
    }
    ARRAY_ADD(paths, path);
    return CLI_OK;
}

static int find_files(const struct cli *c, struct paths *paths)
{
    int code = CLI_OK;

    if (c->args.words.n == 0)
        add_dir(paths, ".", 0);
    for (size_t i = 0; code == CLI_OK && i < c->args.words.n; i++)
        code = add_word(paths, c->args.words.items[i]);
    if (code == CLI_OK && paths->n == 0)
        code = cli_fail(CLI_NOT_FOUND,
                        "there are no tests here: they are in files NAME" TEST_SUFFIX);
    if (paths->n > 0)
        qsort(paths->items, paths->n, sizeof(*paths->items), compare);
    return code;
}

/* --- running them --- */

/* FF_OK: it was judged, and differences are in *out. */
static int judge(struct cli *c, const struct test_case_spec *spec, struct buf *out,
                 double *seconds, struct ff_err *err)
{
    int ignored;
    json_t *result = rehearse(c, &spec->rehearsal, &ignored, err);
    int code = result ? FF_OK : err->code;

    if (code == FF_OK)
        code = simulate_expect(spec->expect, result, out, err);
    *seconds = json_number_value(json_object_get(result, "duration"));
    json_decref(result);
    return code;
}

static void run_case(struct cli *c, struct test_report *report,
                     const struct test_file *t, size_t i)
{
    const char *only = cli_get(&c->args, "case");
    struct test_case done = {.file = t->path};
    struct test_case_spec spec;
    struct buf differences = {0};
    struct ff_err err = {0};
    int code = test_file_case(t, i, &spec, &err);

    done.name = spec.name;
    if (code == FF_OK && (!only || strcmp(only, spec.name) == 0))
        code = judge(c, &spec, &differences, &done.seconds, &err);
    if (code != FF_OK) {
        done.outcome = TEST_BROKEN;
        done.text = err.msg;
    } else if (differences.len > 0) {
        done.outcome = TEST_FAILED;
        done.text = buf_text(&differences);
    }
    if (!only || strcmp(only, spec.name) == 0)
        test_report_add(report, &done);
    buf_done(&differences);
    test_case_done(&spec);
}

static void run_file(struct cli *c, struct test_report *report, const char *path)
{
    struct test_file t;
    struct buf why = {0};

    if (test_file_read(&t, path, &why)) {
        for (size_t i = 0; i < t.n_cases; i++)
            run_case(c, report, &t, i);
    } else {
        const struct test_case done = {.file = path,
                                       .name = "(file)",
                                       .outcome = TEST_BROKEN,
                                       .text = buf_text(&why)};
        test_report_add(report, &done);
    }
    buf_done(&why);
    test_file_done(&t);
}

int cmd_test(struct cli *c)
{
    struct test_report report = {
        .format = test_format(c->json ? "json" : cli_get(&c->args, "format")),
        .colour = c->colour,
        .quiet = c->quiet};
    struct paths paths = {0};
    int code = find_files(c, &paths);

    map_seed(1, 0); /* the order in maps must not differ from one call to the next */
    for (size_t i = 0; code == CLI_OK && i < paths.n; i++)
        run_file(c, &report, paths.items[i]);
    if (code == CLI_OK && report.n_cases == 0)
        code = cli_fail(CLI_NOT_FOUND, "there is no case %.60s",
                        cli_get(&c->args, "case"));
    if (code == CLI_OK)
        code = test_report_end(&report);
    test_report_done(&report);
    for (size_t i = 0; i < paths.n; i++)
        mem_free(paths.items[i]);
    ARRAY_DONE(&paths);
    return code;
}
