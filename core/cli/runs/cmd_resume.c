/* cmd_resume.c - goes on with runs that nobody leads, or waits for one that somebody
 * does. */
#include "cli/follow/follow.h"
#include "cli/runs/runs.h"

struct open_runs {
    struct run_row *items;
    size_t n, cap;
    struct open_run_row *keys;
    size_t n_keys, cap_keys;
};

static int take_key(void *arg, const void *row)
{
    struct open_runs *open = arg;

    open->keys =
        array_reserve(open->keys, open->n_keys, &open->cap_keys, sizeof(*open->keys));
    open->keys[open->n_keys++] = *(const struct open_run_row *)row;
    return 0;
}

struct taking {
    struct open_runs *open;
    struct arena *arena;
};

static int take_run(void *arg, const void *row)
{
    const struct taking *t = arg;
    struct run_row run = *(const struct run_row *)row;

    if (run_is_child(&run))
        return 0; /* the run around it is open, too, and tells of it */
    store_own_row(&record_run, &run, t->arena);
    ARRAY_ADD(t->open, run);
    return 0;
}

static int read_open(struct cli_session *s, struct open_runs *open, struct arena *arena)
{
    const struct open_run_row first = {0};
    const struct store_query all = {.record = &record_open_run, .like = &first};
    struct taking t = {open, arena};
    struct store *store = node_store(s->node);
    struct ff_err err = {0};
    int code = store_scan(store, STORE_READER_CALLER, &all, take_key, open, &err);

    for (size_t i = 0; code == FF_OK && i < open->n_keys; i++) {
        const struct run_row like = {.tenant = open->keys[i].tenant,
                                     .run = open->keys[i].run};
        const struct store_query one = {
            .record = &record_run, .like = &like, .n_equal = 2};
        code = store_scan(store, STORE_READER_CALLER, &one, take_run, &t, &err);
    }
    return code == FF_OK ? CLI_OK : cli_fail_err(&err);
}

static int resume(struct cli *c, struct cli_session *s, struct arena *arena)
{
    const char *word = c->args.words.n > 0 ? c->args.words.items[0] : NULL;
    struct open_runs open = {0};
    struct run_row run;
    int code;

    if (word) {
        code = cli_find_run(s, word, arena, &run);
        if (code == CLI_OK)
            ARRAY_ADD(&open, run);
    } else {
        code = read_open(s, &open, arena);
        if (code == CLI_OK && open.n == 0)
            cli_note(c, "no run is open");
    }
    if (code == CLI_OK && open.n > 0) {
        const struct follow_setup setup = {.c = c,
                                           .s = s,
                                           .runs = open.items,
                                           .n_runs = open.n,
                                           .interrupt_cancels = word != NULL};
        code = follow_runs(&setup);
    }
    mem_free(open.keys);
    ARRAY_DONE(&open);
    return code;
}

int cmd_resume(struct cli *c)
{
    struct cli_session s;
    struct arena arena = {0};

    int code = cli_open(c, &s);
    if (code == CLI_OK)
        code = resume(c, &s, &arena);
    arena_done(&arena);
    cli_close(&s);
    return code;
}
