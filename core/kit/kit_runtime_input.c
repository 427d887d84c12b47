/* kit/kit_runtime_input.c - what a process finds: arguments, environment, directory and
 * standard input. */
#include "kit/kit_runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LARGE ((size_t)3 << 20)

static void expect_output(struct kitr *r, const char *id, const char *name,
                          const void *expected, size_t len)
{
    struct buf out = {0};
    struct ff_err err;

    kit_expect_code(r->k, kitr_output(r, id, name, &out, &err), FF_OK, &err,
                    "reading the output %s", name);
    kit_expect_int(r->k, out.len, len, "bytes of the output %s", name);
    kit_expect(r->k, len == 0 || memcmp(out.data, expected, len) == 0,
               "the output %s of %zu bytes has other ones than were given", name, len);
    buf_done(&out);
}

/* Each word with its NUL, as the kernel would show it. */
static void arguments(struct kit *k)
{
    static const char script[] =
        "for w; do printf '%s\\000' \"$w\"; done >$FF_OUT/words";
    static const char words[] =
        "two words\0\0'\"`$HOME;*\0line\nline\0caf\xc3\xa9\0-n\0"
        "\\n%s";
    struct kitr *r = kitr_open(k);
    char *large = mem_alloc(100001);
    const char *argv[16] = {"sh", "-c", script, "name"};
    struct kitr_job job;
    struct buf expected = {0};
    size_t n = 4;

    memset(large, 'w', 100000);
    for (const char *w = words; w < words + sizeof(words); w += strlen(w) + 1)
        argv[n++] = w;
    argv[n] = large;
    for (size_t i = 4; i <= n; i++)
        buf_add(&expected, argv[i], strlen(argv[i]) + 1);
    kitr_job(&job, r, "a", script);
    job.spec.argv = argv;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "a"), 0);
    expect_output(r, "a", "words", expected.data, expected.len);
    buf_done(&expected);
    mem_free(large);
    kitr_close(r);
}

/* A program of that name in the first directory of the environment's PATH. */
static void path_lookup(struct kit *k)
{
    static const char program[] = "#!/bin/sh\nexit 11\n";
    struct kitr *r = kitr_open(k);
    MEM_AUTO char *path = kitr_path(r, "kit-program");
    struct buf variable = {0};
    struct kitr_job job;

    if (file_write_durable(path, program, sizeof(program) - 1, 0700) != 0)
        kit_skip(k, "no file %s", path);
    buf_printf(&variable, "PATH=%s:/usr/bin:/bin", kit_dir(k));
    kitr_job(&job, r, "a", NULL);
    job.argv[0] = "kit-program";
    job.argv[1] = NULL;
    job.env[0] = buf_text(&variable);
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "a"), 11);
    buf_done(&variable);
    kitr_close(r);
}

/* Of `env -0`: every entry ends with a NUL. */
static bool has_entry(const struct buf *env, const char *entry)
{
    for (size_t at = 0; at < env->len; at += strlen(env->data + at) + 1)
        if (strcmp(env->data + at, entry) == 0)
            return true;
    return false;
}

static size_t count_name(const struct buf *env, const char *name)
{
    size_t n = 0;

    for (size_t at = 0; at < env->len; at += strlen(env->data + at) + 1)
        n += strncmp(env->data + at, name, strlen(name)) == 0;
    return n;
}

static void environment(struct kit *k)
{
    static const char *const given[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                        "EMPTY=",
                                        "EQUALS=a=b",
                                        "LINES=one\ntwo\n",
                                        "UNICODE=\xc3\xa9\xf0\x9f\x9a\x80",
                                        "SPACES=  two  ",
                                        "FF_OUT=/of/the/caller",
                                        NULL};
    struct buf env = {0};
    struct kitr_job job;
    struct ff_err err;

    setenv("KIT_OWN_SECRET", "must not be seen", 1); /* before the driver is opened */
    struct kitr *r = kitr_open(k);

    kitr_job(&job, r, "a", "exec env -0 >$FF_OUT/env");
    job.spec.env = given;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "a"), 0);
    kit_expect_code(k, kitr_output(r, "a", "env", &env, &err), FF_OK, &err,
                    "reading the output env");
    for (size_t i = 0; i + 2 < COUNT_OF(given); i++)
        kit_expect(k, has_entry(&env, given[i]), "the environment has no %s", given[i]);
    kit_expect_int(k, count_name(&env, "FF_OUT="), 1, "variables FF_OUT");
    kit_expect(k, !has_entry(&env, "FF_OUT=/of/the/caller"),
               "FF_OUT is the caller's, not a directory of the attempt");
    kit_expect_int(k, count_name(&env, "KIT_OWN_SECRET="), 0,
                   "variables that the attempt has from the starting process");
    kit_expect_int(k, count_name(&env, "HOME="), 0,
                   "variables HOME, which was not given");
    buf_done(&env);
    kitr_close(r);
}

static void directory(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "given", "pwd -P >$FF_OUT/pwd");
    job.spec.dir = "/usr";
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "given"), 0);
    expect_output(r, "given", "pwd", "/usr\n", 5);
    kitr_job(&job, r, "chosen", "cd . && :");
    job.spec.dir = NULL;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "chosen"), 0);
    kitr_close(r);
}

static void no_input(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "null", "cat >$FF_OUT/input; [ -c /dev/stdin ]");
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "null"), 0);
    expect_output(r, "null", "input", "", 0);
    kitr_job(&job, r, "empty", "cat >$FF_OUT/input");
    job.spec.input = "";
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "empty"), 0);
    expect_output(r, "empty", "input", "", 0);
    kitr_close(r);
}

static void large_input(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    unsigned char *input = mem_alloc(LARGE);
    struct kitr_job job;

    for (size_t i = 0; i < LARGE; i++)
        input[i] = (unsigned char)rand_next(kit_rand(k));
    kitr_job(&job, r, "read", "exec cat >$FF_OUT/input");
    job.spec.input = input;
    job.spec.input_len = LARGE;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "read"), 0);
    expect_output(r, "read", "input", input, LARGE);
    kitr_job(&job, r, "unread", "exit 9");
    job.spec.input = input;
    job.spec.input_len = LARGE;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "unread"), 9);
    mem_free(input);
    kitr_close(r);
}

/* Memory of 200 MB is more than one limit allows and less than the other. */
static void memory_limit(struct kit *k)
{
    static const char greedy[] = "exec dd if=/dev/zero of=/dev/null bs=200M count=1";
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "small", greedy);
    job.spec.memory_bytes = INT64_C(32) << 20;
    kitr_start(r, &job.spec);
    const struct ff_run_event *end = kitr_end(r, "small");

    kit_expect_int(k, end->state, FF_RUN_EXITED, "the state of one above its limit");
    kit_expect(k, end->exit_code != 0, "200 MB were allocated with a limit of 32");
    kitr_job(&job, r, "large", greedy);
    job.spec.memory_bytes = INT64_C(400) << 20;
    kitr_start(r, &job.spec);
    kitr_expect_exit(r, kitr_end(r, "large"), 0);
    kitr_close(r);
}

const struct kit_check kit_runtime_input_checks[] = {
    {"start/arguments", "Arguments arrive byte for byte.", .run = arguments},
    {"start/path", "argv[0] is looked up in the PATH of env.", .run = path_lookup,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"start/environment", "env is the whole environment, and the runtime adds FF_OUT.",
     .run = environment},
    {"start/directory", "dir is the working directory; NULL is the runtime's choice.",
     .run = directory},
    {"start/no-input",
     "Without input standard input is at its end, with NULL /dev/null.",
     .run = no_input},
    {"start/large-input",
     "Input arrives whole, and one that nobody reads does no harm.",
     .run = large_input},
    {"start/memory-limit", "memory_bytes is obeyed.", .run = memory_limit,
     .caps = FF_RUNTIME_LIMITS},
    {0},
};
