/* test_report.c - see test_report.h. */
#include "cli/author/test_report.h"

#include <string.h>

static const char *const words[] = {
    [TEST_PASSED] = "passed", [TEST_FAILED] = "failed", [TEST_BROKEN] = "broken"};

enum test_format test_format(const char *word)
{
    static const char *const formats[] = {[TEST_TEXT] = "text",
                                          [TEST_TAP] = "tap",
                                          [TEST_JUNIT] = "junit",
                                          [TEST_JSON] = "json"};

    for (size_t i = 0; word && i < COUNT_OF(formats); i++)
        if (strcmp(formats[i], word) == 0)
            return (enum test_format)i;
    return TEST_TEXT;
}

/* Each line of the text behind a prefix. */
static void add_lines(struct buf *out, const char *prefix, const char *text)
{
    while (*text) {
        const size_t len = strcspn(text, "\n");
        buf_add_text(out, prefix);
        cli_add_clean(out, text, len);
        buf_add_char(out, '\n');
        text += len + (text[len] == '\n');
    }
}

static void add_text(struct test_report *r, const struct test_case *done)
{
    static const enum cli_colour colours[] = {
        [TEST_PASSED] = CLI_GREEN, [TEST_FAILED] = CLI_RED, [TEST_BROKEN] = CLI_YELLOW};

    if (r->quiet && done->outcome == TEST_PASSED)
        return;
    cli_add_coloured(&r->out, r->colour, colours[done->outcome], words[done->outcome]);
    buf_printf(&r->out, "  %s: ", done->file);
    cli_add_clean(&r->out, done->name, strlen(done->name));
    buf_add_char(&r->out, '\n');
    if (done->text)
        add_lines(&r->out, "    ", done->text);
}

/* Version 13: a diagnostic block of YAML below what is not ok. */
static void add_tap(struct test_report *r, const struct test_case *done)
{
    buf_printf(&r->out, "%sok %zu - %s: ", done->outcome == TEST_PASSED ? "" : "not ",
               r->n_cases, done->file);
    cli_add_clean(&r->out, done->name, strlen(done->name));
    buf_add_char(&r->out, '\n');
    if (!done->text)
        return;
    buf_printf(&r->out, "  ---\n  outcome: %s\n  message: |\n", words[done->outcome]);
    add_lines(&r->out, "    ", done->text);
    buf_add_text(&r->out, "  ...\n");
}

static void add_xml(struct buf *out, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '&')
            buf_add_text(out, "&amp;");
        else if (c == '<')
            buf_add_text(out, "&lt;");
        else if (c == '>')
            buf_add_text(out, "&gt;");
        else if (c == '"')
            buf_add_text(out, "&quot;");
        else if (c >= 0x20 || c == '\n' || c == '\t')
            buf_add_char(out, (char)c); /* others are no XML */
    }
}

static void add_junit(struct test_report *r, const struct test_case *done)
{
    struct buf *out = &r->out;

    buf_add_text(out, "  <testcase classname=\"");
    add_xml(out, done->file);
    buf_add_text(out, "\" name=\"");
    add_xml(out, done->name);
    buf_printf(out, "\" time=\"%.3f\"", done->seconds);
    if (!done->text) {
        buf_add_text(out, "/>\n");
        return;
    }
    const char *kind = done->outcome == TEST_FAILED ? "failure" : "error";
    buf_printf(out, ">\n    <%s message=\"", kind);
    MEM_AUTO char *first = mem_text_len(done->text, strcspn(done->text, "\n"));
    add_xml(out, first);
    buf_add_text(out, "\">");
    add_xml(out, done->text);
    buf_printf(out, "</%s>\n  </testcase>\n", kind);
}

static void add_json(struct test_report *r, const struct test_case *done)
{
    if (!r->cases)
        r->cases = json_array();
    json_array_append_new(r->cases,
                          json_pack("{s:s, s:s, s:s, s:s?, s:f}", "file", done->file,
                                    "name", done->name, "outcome", words[done->outcome],
                                    "text", done->text, "seconds", done->seconds));
}

void test_report_add(struct test_report *r, const struct test_case *done)
{
    static void (*const adds[])(struct test_report *,
                                const struct test_case *) = {[TEST_TEXT] = add_text,
                                                             [TEST_TAP] = add_tap,
                                                             [TEST_JUNIT] = add_junit,
                                                             [TEST_JSON] = add_json};

    r->n_cases++;
    r->n_failed += done->outcome == TEST_FAILED;
    r->n_broken += done->outcome == TEST_BROKEN;
    adds[r->format](r, done);
}

static void put_head(const struct test_report *r, struct buf *out)
{
    if (r->format == TEST_TAP)
        buf_printf(out, "TAP version 13\n1..%zu\n", r->n_cases);
    if (r->format == TEST_JUNIT)
        buf_printf(out,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<testsuite name=\"flowforge\" tests=\"%zu\" failures=\"%zu\" "
                   "errors=\"%zu\">\n",
                   r->n_cases, r->n_failed, r->n_broken);
}

static void put_foot(const struct test_report *r, struct buf *out)
{
    if (r->format == TEST_JUNIT)
        buf_add_text(out, "</testsuite>\n");
    if (r->format == TEST_TEXT)
        buf_printf(out, "%zu case%s: %zu passed, %zu failed, %zu broken\n", r->n_cases,
                   r->n_cases == 1 ? "" : "s", r->n_cases - r->n_failed - r->n_broken,
                   r->n_failed, r->n_broken);
    if (r->format == TEST_JSON) {
        json_t *all =
            json_pack("{s:O, s:I, s:I, s:I}", "cases", r->cases, "passed",
                      (json_int_t)(r->n_cases - r->n_failed - r->n_broken), "failed",
                      (json_int_t)r->n_failed, "broken", (json_int_t)r->n_broken);
        json_add_to(out, all);
        buf_add_char(out, '\n');
        json_decref(all);
    }
}

int test_report_end(struct test_report *r)
{
    struct buf out = {0};

    put_head(r, &out);
    buf_add(&out, buf_text(&r->out), r->out.len);
    put_foot(r, &out);
    const int code = cli_print(&out);
    if (code != CLI_OK)
        return code;
    if (r->n_broken > 0)
        return CLI_INVALID;
    return r->n_failed > 0 ? CLI_RUN_FAILED : CLI_OK;
}

void test_report_done(struct test_report *r)
{
    buf_done(&r->out);
    json_decref(r->cases);
}
