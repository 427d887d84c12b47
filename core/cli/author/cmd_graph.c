/* cmd_graph.c - draws a workflow file, or a run with the states of its tasks. */
#include "author/author.h"
#include "cli/author/author.h"
#include "cli/read/flow_file.h"
#include "cli/read/run_view.h"

#include <string.h>
#include <unistd.h>

static enum author_graph_format format_of(const struct cli *c)
{
    const char *word = cli_get(&c->args, "format");

    if (c->json)
        return AUTHOR_GRAPH_JSON;
    for (int i = 0; word && author_graph_formats[i]; i++)
        if (strcmp(author_graph_formats[i], word) == 0)
            return (enum author_graph_format)i;
    return AUTHOR_GRAPH_TREE;
}

static int draw(const struct cli *c, const struct flow *flow, author_state_fn *state,
                void *arg)
{
    struct buf out = {0};

    if (author_graph(flow, format_of(c), state, arg, &out))
        return cli_print(&out);
    buf_done(&out);
    return cli_fail(CLI_USAGE,
                    "the workflow has more than %d tasks: too many for a drawing; -o "
                    "json tells of all",
                    AUTHOR_GRAPH_MAX);
}

static int graph_file(const struct cli *c, const char *path)
{
    struct buf why = {0};
    struct flow_file f;
    int code = flow_file_read(&f, path);

    if (code == CLI_OK) {
        code = draw(c, f.flow, NULL, NULL);
    } else if (code == CLI_INVALID) {
        flow_file_add_problems(path, &f.problems, &why);
        fputs(buf_text(&why), stderr);
    }
    buf_done(&why);
    flow_file_done(&f);
    return code;
}

/* What stands in a group belongs to another run. */
static const char *state_of(void *arg, const char *path)
{
    const struct run_view *v = arg;
    const int64_t task = strchr(path, '/') ? -1 : flow_task_index(v->flow, path);

    if (task < 0 || !run_view_has(v, (uint32_t)task))
        return NULL;
    return task_state_names[v->tasks[task].row.state];
}

static int graph_run(struct cli *c, const char *word)
{
    struct run_view view = {0};
    struct arena arena = {0};
    struct cli_session s;
    struct run_row run;
    int code = cli_open(c, &s);

    if (code == CLI_OK)
        code = cli_find_run(&s, word, &arena, &run);
    if (code == CLI_OK) {
        code = run_view_read(&view, &s, &run, VIEW_ITEMS_FAILED, -1);
        if (code == CLI_OK)
            code = draw(c, view.flow, state_of, &view);
        run_view_done(&view);
    }
    arena_done(&arena);
    cli_close(&s);
    return code;
}

int cmd_graph(struct cli *c)
{
    const char *word = c->args.words.items[0];
    const bool is_file = strcmp(word, "-") == 0 || access(word, F_OK) == 0 ||
                         strchr(word, '/') || strchr(word, '.');

    return is_file ? graph_file(c, word) : graph_run(c, word);
}
