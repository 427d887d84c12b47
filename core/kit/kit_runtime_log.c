/* kit/kit_runtime_log.c - the log chunks of docs/logs.md. Their form is judged record
 * by record in kit_runtime_files.c. */
#include "kit/kit_runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES 5000

static const struct ff_run_event *run(struct kitr *r, struct kitr_job *job)
{
    kitr_start(r, &job->spec);
    return kitr_end(r, job->spec.attempt_id);
}

static void expect_log(struct kitr *r, const struct kitr_job *job, const char *stream,
                       const void *expected, size_t len)
{
    struct buf text = {0};

    kitr_log(r, job->log_dir, stream, &text);
    kit_expect_int(r->k, text.len, len, "bytes of %s in the log", stream);
    kit_expect(r->k, len == 0 || memcmp(text.data, expected, len) == 0,
               "%s in the log is not what was written", stream);
    buf_done(&text);
}

static size_t count_chunks(const struct kitr_job *job)
{
    char path[800];
    size_t n = 0;

    do
        snprintf(path, sizeof(path), "%s/%06zu.log", job->log_dir, n + 1);
    while (access(path, F_OK) == 0 && ++n);
    return n;
}

static void both_streams(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a",
             "echo out 1; echo err 1 >&2; echo; printf 'out 2'; printf 'err 2\\n' >&2");
    const struct ff_run_event *end = run(r, &job);

    expect_log(r, &job, "stdout", "out 1\n\nout 2", 12);
    expect_log(r, &job, "stderr", "err 1\nerr 2\n", 12);
    expect_log(r, &job, "system", "", 0);
    kit_expect_int(k, end->log_bytes, 24, "log_bytes");
    kit_expect_int(k, end->log_dropped, 0, "log_dropped");
    kit_expect_int(k, end->log_chunks, count_chunks(&job), "log_chunks");
    kitr_close(r);
}

static void nothing(struct kit *k)
{
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a", ":");
    const struct ff_run_event *end = run(r, &job);

    kit_expect_int(k, end->log_chunks, 0, "log_chunks of one that wrote nothing");
    kit_expect_int(k, end->log_bytes, 0, "log_bytes of one that wrote nothing");
    kit_expect_int(k, count_chunks(&job), 0, "chunks of one that wrote nothing");
    kitr_close(r);
}

/* Every byte there is, NUL and half characters among them. */
static void any_bytes(struct kit *k)
{
    enum { N = 200000 };
    struct kitr *r = kitr_open(k);
    unsigned char *bytes = mem_alloc(N);
    struct kitr_job job;

    for (size_t i = 0; i < N; i++)
        bytes[i] = i < 256 ? (unsigned char)i : (unsigned char)rand_next(kit_rand(k));
    kitr_job(&job, r, "a", "exec cat");
    job.spec.input = bytes;
    job.spec.input_len = N;
    kit_expect_int(k, run(r, &job)->log_bytes, N, "log_bytes");
    expect_log(r, &job, "stdout", bytes, N);
    mem_free(bytes);
    kitr_close(r);
}

static void long_lines(struct kit *k)
{
    enum { N = 100000 };
    struct kitr *r = kitr_open(k);
    char *line = mem_alloc(N);
    struct kitr_job job;

    memset(line, 'x', N);
    kitr_job(&job, r, "a", "exec cat >&2");
    job.spec.input = line;
    job.spec.input_len = N;
    run(r, &job);
    expect_log(r, &job, "stderr", line, N); /* each record is at most 16 KiB */
    mem_free(line);
    kitr_close(r);
}

/* A chunk holds 8 MiB at most. */
static void chunks(struct kit *k)
{
    enum { LINE = 100, N_LINES = 120000 };
    struct kitr *r = kitr_open(k);
    const size_t len = (size_t)LINE * N_LINES;
    char *text = mem_alloc(len);
    struct kitr_job job;

    for (size_t i = 0; i < len; i += LINE) {
        char number[16];

        memset(text + i, '.', LINE);
        const int n = snprintf(number, sizeof(number), "%zu", i / LINE);

        memcpy(text + i, number, (size_t)n);
        text[i + LINE - 1] = '\n';
    }
    kitr_job(&job, r, "a", "exec cat");
    job.spec.input = text;
    job.spec.input_len = len;
    const struct ff_run_event *end = run(r, &job);

    kit_expect_int(k, end->log_bytes, len, "log_bytes");
    kit_expect_int(k, end->log_chunks, count_chunks(&job), "log_chunks");
    expect_log(r, &job, "stdout", text, len);
    mem_free(text);
    kitr_close(r);
}

/* "[flowforge: N bytes dropped: ...]" is the last record. */
static void limit(struct kit *k)
{
    enum { WRITTEN = 100 * 300 };
    struct kitr *r = kitr_open(k);
    struct buf system = {0};
    struct kitr_job job;
    char said[64];

    kitr_job(&job, r, "a",
             "i=0; while [ $i -lt 300 ]; do printf '%099d\\n' $i; i=$((i+1)); done; "
             "exit 12");
    job.spec.log_max_bytes = MAX_BYTES;
    const struct ff_run_event *end = run(r, &job);

    kitr_expect_exit(r, end, 12);
    kit_expect(k, end->log_bytes <= MAX_BYTES && end->log_bytes > 0,
               "%llu bytes were kept with a limit of %d",
               (unsigned long long)end->log_bytes, MAX_BYTES);
    kit_expect_int(k, end->log_bytes + end->log_dropped, WRITTEN,
                   "bytes kept and bytes dropped, together");
    snprintf(said, sizeof(said), "[flowforge: %llu bytes dropped",
             (unsigned long long)end->log_dropped);
    kitr_log(r, job.log_dir, "system", &system);
    kit_expect(k, strstr(buf_text(&system), said), "the log says '%s', not '%s'",
               buf_text(&system), said);
    buf_done(&system);
    kitr_close(r);
}

/* Written in two pieces, with time between them that the runtime may use to write. */
static void masks(struct kit *k)
{
    static const char *const masks[] = {"hidden-value", "hidden", "two\nlines", NULL};
    struct kitr *r = kitr_open(k);
    struct kitr_job job;

    kitr_job(&job, r, "a",
             "echo hidden-value; echo hidden-valu; printf hidden-; sleep 0.1; echo "
             "value; printf 'two\\nlines' >&2; printf 'hid' >&2");
    job.spec.masks = masks;
    run(r, &job);
    expect_log(r, &job, "stdout", "***\n***-valu\n***\n", 17);
    expect_log(r, &job, "stderr", "***hid", 6);
    kitr_close(r);
}

const struct kit_check kit_runtime_log_checks[] = {
    {"logs/both-streams", "Each stream is, byte for byte, its records put together.",
     .run = both_streams, .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/nothing", "One that writes nothing has no chunks.", .run = nothing,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/any-bytes", "Every byte but newline may be text of a record.",
     .run = any_bytes, .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/long-lines", "A line longer than 16 KiB is cut into records.",
     .run = long_lines, .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/chunks", "A chunk is at most 8 MiB and has whole records.", .run = chunks,
     .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/limit",
     "Beyond log_max_bytes output is dropped, counted and the log says so.",
     .run = limit, .caps = FF_RUNTIME_LOCAL_FILES},
    {"logs/masks", "Texts that must not stand in the log are *** there, in pieces too.",
     .run = masks, .caps = FF_RUNTIME_LOCAL_FILES | FF_RUNTIME_MASKS},
    {0},
};
