/* fuzz_lint.c - any text as a workflow file under the eyes of `lint` and `graph`.
 * Advice is about lines that there are, the same each time; a mended file is as good as
 * before and needs no more mending; drawings can be read by those they are for. */
#include "author/author.h"
#include "fuzz.h"

struct linted {
    struct author_findings found;
    struct buf fixed;
    int code;
};

static struct linted lint(const char *text, size_t len, bool fix)
{
    struct flow_problems problems = {0};
    struct ff_err err = {0};
    struct linted l = {0};

    l.code = author_lint(text, len, &l.found, fix ? &l.fixed : NULL, &problems, &err);
    FUZZ_CHECK(l.code == FF_OK || (l.code == FF_INVALID && err.msg[0]));
    flow_problems_done(&problems);
    return l;
}

static void linted_done(struct linted *l)
{
    author_findings_done(&l->found);
    buf_done(&l->fixed);
}

static int count_lines(const char *text, size_t len)
{
    int n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

static void check_findings(const struct author_findings *f, const char *text,
                           size_t len)
{
    const int n_lines = count_lines(text, len);

    for (size_t i = 0; i < f->n; i++) {
        const struct author_finding *one = &f->items[i];

        FUZZ_CHECK(one->rule && one->msg[0]);
        FUZZ_CHECK(text_utf8_error(one->msg, strlen(one->msg)) == strlen(one->msg));
        FUZZ_CHECK(one->line >= 1 && one->line <= n_lines && one->column >= 1);
        FUZZ_CHECK(!one->fixed || one->rule->fixes);
    }
}

static void check_sarif(const struct author_findings *f)
{
    const struct author_linted file = {"fuzz.yaml", f};
    struct ff_err err = {0};
    json_t *made = author_sarif(&file, 1, "1");
    MEM_AUTO char *text = json_text(made);
    json_t *again = json_parse(text, strlen(text), &err);

    FUZZ_CHECK(again && json_equal(made, again));
    json_decref(again);
    json_decref(made);
}

static void check_fix(const char *text, size_t len)
{
    struct linted first = lint(text, len, true);
    size_t n_fixed = 0;
    struct buf diff = {0};

    FUZZ_CHECK(first.code == FF_OK);
    for (size_t i = 0; i < first.found.n; i++)
        n_fixed += first.found.items[i].fixed;
    FUZZ_CHECK((n_fixed > 0) == (first.fixed.len > 0));
    if (n_fixed > 0) {
        struct linted again = lint(buf_text(&first.fixed), first.fixed.len, true);

        FUZZ_CHECK(again.code == FF_OK && again.fixed.len == 0);
        author_diff("fuzz.yaml", text, buf_text(&first.fixed), &diff);
        linted_done(&again);
    }
    author_diff("fuzz.yaml", text, text, &diff);
    buf_done(&diff);
    linted_done(&first);
}

static void check_graphs(const char *text, size_t len)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(text, len, &problems);

    for (int format = AUTHOR_GRAPH_TREE; f && format <= AUTHOR_GRAPH_JSON; format++) {
        struct buf out = {0};
        struct ff_err err = {0};

        if (author_graph(f, (enum author_graph_format)format, NULL, NULL, &out)) {
            FUZZ_CHECK(text_utf8_error(buf_text(&out), out.len) == out.len);
            json_t *value = format == AUTHOR_GRAPH_JSON
                                ? json_parse(buf_text(&out), out.len, &err)
                                : NULL;

            FUZZ_CHECK(value || format != AUTHOR_GRAPH_JSON);
            json_decref(value);
        }
        buf_done(&out);
    }
    flow_unref(f);
    flow_problems_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MEM_AUTO char *text = fuzz_text(data, size);
    struct linted l = lint(text, size, false);
    struct linted again = lint(text, size, false);

    FUZZ_CHECK(l.code == again.code && l.found.n == again.found.n);
    if (l.code == FF_OK) {
        check_findings(&l.found, text, size);
        check_sarif(&l.found);
        check_fix(text, size);
        check_graphs(text, size);
    }
    linted_done(&l);
    linted_done(&again);
    return 0;
}
