/* rehearse.c - see rehearse.h. */
#include "cli/author/rehearse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)

json_t *rehearse_yaml(const char *path, int *code)
{
    struct flow_problems problems = {0};
    struct buf text = {0};
    json_t *value = NULL;
    const int sys = file_read(path, FILE_MAX, &text);

    *code = CLI_OK;
    if (sys != 0) {
        *code = cli_fail(sys == -ENOENT ? CLI_NOT_FOUND : CLI_IO, "%s: %s", path,
                         strerror(-sys));
        return NULL;
    }
    value = flow_yaml(buf_text(&text), text.len, &problems);
    if (!value) {
        struct buf out = {0};
        flow_file_add_problems(path, &problems, &out);
        fputs(buf_text(&out), stderr);
        buf_done(&out);
        *code = CLI_INVALID;
    }
    flow_problems_done(&problems);
    buf_done(&text);
    return value;
}

static char *make_temporary(struct ff_err *err)
{
    const char *base = getenv("TMPDIR");
    char *dir =
        file_join(base && base[0] == '/' ? base : "/tmp", "flowforge-sim-XXXXXX");

    if (mkdtemp(dir))
        return dir;
    ff_fail(err, FF_UNAVAILABLE, errno, "%.160s: %s", dir, strerror(errno));
    mem_free(dir);
    return NULL;
}

/* The slots of the user's machine must not change what comes of it. */
static int configure(struct config *config, const struct rehearsal *r, const char *dir,
                     struct ff_err *err)
{
    struct buf data = {0};
    struct buf files = {0};
    char slots[64];

    buf_printf(&data, "engine.data_dir=%s", dir);
    buf_printf(&files, "engine.files_dir=%s", dir);
    snprintf(slots, sizeof(slots), "engine.slots=%lld", (long long)r->slots);
    int code = config_set(config, buf_text(&data), err);
    if (code == FF_OK)
        code = config_set(config, buf_text(&files), err);
    if (code == FF_OK)
        code = config_set(config, slots, err);
    buf_done(&files);
    buf_done(&data);
    return code;
}

json_t *rehearse(struct cli *c, const struct rehearsal *r, int *code,
                 struct ff_err *err)
{
    struct config *config = NULL;
    json_t *result = NULL;

    *code = cli_load_config(c, &config);
    if (*code != CLI_OK) {
        ff_fail(err, FF_INVALID, 0, "the configuration cannot be read");
        return NULL;
    }
    char *dir = make_temporary(err);
    int ignored;
    MEM_AUTO char *beside = flow_file_dir(r->file->path, NULL, &ignored);
    const struct simulate_setup setup = {
        .flow = r->file->flow,
        .source = buf_text((struct buf *)(uintptr_t)&r->file->source),
        .source_len = r->file->source.len,
        .inputs = r->inputs,
        .mocks = r->mocks,
        .dir = dir,
        .beside = beside,
        .seed = (uint64_t)r->seed,
        .start_us = r->start_us,
        .until_us = r->until_us,
        .config = config,
    };
    if (dir && simulate_check_mocks(r->mocks, r->file->flow, err) == FF_OK &&
        configure(config, r, dir, err) == FF_OK)
        result = simulate(&setup, err);
    if (!result)
        *code = (int)cli_exit_of(err->code);
    if (dir)
        file_remove_tree(dir);
    mem_free(dir);
    config_free(config);
    return result;
}
