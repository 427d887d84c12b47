/* Garbage must be refused, or evaluated, but never end the process; the sanitizers
 * watch. FF_SEED repeats a run. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_TEXTS   15000
#define MAX_PARTS 40

static uint64_t seed;

/* xorshift64*. */
static size_t below(size_t n)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (size_t)((seed * UINT64_C(2685821657736338717)) >> 33) % n;
}

static const char *const parts[] = {
    "v",
    "v.list",
    "item",
    "x",
    "'a'",
    "\"",
    "'''",
    "\\",
    "\\u00e9",
    "1",
    "9223372036854775807",
    "1.5",
    "1e",
    "0x",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "?",
    ":",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "==",
    "=",
    "<",
    ">=",
    "&&",
    "||",
    "|",
    " in ",
    "has(",
    ".map(x, ",
    ".all(x, ",
    ".filter(x, x)",
    ".exists(",
    ".matches('(a|b)*'",
    ".matches(",
    ".size()",
    ".split(",
    ".join(",
    "range(",
    ".sort()",
    ".flatten(",
    ".replace(",
    ".substring(1",
    "json(",
    "to_json(",
    "or_value(",
    "null",
    "true",
    "\xff",
    "\xc3",
    "`a-b`",
    "//",
    "\n",
    "${{",
    "}}",
    "$${{",
    "r'",
    "b'",
    "\t",
    "int(",
    "string(",
    "sum(",
    ".sortBy(x, x)",
};

static void add_part(char *text, size_t size)
{
    const size_t len = strlen(text);

    if (below(20) == 0 && len + 1 < size) {
        text[len] = (char)(1 + below(255));
        text[len + 1] = '\0';
    } else {
        snprintf(text + len, size - len, "%s",
                 parts[below(sizeof(parts) / sizeof(parts[0]))]);
    }
}

static void garbage(char *text, size_t size)
{
    size_t n = 1 + below(MAX_PARTS);

    text[0] = '\0';
    while (n-- > 0)
        add_part(text, size);
}

static json_t *lookup(void *arg, const char *name)
{
    return json_object_get(arg, name);
}

static void check_err(const struct expr_err *err, const char *text)
{
    if (err->code == EXPR_OK || err->msg[0] == '\0' ||
        err->offset + err->length > strlen(text))
        fail_msg("%s: code %d at %zu+%zu, %s", text, err->code, err->offset,
                 err->length, err->msg);
}

static void run_expr(const char *text, const struct expr_scope *scope)
{
    struct expr_err err = {0};
    struct expr *e = expr_compile(text, strlen(text), &err);
    json_t *v = e != NULL ? expr_eval(e, scope, &err) : NULL;

    if (v == NULL)
        check_err(&err, text);
    json_decref(v);
    expr_free(e);
}

static void run_template(const char *text, const struct expr_scope *scope)
{
    struct expr_err err = {0};
    struct tmpl *t = tmpl_compile(text, strlen(text), &err);
    json_t *v = t != NULL ? tmpl_eval(t, scope, &err) : NULL;

    if (v == NULL)
        check_err(&err, text);
    json_decref(v);
    tmpl_free(t);
}

static void garbage_is_refused_in_order(void **state)
{
    struct expr_scope scope = {
        .lookup = lookup, .arg = json_loads(support_vars, 0, NULL), .max_steps = 5000};
    const char *given = getenv("FF_SEED");
    char text[1024];

    (void)state;
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("FF_SEED=%llu\n", (unsigned long long)seed);
    seed = seed * 2 + 1;
    for (int i = 0; i < N_TEXTS; i++) {
        garbage(text, sizeof(text));
        run_expr(text, &scope);
        run_template(text, &scope);
    }
    json_decref(scope.arg);
}

/* Cutting and changing what is right gets deeper than garbage does. */
static void changed_expressions_are_refused_in_order(void **state)
{
    static const char *const right[] = {
        "v.list.filter(x, x > 1 && x in [1, 2]).map(y, {'k': string(y)}).size() == 1",
        ("'a,b'.split(',').map(s, s.upperAscii().replace('A', "
         "s)).join('-').matches('^A')"),
        "or_value(tasks.extract.outputs.items.sortBy(i, -i.id)[0].id, 1) + 0x1F * -2",
        "x ${{ has(v.map.a) ? to_json(v) : \"}}\" }} y $${{ z }} ${{ v.s }}",
    };
    struct expr_scope scope = {.lookup = lookup,
                               .arg = json_loads(support_vars, 0, NULL)};
    char text[1024];

    (void)state;
    for (int i = 0; i < N_TEXTS; i++) {
        snprintf(text, sizeof(text), "%s", right[below(4)]);
        for (size_t n = 1 + below(3); n > 0; n--) {
            const size_t at = below(strlen(text));
            if (below(3) == 0)
                memmove(text + at, text + at + 1, strlen(text + at));
            else
                text[at] = (char)(1 + below(127));
        }
        run_expr(text, &scope);
        run_template(text, &scope);
    }
    json_decref(scope.arg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_refused_in_order),
        cmocka_unit_test(changed_expressions_are_refused_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
