/* Argo's references, conditions and dependencies in our words. */
#include "import/argo.h"

#include <ctype.h>
#include <string.h>

/* --- references --- */

/* a.b.c in parts; how many, at most max. Parts may hold dashes. */
size_t argo_split(const char *text, char parts[][ARGO_PART], size_t max)
{
    size_t n = 0;

    while (n < max) {
        const size_t len = strcspn(text, ".");
        snprintf(parts[n++], ARGO_PART, "%.*s", (int)(len < 95 ? len : 95), text);
        if (!text[len])
            break;
        text += len + 1;
    }
    return n;
}

static bool is_word(const char *text)
{
    return text[0] &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                             "WXYZ0123456789_-")] == '\0';
}

static bool convert_workflow(struct import *im, char parts[][ARGO_PART], size_t n,
                             struct buf *expr)
{
    static const char *const fields[][2] = {{"name", "run.name"},
                                            {"uid", "run.id"},
                                            {"status", "run.status"},
                                            {"creationTimestamp", "run.started_at"}};

    if (n == 3 && strcmp(parts[1], "parameters") == 0) {
        buf_printf(expr, "inputs.%s", im_name(im, "inputs", parts[2]));
        return true;
    }
    for (size_t i = 0; n == 2 && i < COUNT_OF(fields); i++)
        if (strcmp(parts[1], fields[i][0]) == 0) {
            buf_add_text(expr, fields[i][1]);
            return true;
        }
    return false;
}

static bool convert_task(struct import *im, const struct argo_scope *scope,
                         char parts[][ARGO_PART], size_t n, struct buf *expr)
{
    const char *task = im_known(im, scope->names, parts[1]);

    if (!task || n < 3)
        return false;
    if (n == 3 && strcmp(parts[2], "status") == 0) {
        buf_printf(expr, "tasks.%s.status", task);
    } else if (n == 3 && strcmp(parts[2], "exitCode") == 0) {
        buf_printf(expr, "tasks.%s.exit_code", task);
    } else if (n == 4 && strcmp(parts[3], "result") == 0) {
        im_demand(im, task, "result", "stdout", false);
        buf_printf(expr, "tasks.%s.outputs.result", task);
    } else if (n == 5 && strcmp(parts[3], "parameters") == 0) {
        const char *output = im_name(im, "outputs", parts[4]);
        buf_printf(expr, "tasks.%s.outputs.%s", task, output);
    } else {
        return false;
    }
    return true;
}

bool argo_convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    struct argo_scope *scope = arg;
    char parts[6][ARGO_PART];

    if (*text == '=')
        text += 1 + strspn(text + 1, " ");
    const size_t n = argo_split(text, parts, COUNT_OF(parts));
    for (size_t i = 0; i < n; i++)
        if (!is_word(parts[i]))
            return false;
    if (strcmp(parts[0], "workflow") == 0)
        return convert_workflow(im, parts, n, expr);
    if (n >= 3 && (strcmp(parts[0], "tasks") == 0 || strcmp(parts[0], "steps") == 0))
        return convert_task(im, scope, parts, n, expr);
    if (n == 3 && strcmp(parts[0], "inputs") == 0) {
        const struct source_node *bound = source_get(&scope->params, parts[2]);
        buf_add_text(expr, im_text(bound));
        return bound != NULL && strcmp(parts[1], "parameters") == 0;
    }
    if (strcmp(parts[0], "item") == 0) {
        buf_add_text(expr, text);
        return true;
    }
    if (n == 1 && strcmp(parts[0], "retries") == 0) {
        buf_add_text(expr, "attempt - 1");
        return true;
    }
    return false;
}

struct im_syntax argo_syntax(struct argo_scope *scope)
{
    return (struct im_syntax){.open = "{{",
                              .close = "}}",
                              .convert = argo_convert,
                              .arg = scope,
                              .shell_name = argo_shell_name};
}

/* --- when --- */

struct words {
    struct import *im;
    const struct im_syntax *syntax;
    const struct source_node *at;
    const char *text;
    struct buf out;
    bool failed;
    bool number; /* the operator before wants numbers */
};

static const char *const statuses[][2] = {{"Succeeded", "succeeded"},
                                          {"Failed", "failed"},
                                          {"Error", "failed"},
                                          {"Skipped", "skipped"},
                                          {"Omitted", "skipped"}};

static void add_word(struct words *w, const char *word, size_t len)
{
    bool digits = len > 0;

    for (size_t i = 0; i < len; i++)
        digits = digits && isdigit((unsigned char)word[i]);
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (text_is(word, len, statuses[i][0]) &&
            strstr(buf_text(&w->out), ".status")) {
            buf_printf(&w->out, "'%s'", statuses[i][1]);
            return;
        }
    const bool truth = text_is(word, len, "true") || text_is(word, len, "false");
    const bool alone =
        truth && w->text[strspn(w->text, " ")] == '\0' && w->out.len == 0;
    const bool code = strstr(buf_text(&w->out), ".exit_code") != NULL;
    if ((digits && (w->number || code)) || alone)
        buf_add(&w->out, word, len);
    else
        im_quote(&w->out, word, len);
}

static void add_reference(struct words *w, const char *end)
{
    const char *inner =
        arena_text(&w->im->out.arena, w->text + 2, (size_t)(end - w->text - 2));
    struct buf expr = {0};

    while (*inner == ' ')
        inner++;
    char *trimmed = source_text(&w->im->out, "%s", inner);
    for (size_t n = strlen(trimmed); n > 0 && trimmed[n - 1] == ' ';)
        trimmed[--n] = '\0';
    if (!w->syntax->convert(w->im, w->syntax->arg, trimmed, &expr))
        w->failed = true;
    /* {{x}} > 5 compares numbers there; our parameters and outputs are text. */
    const char *behind = end + 2 + strspn(end + 2, "'\" ");
    const bool ordered = *behind == '<' || *behind == '>';
    buf_printf(&w->out, ordered || w->number ? "int(%s)" : "%s", buf_text(&expr));
    w->number = w->number || ordered;
    buf_done(&expr);
    w->text = end + 2;
}

static void next_word(struct words *w)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "&&", "||",
                                            "=~", "<",  ">",  "!",  "(",  ")"};
    const char *end;

    if (strncmp(w->text, "{{", 2) == 0 && (end = strstr(w->text, "}}"))) {
        add_reference(w, end);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        const size_t len = strlen(operators[i]);
        if (strncmp(w->text, operators[i], len) != 0)
            continue;
        w->failed = w->failed || strcmp(operators[i], "=~") == 0;
        w->number = strchr("<>", operators[i][0]) && (w->number || len > 0);
        buf_printf(&w->out, len == 1 && strchr("()!", *w->text) ? "%s" : " %s ",
                   operators[i]);
        w->text += len;
        return;
    }
    if (*w->text == '\'' || *w->text == '"') {
        const char quote = *w->text++;
        const size_t len = strcspn(w->text, quote == '"' ? "\"" : "'");
        const char *inside = w->text;
        w->text += len + (w->text[len] != '\0');
        if (strncmp(inside, "{{", 2) == 0 && len > 4 && inside[len - 1] == '}') {
            const char *after = w->text;
            w->text = inside;
            add_reference(w, inside + len - 2);
            w->text = after;
            return;
        }
        add_word(w, inside, len);
        return;
    }
    const size_t len = strcspn(w->text, " =!<>&|()'\"");
    const char *word = w->text;
    w->text += len ? len : 1;
    add_word(w, word, len ? len : 1);
}

const char *argo_when(struct import *im, struct argo_scope *scope,
                      const struct source_node *at)
{
    const struct im_syntax syntax = argo_syntax(scope);
    struct words w = {.im = im, .syntax = &syntax, .at = at, .text = im_text(at)};

    while (*w.text && !w.failed) {
        w.text += strspn(w.text, " \n");
        if (*w.text)
            next_word(&w);
    }
    if (w.failed)
        im_refuse(
            im, at, "when",
            "%.80s is more than this importer converts; the task never runs until "
            "its if is written",
            im_text(at));
    const char *made =
        w.failed ? "false" : source_text(&im->out, "%s", buf_text(&w.out));
    buf_done(&w.out);
    return made;
}

/* --- depends --- */

static const char *const results[][2] = {
    {"Succeeded", "succeeded"}, {"Failed", "failed"},   {"Errored", "failed"},
    {"Skipped", "skipped"},     {"Omitted", "skipped"}, {"AnySucceeded", "succeeded"},
    {"AllFailed", "failed"}};

static const char *result_of(const char *word, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(results); i++)
        if (text_is(word, len, results[i][0]))
            return results[i][1];
    return NULL;
}

/* depends: in the making. */
struct depends {
    struct import *im;
    const struct argo_scope *scope;
    const struct source_node *at;
    struct buf formula;
    const char *names[100];
    size_t n;
    bool simple; /* names and && only: a list says it too */
};

/* A task's name, and what comes back is where it ends. */
static const char *depends_name(struct depends *d, const char *p, size_t len)
{
    const char *theirs = arena_text(&d->im->out.arena, p, len);
    const char *ours = im_known(d->im, d->scope->names, theirs);

    if (!ours)
        im_refuse(d->im, d->at, "depends", "there is no task %.60s here", theirs);
    if (d->n < COUNT_OF(d->names) && ours)
        d->names[d->n++] = ours;
    buf_add_text(&d->formula, ours ? ours : "unknown");
    return p + len;
}

/* What is asked of it, behind the dot. */
static const char *depends_result(struct depends *d, const char *p)
{
    const size_t word = strcspn(p, " &|()!");
    const char *result = result_of(p, word);

    if (!result)
        im_refuse(d->im, d->at, "depends",
                  ".%.*s has no counterpart; success is asked for instead",
                  (int)(word > 40 ? 40 : word), p);
    buf_printf(&d->formula, ".%s", result ? result : "ok");
    d->simple = false;
    return p + word;
}

void argo_depends(struct import *im, struct argo_scope *scope,
                  const struct source_node *at, struct source_node *task)
{
    struct depends d = {.im = im, .scope = scope, .at = at, .simple = true};

    for (const char *p = im_text(at); *p;) {
        const size_t len =
            strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789_-");
        if (len == 0) {
            d.simple = d.simple && (*p == ' ' || *p == '&');
            buf_add_char(&d.formula, *p++);
            continue;
        }
        p = depends_name(&d, p, len);
        if (*p == '.')
            p = depends_result(&d, p + 1);
    }
    if (d.n > 0 && d.simple)
        im_set_list(im, task, "needs", d.names, d.n);
    else if (d.n > 0)
        im_set(im, task, "needs", buf_text(&d.formula));
    buf_done(&d.formula);
}
