/* docs/workflow-reference.md says what the tables say: every key with its type, default
 * and version, every code, every limit; and its examples are what it says of them. */
#include "flow/json_schema.h"
#include "flow/spec.h"
#include "support_cmocka.h"
#include "support_spec.h"
#include <stdlib.h>
#include <string.h>

#define KEY_TABLE "| Key | Type | Default | Since | Meaning |\n"

static struct buf page;

static int read_page(void **state)
{
    (void)state;
    return file_read(FF_TEST_DIR "/../../../docs/workflow-reference.md", 1 << 20,
                     &page);
}

static int drop_page(void **state)
{
    (void)state;
    buf_done(&page);
    return 0;
}

/* From the line after "## name" to the next such heading; freed by the caller. */
static char *section(const char *name)
{
    char heading[64];

    snprintf(heading, sizeof(heading), "\n## %s\n", name);

    const char *start = strstr(buf_text(&page), heading);

    if (!start) {
        fail_msg("the reference has no section %s", name);
        return NULL;
    }
    start += strlen(heading);

    const char *end = strstr(start, "\n## ");

    return mem_text_len(start, end ? (size_t)(end + 1 - start) : strlen(start));
}

/* The rows of a section's table of keys, without its two head lines. */
static const char *key_rows(const char *text)
{
    const char *table = strstr(text, KEY_TABLE);

    assert_non_null(table);
    table = strchr(table + strlen(KEY_TABLE), '\n');
    return table + 1;
}

static size_t count_rows(const char *rows)
{
    size_t n = 0;

    for (; *rows == '|'; rows = strchr(rows, '\n') + 1)
        n++;
    return n;
}

static void expect_row(const char *object, const char *rows,
                       const struct spec_field *field)
{
    const char *fallback = field->fallback                ? field->fallback
                           : field->flags & SPEC_REQUIRED ? "required"
                                                          : "–";
    const char *quote = field->fallback ? "`" : "";
    char row[512];

    snprintf(row, sizeof(row), "| `%s` | %s | %s%s%s | %s | %s |\n", field->key,
             field->type->name, quote, fallback, quote, field->since, field->help);
    if (!strstr(rows, row))
        fail_msg("section %s has no row\n%s", object, row);
}

static void every_key_is_documented_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; spec_objects[i]; i++) {
        const struct spec_object *o = spec_objects[i];
        char *text = section(o->name);
        const char *rows = key_rows(text);
        size_t n = 0;

        for (size_t k = 0; k < o->n_fields; k++) {
            if (o->fields[k].flags & SPEC_LATER)
                continue;
            expect_row(o->name, rows, &o->fields[k]);
            n++;
        }
        assert_int_equal(count_rows(rows), n);
        mem_free(text);
    }
}

static void every_later_key_is_listed(void **state)
{
    char *text = section("Not supported yet");

    (void)state;
    for (size_t i = 0; spec_objects[i]; i++) {
        const struct spec_object *o = spec_objects[i];
        struct buf line = {0};

        for (size_t k = 0; k < o->n_fields; k++)
            if (o->fields[k].flags & SPEC_LATER)
                buf_printf(&line, "%s`%s`", line.len ? ", " : "", o->fields[k].key);
        if (line.len && !strstr(text, buf_text(&line)))
            fail_msg("of %s these are not supported yet: %s", o->name, buf_text(&line));
        buf_done(&line);
    }
    mem_free(text);
}

static void every_code_is_documented_and_no_other(void **state)
{
    char *text = section("Problems");
    size_t n = 0;

    (void)state;
    for (const struct flow_code *c = flow_codes; c->number; c++, n++) {
        char row[256];

        snprintf(row, sizeof(row), "| FF%03d | %s | ", c->number, c->title);

        const char *found = strstr(text, row);

        if (!found || found[strlen(row)] == '|')
            fail_msg("section Problems has no row with a remedy %s", row);
    }
    for (const char *at = text; (at = strstr(at, "\n| FF")); at++)
        n--;
    assert_int_equal(n, 0);
    mem_free(text);
}

static void every_keyword_of_schemas_is_documented(void **state)
{
    const char *text = strstr(buf_text(&page), "\n### schema of an input\n");
    char *part;

    (void)state;
    assert_non_null(text);
    part = mem_text_len(text, (size_t)(strstr(text, "\n## ") - text));
    for (size_t i = 0; json_schema_keyword(i); i++) {
        char word[64];

        snprintf(word, sizeof(word), "`%s`", json_schema_keyword(i));
        if (!strstr(part, word))
            fail_msg("the reference does not name the keyword %s", word);
    }
    mem_free(part);
}

static void write_number(char out[32], long n)
{
    if (n < 1000)
        snprintf(out, 32, "%ld", n);
    else if (n < 1000000)
        snprintf(out, 32, "%ld,%03ld", n / 1000, n % 1000);
    else
        snprintf(out, 32, "%ld,%03ld,%03ld", n / 1000000, n / 1000 % 1000, n % 1000);
}

static void every_limit_is_documented(void **state)
{
    static const struct {
        const char *what;
        long value;
    } limits[] = {
        {"bytes of a file", FLOW_MAX_BYTES},
        {"lists and maps inside each other", FLOW_MAX_DEPTH},
        {"values in a file", TREE_MAX_NODES},
        {"tasks and handlers in a file", FLOW_MAX_TASKS},
        {"names in one `inputs`, `outputs` or `env`", FLOW_MAX_NAMES},
        {"variables of all tasks together", 5000000},
        {"bytes of `run` or `script.code`", FLOW_MAX_CODE},
        {"items of a `foreach`, combinations of a `matrix`", FLOW_MAX_ITEMS},
        {"bytes of the outputs of a `transform`, as JSON", FLOW_MAX_TRANSFORM},
        {"combinations of a `matrix`, times its entries of `include` and `exclude`",
         FLOW_MAX_MATCHES},
        {"attempts of a task, in one iteration", FLOW_MAX_ATTEMPTS},
        {"iterations of a `repeat`", FLOW_MAX_ITERATIONS},
        {"semaphores of a task", FLOW_MAX_SEMAPHORES},
        {"places that an attempt takes of one semaphore", FLOW_MAX_PLACES_TAKEN},
        {"starts in the time of a `rate`", FLOW_MAX_RATE},
        {"groups inside each other", FLOW_MAX_GROUP_DEPTH},
        {"runs in `concurrency.limit`", FLOW_MAX_CONCURRENCY},
        {"characters of a name", 63},
        {"triggers of a workflow", FLOW_MAX_TRIGGERS},
        {"problems that are shown of one file", FLOW_MAX_ERRORS},
    };
    char *text = section("Limits");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        char number[32];
        char row[128];

        write_number(number, limits[i].value);
        snprintf(row, sizeof(row), "| %s | %s |\n", limits[i].what, number);
        if (!strstr(text, row))
            fail_msg("section Limits has no row %s", row);
    }
    mem_free(text);
}

static void check_example(const char *text, int code)
{
    if (code == 0) {
        flow_unref(read_good(text));
        return;
    }

    struct flow_problems p = read_bad(text);

    assert_int_equal(p.n, 1);
    assert_int_equal(p.items[0].code, code);
    flow_problems_done(&p);
}

/* ```yaml must be good, ```yaml FF021 must have that problem and no other. */
static void every_example_is_what_it_says(void **state)
{
    const char *at = buf_text(&page);
    size_t n = 0;

    (void)state;
    while ((at = strstr(at, "\n```yaml"))) {
        const char *mark = at + strlen("\n```yaml");
        const char *start = strchr(mark, '\n') + 1;
        const char *end = strstr(start, "\n```\n");
        char *text = mem_text_len(start, (size_t)(end + 1 - start));

        check_example(text, *mark == ' ' ? atoi(mark + strlen(" FF")) : 0);
        mem_free(text);
        at = end + 4;
        n++;
    }
    assert_true(n >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_documented_and_no_other),
        cmocka_unit_test(every_later_key_is_listed),
        cmocka_unit_test(every_code_is_documented_and_no_other),
        cmocka_unit_test(every_limit_is_documented),
        cmocka_unit_test(every_keyword_of_schemas_is_documented),
        cmocka_unit_test(every_example_is_what_it_says),
    };

    return cmocka_run_group_tests(tests, read_page, drop_page);
}
