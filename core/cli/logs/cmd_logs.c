/* cmd_logs.c - what the tasks of a run wrote, merged by time. */
#include "cli/logs/logs.h"
#include "cli/logs/logs_follow.h"
#include "cli/logs/logs_inside.h"
#include "cli/logs/logs_there.h"
#include "cli/read/run_children.h"

#include "cli/read/run_view.h"
#include <string.h>

#define FLUSH_BYTES ((size_t)64 * 1024)

/* FF_NOT_FOUND: no such task. *many: its lines come from several items. */
static int look_up(const struct cli_session *s, const struct run_row *run,
                   const struct logs_pick *pick, bool *many)
{
    struct flow *flow = run_view_flow(s, run);
    const int64_t task = flow ? flow_task_index(flow, pick->task) : -1;

    *many = task >= 0 && flow->tasks[task].work->foreach && pick->item < 0;
    flow_unref(flow);
    return task >= 0 ? FF_OK : FF_NOT_FOUND;
}

static int print_sources(const struct log_sources *sources, struct logs_print *print)
{
    struct log_merge merge = {0};
    struct log_source *s;
    int code = CLI_OK;

    for (size_t i = 0; i < sources->n; i++)
        log_merge_add(&merge, sources->items[i], true);
    while (code == CLI_OK && (s = log_merge_first(&merge))) {
        logs_print_line(print, s);
        log_merge_pop(&merge, true);
        if (print->out.len >= FLUSH_BYTES)
            code = cli_print(&print->out);
    }
    log_merge_done(&merge);
    logs_print_end(print);
    return code == CLI_OK ? cli_print(&print->out) : code;
}

/* Prints everything there is; CLI_IO when nobody reads it. */
static int print_all(const struct logs_follow_setup *setup)
{
    struct log_sources *sources = setup->sources;
    MEM_AUTO char *id = mem_text_len(setup->run->id.s, setup->run->id.len);
    int code = logs_scan(setup->s, id, setup->pick, sources);

    if (code == CLI_OK && !setup->pick->task)
        code = logs_inside_scan(setup->s, setup->run, setup->pick, sources);
    if (code == CLI_OK && sources->n == 0)
        cli_note(setup->c, "nothing was written");
    if (code == CLI_OK)
        code = print_sources(sources, setup->print);
    return code == CLI_OK ? logs_there_code(sources) : code;
}

static int logs(struct cli *c, struct cli_session *s, const struct run_row *run,
                const struct logs_pick *pick)
{
    const bool follow = cli_has(&c->args, "follow");
    struct log_sources sources = {0};
    struct logs_print print = {.json = c->json,
                               .raw = cli_has(&c->args, "raw"),
                               .timestamps = cli_has(&c->args, "timestamps"),
                               .colour = c->colour,
                               .prefix = true,
                               .only = pick->only};

    if (pick->task && look_up(s, run, pick, &print.prefix) != FF_OK)
        return cli_fail(CLI_NOT_FOUND, "the workflow %.*s has no task %s",
                        (int)run->workflow.len, run->workflow.s, pick->task);
    const struct logs_follow_setup setup = {
        .c = c, .s = s, .run = run, .pick = pick, .print = &print, .sources = &sources};
    const int code = !follow     ? print_all(&setup)
                     : s->remote ? logs_there_follow(&setup)
                                 : logs_follow(&setup);
    logs_pick_free(&sources);
    buf_done(&print.out);
    return code;
}

int cmd_logs(struct cli *c)
{
    const char *word = c->args.words.n > 1 ? c->args.words.items[1] : NULL;
    struct logs_pick pick = {0};
    struct cli_about about;

    int code = cli_open_run(c, &about);
    if (code == CLI_OK)
        code = run_children_walk(&about.s, word, &about.arena, &about.run, &word);
    if (code == CLI_OK)
        code = logs_pick_read(&pick, c, word && word[0] ? word : NULL);
    if (code == CLI_OK)
        code = logs(c, &about.s, &about.run, &pick);
    logs_pick_done(&pick);
    cli_close_run(&about);
    return code;
}
