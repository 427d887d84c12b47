/* cmd_diff.c - what differs in meaning between two workflows: tasks that came or went,
 * keys that changed. Comments, order and spelling make no difference. */
#include "cli/author/author.h"
#include "cli/read/flow_file.h"
#include "cli/read/run_view.h"

#include <string.h>
#include <unistd.h>

#define VALUE_SHOWN 60
#define RUN_PREFIX  8

/* One side. */
struct side {
    json_t *meaning;
    char *name; /* "etl 0f3a..." */
};

/* Where two differ: {"path", "change", "from", "to"}. */
struct differing {
    json_t *changes;
};

/* --- comparing --- */

static void add_change(struct differing *d, const char *path, const char *change,
                       json_t *from, json_t *to)
{
    json_t *one = json_pack("{s:s, s:s}", "path", path, "change", change);

    if (from)
        json_object_set(one, "from", from);
    if (to)
        json_object_set(one, "to", to);
    json_array_append_new(d->changes, one);
}

/* Handlers run in their order; for all else it means nothing. */
static bool order_counts(const char *path)
{
    static const char *const handlers[] = {"on_success", "on_failure", "on_cancel",
                                           "finally", NULL};
    const char *dot = strrchr(path, '.');
    const char *last = dot ? dot + 1 : path;

    for (size_t i = 0; handlers[i]; i++)
        if (strcmp(last, handlers[i]) == 0)
            return true;
    return false;
}

static json_t *names_of(json_t *object)
{
    json_t *list = json_array();
    const char *name;
    json_t *v;

    json_object_foreach(object, name, v) json_array_append_new(list, json_string(name));
    return list;
}

static bool same_names(json_t *a, json_t *b)
{
    const char *name;
    json_t *v;

    json_object_foreach(a, name, v) if (!json_object_get(b, name)) return false;
    return json_object_size(a) == json_object_size(b);
}

static void compare_order(struct differing *d, const char *path, json_t *a, json_t *b)
{
    json_t *first = names_of(a);
    json_t *second = names_of(b);

    if (order_counts(path) && same_names(a, b) && !json_equal(first, second))
        add_change(d, path, "reordered", first, second);
    json_decref(first);
    json_decref(second);
}

/* As deep as the files are. */
static void compare(struct differing *d, const char *path, json_t *a, json_t *b)
{
    struct buf below = {0};
    const char *name;
    json_t *v;

    if (!json_is_object(a) || !json_is_object(b)) {
        if (!json_equal(a, b))
            add_change(d, path, "changed", a, b);
        return;
    }
    compare_order(d, path, a, b);
    json_object_foreach(a, name, v)
    {
        json_t *other = json_object_get(b, name);
        buf_clear(&below);
        buf_printf(&below, "%s%s%s", path, path[0] ? "." : "", name);
        if (other)
            compare(d, buf_text(&below), v, other);
        else
            add_change(d, buf_text(&below), "removed", v, NULL);
    }
    json_object_foreach(b, name, v)
    {
        buf_clear(&below);
        buf_printf(&below, "%s%s%s", path, path[0] ? "." : "", name);
        if (!json_object_get(a, name))
            add_change(d, buf_text(&below), "added", NULL, v);
    }
    buf_done(&below);
}

/* --- the two sides --- */

static bool may_be_run(const char *word)
{
    const size_t len = strlen(word);

    return strcmp(word, "last") == 0 ||
           (len >= RUN_PREFIX && strspn(word, "0123456789abcdef-") == len);
}

/* The workflow that the run is pinned to, and what it was started with. */
static int read_run(const struct cli_session *s, struct run_row *run,
                    struct arena *arena, struct side *side, struct flow_file *f)
{
    struct ff_err err = {0};
    const int code = flow_file_of_hash(f, s, run->hash);

    if (code == CLI_OK)
        side->meaning = flow_meaning(buf_text(&f->source), f->source.len);
    run_view_open(s, run, arena);
    json_t *inputs = json_parse(run->inputs.s, run->inputs.len, &err);
    if (side->meaning && inputs)
        json_object_set_new(side->meaning, "run", json_pack("{s:O}", "inputs", inputs));
    json_decref(inputs);
    return code;
}

static int read_side(struct cli *c, const struct cli_session *s, const char *word,
                     struct side *side)
{
    struct flow_file f = {.path = word};
    struct arena arena = {0};
    struct run_row run;
    struct ff_err err = {0};
    int code;

    (void)c;
    if (access(word, F_OK) == 0 || strcmp(word, "-") == 0) {
        code = flow_file_read(&f, word);
    } else if (may_be_run(word) &&
               store_run_find(node_store(s->node), STORE_READER_CALLER, TENANT_DEFAULT,
                              word, &arena, &run, &err) == FF_OK) {
        code = read_run(s, &run, &arena, side, &f);
    } else if (err.code == FF_INVALID) {
        code = cli_fail_err(&err); /* several runs begin so */
    } else if (flow_file_is_stored(word)) {
        code = flow_file_stored(&f, s, word);
    } else {
        code = cli_fail(CLI_NOT_FOUND, "there is no file, workflow or run %s", word);
    }
    if (code == CLI_INVALID) {
        struct buf out = {0};
        flow_file_add_problems(f.path, &f.problems, &out);
        fputs(buf_text(&out), stderr);
        buf_done(&out);
    }
    if (code == CLI_OK && !side->meaning)
        side->meaning = flow_meaning(buf_text(&f.source), f.source.len);
    if (code == CLI_OK && f.flow) {
        struct buf name = {0};
        buf_printf(&name, "%s (%s %.12s)", word, f.flow->name, f.flow->hash);
        side->name = buf_take(&name);
    }
    flow_file_done(&f);
    arena_done(&arena);
    return code;
}

/* --- printing --- */

static void add_value(struct buf *out, const json_t *value)
{
    MEM_AUTO char *text = json_text(value);
    const size_t len = strlen(text);

    cli_add_clean(out, text, len <= VALUE_SHOWN ? len : VALUE_SHOWN);
    if (len > VALUE_SHOWN)
        buf_add_text(out, "...");
}

/* Of two texts of several lines only where they part. */
static bool add_lines(struct buf *out, const char *a, const char *b)
{
    int line = 1;

    if (!a || !b || (!strchr(a, '\n') && !strchr(b, '\n')))
        return false;
    for (;;) {
        const size_t la = strcspn(a, "\n");
        const size_t lb = strcspn(b, "\n");
        if (la != lb || memcmp(a, b, la) != 0 || !a[la] || !b[lb]) {
            buf_printf(out, ": line %d\n    - ", line);
            cli_add_clean(out, a, la);
            buf_add_text(out, "\n    + ");
            cli_add_clean(out, b, lb);
            return true;
        }
        a += la + 1;
        b += lb + 1;
        line++;
    }
}

static void add_text(struct buf *out, const struct cli *c, const json_t *change)
{
    static const struct {
        const char *word, *mark;
        enum cli_colour colour;
    } marks[] = {{"added", "+ ", CLI_GREEN},
                 {"removed", "- ", CLI_RED},
                 {"changed", "~ ", CLI_YELLOW},
                 {"reordered", "~ ", CLI_YELLOW}};
    const char *word = json_string_value(json_object_get(change, "change"));
    const char *path = json_string_value(json_object_get(change, "path"));
    const json_t *from = json_object_get(change, "from");
    const json_t *to = json_object_get(change, "to");
    size_t i = 0;

    while (strcmp(marks[i].word, word) != 0)
        i++;
    cli_add_coloured(out, c->colour, marks[i].colour, marks[i].mark);
    cli_add_clean(out, path, strlen(path));
    if (!add_lines(out, json_string_value(from), json_string_value(to))) {
        buf_add_text(out, ": ");
        if (from)
            add_value(out, from);
        if (from && to)
            buf_add_text(out, " -> ");
        if (to)
            add_value(out, to);
    }
    buf_add_char(out, '\n');
}

static int print(struct cli *c, const struct side sides[2], const struct differing *d)
{
    const bool differ = json_array_size(d->changes) > 0;
    struct buf out = {0};
    json_t *change;
    size_t i;

    if (c->json) {
        json_t *j = json_pack("{s:b, s:O}", "equal", !differ, "changes", d->changes);
        json_add_to(&out, j);
        buf_add_char(&out, '\n');
        json_decref(j);
    } else if (differ) {
        if (!c->quiet)
            buf_printf(&out, "--- %s\n+++ %s\n", sides[0].name, sides[1].name);
        json_array_foreach(d->changes, i, change) add_text(&out, c, change);
    } else {
        cli_note(c, "they mean the same");
    }
    const int code = cli_print(&out);
    if (code != CLI_OK)
        return code;
    return differ ? CLI_RUN_FAILED : CLI_OK;
}

int cmd_diff(struct cli *c)
{
    struct differing d = {.changes = json_array()};
    struct side sides[2] = {{0}};
    struct cli_session s;

    int code = cli_open(c, &s);
    for (size_t i = 0; code == CLI_OK && i < COUNT_OF(sides); i++)
        code = read_side(c, &s, c->args.words.items[i], &sides[i]);
    if (code == CLI_OK) {
        /* What a run was started with is compared with that of another run only. */
        if (!json_object_get(sides[0].meaning, "run") ||
            !json_object_get(sides[1].meaning, "run"))
            for (size_t i = 0; i < COUNT_OF(sides); i++)
                json_object_del(sides[i].meaning, "run");
        compare(&d, "", sides[0].meaning, sides[1].meaning);
        code = print(c, sides, &d);
    }
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        json_decref(sides[i].meaning);
        mem_free(sides[i].name);
    }
    json_decref(d.changes);
    cli_close(&s);
    return code;
}
