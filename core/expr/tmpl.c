/*
 * Templates: scalars of the workflow file with ${{ }} parts. They are cut up once, when
 * the file is read; values are never looked at for further ${{.
 */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

#define OPEN     "${{"
#define OPEN_LEN 3

/* Either literal text or an expression. */
struct part {
    char *text;
    size_t len;
    struct expr *e;
    size_t offset; /* of the expression, in the scalar */
};

struct tmpl {
    struct part *parts;
    size_t n, cap;
    bool typed; /* exactly one expression: its value as it is */
};

bool tmpl_is_plain(const char *text)
{
    return strstr(text, OPEN) == NULL;
}

void tmpl_free(struct tmpl *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->parts[i].text);
        expr_free(t->parts[i].e);
    }
    free(t->parts);
    free(t);
}

static int no_memory(struct expr_err *err)
{
    return expr_fail(err, EXPR_E_NOMEM, 0, 0, "out of memory");
}

/* Takes over what the part holds. */
static int add_part(struct tmpl *t, struct part part, struct expr_err *err)
{
    if (t->n == t->cap) {
        const size_t cap = t->cap * 2 + 4;
        struct part *grown = realloc(t->parts, cap * sizeof(*grown));
        if (grown == NULL) {
            free(part.text);
            expr_free(part.e);
            return no_memory(err);
        }
        t->parts = grown;
        t->cap = cap;
    }
    t->parts[t->n++] = part;
    return 0;
}

static bool starts(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* Copies literal text up to the next ${{ or the end, undoing $${{. */
static int add_text(struct tmpl *t, const char *text, size_t len, size_t *at,
                    struct expr_err *err)
{
    char *copy = malloc(len - *at + 1);
    size_t n = 0;

    if (copy == NULL)
        return no_memory(err);
    while (*at < len && !starts(text + *at, len - *at, OPEN)) {
        if (starts(text + *at, len - *at, "$" OPEN)) {
            memcpy(copy + n, OPEN, OPEN_LEN);
            n += OPEN_LEN;
            *at += OPEN_LEN + 1;
        } else {
            copy[n++] = text[(*at)++];
        }
    }
    copy[n] = '\0';
    if (n == 0) {
        free(copy);
        return 0;
    }
    return add_part(t, (struct part){.text = copy, .len = n}, err);
}

/* Compiles text that stands at offset in the scalar. */
static int add_expr(struct tmpl *t, const char *text, size_t len, size_t offset,
                    struct expr_err *err)
{
    struct expr *e = expr_compile(text + offset, len, err);

    if (e == NULL) {
        err->offset += offset;
        return -1;
    }
    return add_part(t, (struct part){.e = e, .offset = offset}, err);
}

/* Where the }} stands that ends the expression from start on. The lexer looks for it,
 * so that braces in strings and maps do not count. -1 with the error. */
static int find_end(const char *text, size_t len, size_t start, size_t *end,
                    struct expr_err *err)
{
    struct expr_lexer lex = {.text = text, .len = len, .at = start, .err = err};
    struct expr_token token;
    size_t braces = 0;

    do {
        if (expr_lex(&lex, &token) != 0)
            return -1;
        if (token.type == TOKEN_LEFT_BRACE)
            braces++;
        else if (token.type == TOKEN_RIGHT_BRACE && braces > 0)
            braces--;
        else if (token.type == TOKEN_RIGHT_BRACE && lex.at < len &&
                 text[lex.at] == '}') {
            *end = token.offset;
            return 0;
        }
    } while (token.type != TOKEN_END);
    return expr_fail(err, EXPR_E_SYNTAX, start - OPEN_LEN, OPEN_LEN,
                     "'${{' has no '}}' after it");
}

static int compile(struct tmpl *t, const char *text, size_t len, struct expr_err *err)
{
    size_t at = 0;

    while (at < len) {
        size_t end = at;
        if (add_text(t, text, len, &at, err) != 0)
            return -1;
        if (at == len)
            break;
        at += OPEN_LEN;
        if (find_end(text, len, at, &end, err) != 0 ||
            add_expr(t, text, end - at, at, err) != 0)
            return -1;
        at = end + 2;
    }
    return 0;
}

static int check(const char *text, size_t len, struct expr_err *err)
{
    if (len > EXPR_MAX_TEMPLATE)
        return expr_fail(err, EXPR_E_LIMIT, EXPR_MAX_TEMPLATE, len - EXPR_MAX_TEMPLATE,
                         "a text with ${{ }} has at most %d bytes, this one has %zu",
                         EXPR_MAX_TEMPLATE, len);
    const size_t bad = expr_text_check(text, len);
    if (bad < len)
        return expr_fail(err, EXPR_E_SYNTAX, bad, 1, "the text is not UTF-8");
    return 0;
}

static bool only(const struct part *part, const char *characters)
{
    return part->e == NULL && strspn(part->text, characters) == part->len;
}

/* Line ends after a lone ${{ }} come from the block style of YAML and mean nothing. */
static bool is_typed(const struct tmpl *t)
{
    return t->n > 0 && t->parts[0].e != NULL &&
           (t->n == 1 || (t->n == 2 && only(&t->parts[1], "\r\n")));
}

struct tmpl *tmpl_compile(const char *text, size_t len, struct expr_err *err)
{
    err->code = EXPR_OK;
    if (check(text, len, err) != 0)
        return NULL;
    struct tmpl *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        no_memory(err);
        return NULL;
    }
    if (compile(t, text, len, err) != 0) {
        tmpl_free(t);
        return NULL;
    }
    t->typed = is_typed(t);
    return t;
}

static size_t trimmed(const char *text, size_t len, size_t *start)
{
    static const char blank[] = " \t\r\n";

    *start = 0;
    while (*start < len && strchr(blank, text[*start]) != NULL)
        ++*start;
    while (len > *start && strchr(blank, text[len - 1]) != NULL)
        len--;
    return len - *start;
}

struct tmpl *tmpl_compile_condition(const char *text, size_t len, struct expr_err *err)
{
    size_t start;
    const size_t n = trimmed(text, len, &start);

    if (memmem(text, len, OPEN, OPEN_LEN) != NULL) {
        struct tmpl *t = tmpl_compile(text + start, n, err);
        if (t != NULL && !t->typed) {
            expr_fail(err, EXPR_E_SYNTAX, 0, n,
                      "a condition is one expression: put all of it into one ${{ }}");
            tmpl_free(t);
            t = NULL;
        }
        for (size_t i = 0; t != NULL && i < t->n; i++)
            t->parts[i].offset += start;
        if (t == NULL)
            err->offset += start;
        return t;
    }
    struct tmpl *t = calloc(1, sizeof(*t));
    if (t == NULL)
        no_memory(err);
    else if (add_expr(t, text, n, start, err) == 0)
        t->typed = true;
    else {
        tmpl_free(t);
        t = NULL;
    }
    return t;
}

/* Passes references on with the expression's place added. */
struct shift {
    expr_ref_fn *fn;
    void *arg;
    size_t by;
};

static void shift_ref(void *arg, const char *const *path, size_t n, size_t offset,
                      size_t length)
{
    const struct shift *shift = arg;

    shift->fn(shift->arg, path, n, offset + shift->by, length);
}

void tmpl_refs(const struct tmpl *t, expr_ref_fn *fn, void *arg)
{
    for (size_t i = 0; i < t->n; i++) {
        struct shift shift = {.fn = fn, .arg = arg, .by = t->parts[i].offset};
        if (t->parts[i].e != NULL)
            expr_refs(t->parts[i].e, shift_ref, &shift);
    }
}

bool tmpl_uses_now(const struct tmpl *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->parts[i].e != NULL && expr_uses_now(t->parts[i].e))
            return true;
    return false;
}

bool tmpl_always_fails(const struct tmpl *t, struct expr_err *err)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->parts[i].e == NULL || !expr_always_fails(t->parts[i].e, err))
            continue;
        err->offset += t->parts[i].offset;
        return true;
    }
    return false;
}

bool tmpl_never_bool(const struct tmpl *t)
{
    return expr_never_bool(t->parts[0].e);
}

static json_t *eval_part(const struct part *part, const struct expr_scope *scope,
                         struct expr_budget *budget, struct expr_err *err)
{
    json_t *v = expr_eval_budget(part->e, scope, budget, err);

    if (v == NULL)
        err->offset += part->offset;
    return v;
}

struct mixed {
    char *text;
    size_t len;
};

static int append(struct mixed *mixed, const char *text, size_t len,
                  struct expr_err *err)
{
    char *grown = realloc(mixed->text, mixed->len + len + 1);

    if (grown == NULL)
        return no_memory(err);
    memcpy(grown + mixed->len, text, len);
    mixed->text = grown;
    mixed->len += len;
    return 0;
}

/* Appends the text of a part's value, paying for its bytes. */
static int append_value(struct mixed *mixed, const struct part *part,
                        const struct expr_scope *scope, struct expr_budget *budget,
                        struct expr_err *err)
{
    size_t len = 0;
    int code = EXPR_OK;
    json_t *v = eval_part(part, scope, budget, err);

    if (v == NULL)
        return -1;
    char *text = expr_dump(v, true, budget->max_bytes - budget->bytes, &len, &code);
    json_decref(v);
    if (text == NULL)
        return expr_fail(
            err, code, part->offset, part->e->len,
            code == EXPR_E_NOMEM
                ? "out of memory"
                : "the text produces more than the %zu bytes it may, or is "
                  "nested too deep",
            budget->max_bytes);
    budget->bytes += len;
    const int rc = append(mixed, text, len, err);
    free(text);
    return rc;
}

static json_t *eval_mixed(const struct tmpl *t, const struct expr_scope *scope,
                          struct expr_budget *budget, struct expr_err *err)
{
    struct mixed mixed = {.text = NULL};
    json_t *v = NULL;
    int rc = append(&mixed, "", 0, err);

    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        const struct part *part = &t->parts[i];
        rc = part->e == NULL ? append(&mixed, part->text, part->len, err)
                             : append_value(&mixed, part, scope, budget, err);
    }
    if (rc == 0) {
        v = json_stringn_nocheck(mixed.text, mixed.len);
        if (v == NULL)
            no_memory(err);
    }
    free(mixed.text);
    return v;
}

json_t *tmpl_eval(const struct tmpl *t, const struct expr_scope *scope,
                  struct expr_err *err)
{
    struct expr_budget budget;

    expr_budget_init(&budget, scope);
    json_t *v = t->typed ? eval_part(&t->parts[0], scope, &budget, err)
                         : eval_mixed(t, scope, &budget, err);
    expr_budget_done(&budget);
    return v;
}
