/* Damaged files: whatever is done to a good file, reading it ends with a plan or with
 * problems that point into it. The sanitizers watch. FF_SEED and FF_CASES repeat and
 * prolong a run. */
#include "support_cmocka.h"
#include "support_spec.h"
#include <stdlib.h>
#include <string.h>

static const char *const seeds[] = {
    TOP "description: moves rows\n"
        "inputs:\n"
        "  day: string\n"
        "  n: {type: integer, default: 3, min: 1, max: 5}\n"
        "  mode: {enum: [fast, slow], default: fast, pattern: '[a-z]+'}\n"
        "env: {A: x, V: 1.10, R: \"${{ run.id }}\"}\n"
        "defaults: {retry: {delay: 1s}, timeout: 5m, env: {D: d}}\n"
        "tasks:\n"
        "  extract:\n"
        "    run: |\n"
        "      ./extract > \"$FF_OUT/path\"\n"
        "      echo done\n"
        "    outputs: {path: {from: file}, items: json, log: stdout}\n"
        "  work:\n"
        "    needs: [extract]\n"
        "    if: tasks.extract.status == 'succeeded' && inputs.n > 1\n"
        "    foreach: ${{ tasks.extract.outputs.items }}\n"
        "    maxParallel: 8\n"
        "    env: {I: \"${{ item.x[0] }}\", N: \"${{ index }}\"}\n"
        "    stdin:\n"
        "      a: [\"${{ item }}\", 1]\n"
        "      b: >-\n"
        "        folded\n"
        "        ${{ attempt }}\n"
        "    command: [echo, \"${{ item }}\", 1.10, true, 'it''s', \"\\u00e9\\n\"]\n"
        "  load: {needs: [work, extract], script: {lang: python, file: a.py},\n"
        "         retry: {max_attempts: 4, on: [failed], exit_codes: [1]},\n"
        "         resources: {cpu: 500m, memory: 64MiB}}\n"
        "on_failure: [{id: page, run: ./page}]\n"
        "finally: {clean: {noop: true, env: {S: \"${{ tasks.load.status }}\"}}}\n"
        "outputs: {p: \"${{ tasks.extract.outputs.path }}\"}\n",
    "{flowforge: 1, name: j, \"tasks\": {\"a\": {\"command\": [\"x\"], "
    "\"needs\": [\"b\"]}, \"b\": {\"run\": \"y\"}}}\n",
};

/* What breaks files in practice, and what breaks readers. */
static const char *const words[] = {
    "${{",
    "}}",
    "$${{ ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "  ",
    "\t",
    "&a ",
    "*a ",
    "!!x ",
    "<<: ",
    "'",
    "\"",
    "|\n",
    ">\n",
    "#",
    "---\n",
    "...\n",
    "? ",
    "null",
    "~",
    "needs:",
    "tasks.",
    "outputs.",
    "item",
    "a.b.c",
    "\xc3\xa9",
    "\xff",
    "\xe2\x80\xa8",
    "\\",
    "99999999999999999999",
    "1e400",
    "%",
    "\r",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "\xEF\xBB\xBF",
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void insert(struct buf *b, size_t at, const char *bytes, size_t len)
{
    char *tail = mem_text_len(b->data + at, b->len - at);
    size_t n_tail = b->len - at;

    b->len = at;
    buf_add(b, bytes, len);
    buf_add(b, tail, n_tail);
    mem_free(tail);
}

static void cut(struct buf *b, size_t at, size_t len)
{
    if (len > b->len - at)
        len = b->len - at;
    memmove(b->data + at, b->data + at + len, b->len - at - len);
    b->len -= len;
    b->data[b->len] = '\0';
}

static void mutate(struct buf *b, struct rand *r)
{
    size_t at = rand_below(r, b->len + 1);
    const char *word = words[rand_below(r, COUNT_OF(words))];
    char part[64];

    switch (rand_below(r, 6)) {
    case 0:
        cut(b, at, 1 + rand_below(r, 8));
        break;
    case 1:
        insert(b, at, word, strlen(word));
        break;
    case 2: /* a piece of the file again, somewhere else */
        memset(part, ' ', sizeof(part));
        for (size_t i = 0; i < sizeof(part) && at + i < b->len; i++)
            part[i] = b->data[at + i];
        insert(b, rand_below(r, b->len + 1), part, 1 + rand_below(r, sizeof(part)));
        break;
    case 3:
        if (at < b->len)
            b->data[at] = (char)rand_below(r, 256);
        break;
    case 4:
        cut(b, at, rand_below(r, 8) == 0 ? b->len : rand_below(r, 40));
        break;
    default:
        cut(b, at, 1);
        insert(b, at, word, strlen(word));
    }
}

static int count_lines(const struct buf *b)
{
    int n = 1;

    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == '\n' || b->data[i] == '\r';
    return n;
}

static void check_problem(const struct flow_problem *p, int n_lines)
{
    assert_in_range(p->line, 1, n_lines + 1);
    assert_true(p->column >= 1);
    assert_in_range(p->code, 1, PROBLEM_END - 1);
    assert_true(p->msg[0] != '\0');
    assert_int_equal(text_utf8_error(p->msg, strlen(p->msg)), strlen(p->msg));
    assert_int_equal(text_utf8_error(p->hint, strlen(p->hint)), strlen(p->hint));
    assert_int_equal(text_utf8_error(p->at, strlen(p->at)), strlen(p->at));
}

static void read_damaged(const struct buf *b)
{
    struct flow_problems problems = {0};
    struct flow *f = flow_parse(buf_text(b), b->len, &problems);

    if (f)
        assert_int_equal(problems.n, 0);
    else
        assert_true(problems.n > 0);
    for (size_t i = 0; i < problems.n; i++)
        check_problem(&problems.items[i], count_lines(b));
    flow_unref(f);
    flow_problems_done(&problems);
}

static void damaged_files_are_read_or_refused(void **state)
{
    const uint64_t seed = number_from("FF_SEED", 7);
    const uint64_t n_cases = number_from("FF_CASES", 4000);
    struct rand r;

    (void)state;
    print_message("FF_SEED=%llu FF_CASES=%llu\n", (unsigned long long)seed,
                  (unsigned long long)n_cases);
    rand_seed(&r, seed);
    for (uint64_t i = 0; i < n_cases; i++) {
        struct buf b = {0};

        buf_add_text(&b, seeds[rand_below(&r, COUNT_OF(seeds))]);
        for (uint64_t k = 1 + rand_below(&r, 6); k > 0; k--)
            mutate(&b, &r);
        read_damaged(&b);
        buf_done(&b);
    }
}

static void every_beginning_of_a_file_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        struct buf b = {0};

        buf_add_text(&b, seeds[i]);
        flow_unref(read_good(buf_text(&b)));
        while (b.len > 0) {
            cut(&b, b.len - 1, 1);
            read_damaged(&b);
        }
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_read_or_refused),
        cmocka_unit_test(every_beginning_of_a_file_is_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
