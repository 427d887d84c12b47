/* kit/kit_runtime_output.c - what attempts leave in $FF_OUT, until it is released. */
#include "kit/kit_runtime.h"

#include <string.h>
#include <unistd.h>

#define LARGE ((size_t)3 << 20)

static void expect_output(struct kitr *r, const char *id, const char *name,
                          const char *expected)
{
    struct buf out = {0};
    struct ff_err err;

    kit_expect_code(r->k, kitr_output(r, id, name, &out, &err), FF_OK, &err,
                    "reading the output '%s'", name);
    kit_expect_text(r->k, buf_text(&out), expected, "the output '%s'", name);
    buf_done(&out);
}

static void files_are_read(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    unsigned char *bytes = mem_alloc(LARGE);
    struct buf out = {0};
    struct kitr_job job;
    struct ff_err err;

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)rand_next(kit_rand(k));
    kitr_job(&job, r, "a",
             "echo 42 >$FF_OUT/answer; : >$FF_OUT/empty; "
             "exec cat >$FF_OUT/large");
    job.spec.input = bytes;
    job.spec.input_len = LARGE;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "a"), 0);
    expect_output(r, "a", "answer", "42\n");
    expect_output(r, "a", "empty", "");
    kit_expect_code(k, kitr_output(r, "a", "large", &out, &err), FF_OK, &err,
                    "reading an output of 3 MiB");
    kit_expect_int(k, out.len, LARGE, "its bytes");
    kit_expect(k, memcmp(out.data, bytes, LARGE) == 0, "it has other bytes");
    buf_done(&out);
    mem_free(bytes);
    kitr_close(r);
}

/* Of failed attempts, too. */
static void of_the_failed(struct kit *k)
{
    struct kitr *r = kitr_open(k);

    kitr_run_sh(r, "a", "echo why >$FF_OUT/reason; exit 1");
    expect_output(r, "a", "reason", "why\n");
    kitr_run_sh(r, "b", "echo why >$FF_OUT/reason; kill -9 $$");
    expect_output(r, "b", "reason", "why\n");
    kitr_close(r);
}

static void missing(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    MEM_AUTO char *to = kitr_path(r, "taken");
    struct buf out = {0};
    struct ff_err err;

    kitr_run_sh(r, "a", "echo 1 >$FF_OUT/there; mkdir $FF_OUT/folder");
    kit_expect_code(k, kitr_output(r, "a", "not-there", &out, &err), FF_NOT_FOUND, &err,
                    "reading an output that is not there");
    kit_expect_int(k, out.len, 0, "bytes read of an output that is not there");
    kit_expect(k, kitr_output(r, "a", "folder", &out, &err) != FF_OK,
               "a directory was read as an output");
    if (r->ops->take &&
        driver_instance_info(r->instance)->d.caps & FF_RUNTIME_LOCAL_FILES) {
        kit_expect_code(k, kitr_take(r, "a", "not-there", to, &err), FF_NOT_FOUND, &err,
                        "taking an output that is not there");
        kit_expect(k, access(to, F_OK) != 0,
                   "taking what is not there made the file nevertheless");
    }
    kitr_close(r);
}

/* What is read with the runtime's rights must be the attempt's own: no way leads out of
 * the directory, and nothing in it makes the reader wait. */
static void only_files(struct kit *k)
{
    static const char *const names[] = {"link", "fifo", "folder",       ".",
                                        "..",   "",     "folder/inside"};
    struct kitr *r = kitr_open(k);

    kitr_expect_exit(
        r,
        kitr_run_sh(r, "a",
                    "cd $FF_OUT && ln -s /etc/passwd link && mkfifo fifo && "
                    "mkdir folder && echo 1 >folder/inside && echo 2 >file"),
        0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf out = {0};
        struct ff_err err;

        if (kitr_output(r, "a", names[i], &out, &err) == FF_OK || out.len > 0)
            kit_fail(k, "'%s', which is no file of $FF_OUT, was read: %zu bytes",
                     names[i], out.len);
        buf_done(&out);
    }
    expect_output(r, "a", "file", "2\n");
    kitr_close(r);
}

static void odd_names(struct kit *k)
{
    static const char *const names[] = {"two words", ".hidden", "-n", "caf\xc3\xa9",
                                        "a'b\"c$d",  "*",       "%s", "#"};
    struct kitr *r = kitr_open(k);
    char longest[256];
    struct buf script = {0};

    memset(longest, 'n', 255);
    longest[255] = '\0';
    buf_printf(&script,
               "cd $FF_OUT; echo 8 >%s; i=0; while read -r n; do "
               "echo $i >\"./$n\"; i=$((i+1)); done",
               longest);
    struct buf input = {0};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        buf_printf(&input, "%s\n", names[i]);
    struct kitr_job job;

    kitr_job(&job, r, "a", buf_text(&script));
    job.spec.input = input.data;
    job.spec.input_len = input.len;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "a"), 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char number[] = {(char)('0' + i), '\n', '\0'};

        expect_output(r, "a", names[i], number);
    }
    expect_output(r, "a", longest, "8\n");
    buf_done(&script);
    buf_done(&input);
    kitr_close(r);
}

/* --- stopping --- */

struct stopped {
    struct kitr *r;
    const char *id;
    size_t n_calls;
    int code;
    struct ff_err err;
};

static int stop_at_first(void *arg, const void *bytes, size_t len)
{
    struct stopped *s = arg;

    (void)bytes;
    (void)len;
    s->n_calls++;
    return 1;
}

static void read_until_stopped(void *arg)
{
    struct stopped *s = arg;

    s->code =
        s->r->ops->output(s->r->runtime, s->id, "large", stop_at_first, s, &s->err);
}

static void stopping(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct stopped s = {.r = r, .id = "a"};

    kitr_expect_exit(r, kitr_run_sh(r, "a", "head -c 3000000 /dev/zero >$FF_OUT/large"),
                     0);
    kitr_on_worker(r, read_until_stopped, &s);
    kit_expect_int(k, s.n_calls, 1, "calls of one that stops at the first");
    kitr_close(r);
}

/* --- take --- */

static void expect_file(struct kitr *r, const char *path, const char *expected)
{
    struct buf text = {0};

    kitr_read(r, path, &text);
    kit_expect_text(r->k, buf_text(&text), expected, "the file that was taken");
    buf_done(&text);
}

static void taking(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    MEM_AUTO char *to = kitr_path(r, "taken");
    MEM_AUTO char *nowhere = kitr_path(r, "no/such/directory/taken");
    struct ff_err err;

    kitr_run_sh(r, "a", "echo text >$FF_OUT/file; echo other >$FF_OUT/kept");
    kit_expect(k, kitr_take(r, "a", "kept", nowhere, &err) != FF_OK,
               "a file was put into a directory that is not there");
    kit_expect_code(k, kitr_take(r, "a", "file", to, &err), FF_OK, &err,
                    "taking a file");
    expect_file(r, to, "text\n");
    expect_output(r, "a", "kept", "other\n");
    kitr_release(r, "a");
    expect_file(r, to, "text\n");
    kitr_close(r);
}

/* --- the list --- */

struct names {
    struct kitr *r;
    struct map map;
    size_t n, stop_at;
    int code;
    struct ff_err err;
};

static int note_name(void *arg, const void *bytes, size_t len)
{
    struct names *names = arg;
    MEM_AUTO char *name = mem_text_len(bytes, len);

    map_set_text(&names->map, name, names);
    names->n++;
    return names->n == names->stop_at;
}

static void list_names(void *arg)
{
    struct names *names = arg;
    struct kitr *r = names->r;

    names->code = r->ops->outputs(r->runtime, "a", note_name, names, &names->err);
}

static void listing(struct kit *k)
{
    static const char *const expected[] = {"one", "two words", ".three"};
    struct kitr *r = kitr_open(k);
    struct names names = {.r = r};

    kitr_run_sh(r, "a", "cd $FF_OUT; echo 1 >one; : >'two words'; echo 3 >.three");
    kitr_on_worker(r, list_names, &names);
    kit_expect_code(k, names.code, FF_OK, &names.err, "listing the outputs");
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        kit_expect(k, map_get_text(&names.map, expected[i]), "the list has no '%s'",
                   expected[i]);
    kit_expect_int(k, names.n, COUNT_OF(expected), "names in the list");
    map_done(&names.map);
    names = (struct names){.r = r, .stop_at = 1};
    kitr_on_worker(r, list_names, &names);
    kit_expect_int(k, names.n, 1, "calls of one that stops at the first");
    map_done(&names.map);
    kitr_close(r);
}

/* --- release --- */

static void released(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    const char *const ids[] = {"nobody", "a", "never/heard/of", "b"};
    struct buf where = {0};
    struct kitr_job job;
    struct kitr_op op;

    kitr_job(&job, r, "a", "echo 1 >$FF_OUT/one; printf %s $FF_OUT");
    kitr_start(r, &job.spec);
    kitr_end(r, "a");
    kitr_run_sh(r, "b", ":");
    kitr_run_sh(r, "c", "echo 1 >$FF_OUT/one");
    kitr_log(r, job.log_dir, "stdout", &where);
    kit_expect(k, access(buf_text(&where), F_OK) == 0,
               "$FF_OUT was %s, which is no file", buf_text(&where));
    kitr_begin_release(r, &op, ids, COUNT_OF(ids));
    kit_expect_code(k, kitr_wait_op(&op), FF_OK, &op.err,
                    "releasing two attempts and two that are not there");
    kitr_begin_release(r, &op, NULL, 0);
    kit_expect_code(k, kitr_wait_op(&op), FF_OK, &op.err, "releasing nothing");
    MEM_AUTO char *one = file_join(buf_text(&where), "one");

    kit_expect(k, access(one, F_OK) != 0, "the private file %s was not deleted", one);
    expect_output(r, "c", "one", "1\n");
    kitr_adopt(r, "a");
    kit_expect(k, kitr_end(r, "a")->state != FF_RUN_REFUSED, "a was refused");
    kitr_close(r);
    buf_done(&where);

    r = kitr_open(k);
    kitr_adopt(r, "a");
    kitr_expect_nobody(r, kitr_end(r, "a"));
    kitr_close(r);
}

const struct kit_check kit_runtime_output_checks[] = {
    {"output/read", "Outputs are read whole: none, few and many bytes, all values.",
     .run = files_are_read},
    {"output/of-the-failed", "A failed attempt has its outputs, too.",
     .run = of_the_failed},
    {"output/missing", "What is not there is FF_NOT_FOUND.", .run = missing},
    {"output/only-files", "Only regular files of the directory itself are outputs.",
     .run = only_files},
    {"output/odd-names", "A name is any file name.", .run = odd_names},
    {"output/stop", "The reader may stop.", .run = stopping},
    {"take/file", "take puts the file where it is wanted.", .run = taking,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"outputs/list", "outputs calls with each name.", .run = listing,
     .slot = KIT_SLOT(ff_runtime_ops, outputs)},
    {"release/forgets", "release forgets and deletes; unknown ids are ignored.",
     .run = released, .caps = FF_RUNTIME_LOCAL_FILES},
    {0},
};
