/* Text with references: found between the delimiters of a system, converted by it, and
 * put back as ${{ }}, or, in shell text, as a quoted variable. */
#include "import/import_priv.h"

#include <ctype.h>
#include <string.h>

/* The next reference: where it begins and ends, delimiters and all. */
struct place {
    const char *start, *end;
    char *inner; /* arena's; without blanks around */
};

static bool find(struct import *im, const struct im_syntax *syntax, const char *text,
                 struct place *p)
{
    const size_t open = strlen(syntax->open);
    const char *end;

    p->start = strstr(text, syntax->open);
    if (!p->start || !(end = strstr(p->start + open, syntax->close)))
        return false;
    const char *inner = p->start + open;
    size_t len = (size_t)(end - inner);
    while (len > 0 && isspace((unsigned char)*inner)) {
        inner++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)inner[len - 1]))
        len--;
    p->inner = arena_text(&im->out.arena, inner, len);
    p->end = end + strlen(syntax->close);
    return true;
}

bool im_has_ref(const struct im_syntax *syntax, const char *text)
{
    const char *at = strstr(text, syntax->open);

    return at && strstr(at, syntax->close);
}

const char *im_only_ref(struct import *im, const struct im_syntax *syntax,
                        const char *text)
{
    struct place p;
    const char *start = text + strspn(text, " \n");

    if (!find(im, syntax, start, &p) || p.start != start)
        return NULL;
    return p.end[strspn(p.end, " \n")] == '\0' ? p.inner : NULL;
}

static void tell_secret(struct import *im, const struct source_node *at,
                        const char *theirs, const char *ours)
{
    const char *name = ours + strlen("secrets.");

    im_approximate(im, at, theirs, "store it: flowforge secret set %s", name);
}

static bool convert(struct import *im, const struct im_syntax *syntax,
                    const struct source_node *at, const char *inner, struct buf *expr)
{
    if (syntax->convert(im, syntax->arg, inner, expr)) {
        if (text_starts(buf_text(expr), "secrets."))
            tell_secret(im, at, inner, buf_text(expr));
        return true;
    }
    im_refuse(im, at, inner,
              "this reference has no counterpart; null is put in its "
              "place");
    buf_add_text(expr, "null");
    return false;
}

static const char *keep(struct import *im, struct buf *text)
{
    const char *kept = arena_text(&im->out.arena, buf_text(text), text->len);

    buf_done(text);
    return kept;
}

/* A secret is a whole value or none. */
static const char *no_secret(struct import *im, const struct source_node *at,
                             const char *theirs, const struct buf *expr, bool whole)
{
    if (whole || !text_starts(buf_text(expr), "secrets."))
        return buf_text(expr);
    im_refuse(
        im, at, theirs,
        "a secret is not put into other text: give the task the secret alone, and "
        "put them together there");
    return "null";
}

/* Theirs may hold our delimiter as plain text. */
static void add_plain(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (len - i >= 3 && strncmp(text + i, "${{", 3) == 0)
            buf_add_char(out, '$');
        buf_add_char(out, text[i]);
    }
}

const char *im_template(struct import *im, const struct im_syntax *syntax,
                        const struct source_node *at, const char *text)
{
    const bool only = im_only_ref(im, syntax, text) != NULL;
    struct buf out = {0};
    struct place p;

    while (find(im, syntax, text, &p)) {
        struct buf expr = {0};
        add_plain(&out, text, (size_t)(p.start - text));
        convert(im, syntax, at, p.inner, &expr);
        buf_printf(&out, "${{ %s }}", no_secret(im, at, p.inner, &expr, only));
        buf_done(&expr);
        text = p.end;
    }
    add_plain(&out, text, strlen(text));
    return keep(im, &out);
}

void im_quote(struct buf *out, const char *text, size_t len)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n') {
            buf_add_text(out, "\\n");
            continue;
        }
        if (text[i] == '\'' || text[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text[i]);
    }
    buf_add_char(out, '\'');
}

const char *im_expression(struct import *im, const struct im_syntax *syntax,
                          const struct source_node *at, const char *text)
{
    struct buf out = {0};
    struct place p;
    const bool only = im_only_ref(im, syntax, text) != NULL;

    while (find(im, syntax, text, &p)) {
        if (p.start > text && !only) {
            im_quote(&out, text, (size_t)(p.start - text));
            buf_add_text(&out, " + ");
        }
        struct buf expr = {0};
        convert(im, syntax, at, p.inner, &expr);
        buf_printf(&out, only ? "%s" : "string(%s)",
                   no_secret(im, at, p.inner, &expr, false));
        buf_done(&expr);
        text = p.end;
        if (*text && !only)
            buf_add_text(&out, " + ");
    }
    if ((*text || out.len == 0) && !only)
        im_quote(&out, text, strlen(text));
    return keep(im, &out);
}

const char *im_integer(struct import *im, const struct im_syntax *syntax,
                       const struct source_node *at)
{
    const char *text = im_text(at);

    if (text[0] && text[strspn(text, "0123456789")] == '\0')
        return source_text(&im->out, "%s", text);
    return source_text(&im->out, "int(%s)", im_expression(im, syntax, at, text));
}

/* --- shell text --- */

/* {{tasks.list.outputs.items}} gives LIST_ITEMS, ${workflow.input.day} gives DAY. */
static bool says_nothing(const char *word, size_t len)
{
    static const char *const words[] = {"tasks",  "steps",  "outputs", "output",
                                        "inputs", "input",  "needs",   "parameters",
                                        "github", "matrix", "event",   "workflow"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_is(word, len, words[i]))
            return true;
    return false;
}

static size_t word_length(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) || text[n] == '_' || text[n] == '-')
        n++;
    return n;
}

char im_variable_char(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

/* Upper case, with _ for -; returns how long `out` is then. */
static size_t put_word(char out[64], size_t n, const char *word, size_t len)
{
    if (n > 0)
        out[n++] = '_';
    for (size_t i = 0; i < len && n < 48; i++)
        out[n++] = im_variable_char(word[i]);
    return n;
}

/* What the shell and the programs that it finds go by. */
static bool has_meaning(const char *name)
{
    static const char *const names[] = {
        "PATH",   "HOME",   "USER",   "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ",
        "TMPDIR", "TERM",   "PWD",    "OLDPWD",  "IFS",   "ENV",  "PS1",      "PS2",
        "PS4",    "CDPATH", "OPTIND", "OPTARG",  "PPID",  "MAIL", "EDITOR",   "PAGER"};
    static const char *const families[] = {"LC_",    "LD_",  "BASH",
                                           "PYTHON", "GIT_", "XDG_"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        if (text_starts(name, families[i]))
            return true;
    return false;
}

static void variable_name(const char *ref, char out[64])
{
    size_t n = 0;

    while (*ref && n < 40) {
        const size_t len = word_length(ref);
        if (len > 0 && !says_nothing(ref, len))
            n = put_word(out, n, ref, len);
        ref += len + (len == 0);
    }
    out[n] = '\0';
    if (n == 0 || isdigit((unsigned char)out[0]) || text_starts(out, "FF_") ||
        text_starts(out, "FLOWFORGE_"))
        snprintf(out, 64, "VALUE");
    else if (has_meaning(out))
        snprintf(out + n, 64 - n, "_VALUE");
}

/* 'text' as text; anything else as ${{ }}. */
static const char *env_value(struct import *im, const char *expr)
{
    const size_t len = strlen(expr);

    if (len > 1 && expr[0] == '\'' && strcspn(expr + 1, "'\\") == len - 2)
        return source_text(&im->out, "%.*s", (int)(len - 2), expr + 1);
    return source_text(&im->out, "${{ %s }}", expr);
}

/* The variable of env that holds the expression; a new one where there is none. */
static const char *variable(struct import *im, struct source_node *env, const char *ref,
                            const char *expr)
{
    const char *value = env_value(im, expr);
    char name[64];

    for (size_t i = 0; i < env->n; i++)
        if (source_is_text(&env->items[i].value, value))
            return env->items[i].key.text;
    variable_name(ref, name);
    const size_t len = strlen(name);
    for (int i = 2; (source_get(env, name) || source_get(&im->env, name)) && i < 1000;
         i++)
        snprintf(name + len, sizeof(name) - len, "_%d", i);
    im_set(im, env, name, value);
    return source_pair(env, name)->key.text;
}

/* Follows quotes, roughly: what is open at the end of a piece of shell text. */
static char open_quote(const char *text, size_t len, char open)
{
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (c == '\\' && open != '\'')
            i++;
        else if (open && c == open)
            open = '\0';
        else if (!open && (c == '\'' || c == '"'))
            open = c;
    }
    return open;
}

/* $(( 2 * x )): there quotes are no part of the language. */
static bool is_arithmetic(const struct buf *out)
{
    const char *open = NULL;

    for (const char *at = buf_text(out); (at = strstr(at, "$((")); at++)
        open = at;
    return open && !strstr(open, "))");
}

/* In single quotes: they end before it and begin again after it, where they hold
 * anything at all. True when the quote behind it was taken too. */
static bool add_variable(struct buf *out, const char *name, char quote, char next)
{
    if (quote == '"' || is_arithmetic(out)) {
        buf_printf(out, "${%s}", name);
        return false;
    }
    if (quote != '\'') {
        buf_printf(out, "\"$%s\"", name);
        return false;
    }
    const bool just_opened = out->len > 0 && out->data[out->len - 1] == '\'';
    if (just_opened)
        out->data[--out->len] = '\0';
    buf_printf(out, "%s\"${%s}\"%s", just_opened ? "" : "'", name,
               next == '\'' ? "" : "'");
    return next == '\'';
}

/* Of the variable that stands for the reference. */
static const char *name_of(struct import *im, const struct im_syntax *syntax,
                           const struct source_node *at, const char *ref,
                           struct source_node *env)
{
    const char *name = syntax->shell_name ? syntax->shell_name(ref) : NULL;
    struct buf expr = {0};

    if (name)
        return name;
    convert(im, syntax, at, ref, &expr);
    name = variable(im, env, ref, buf_text(&expr));
    buf_done(&expr);
    return name;
}

const char *im_shell(struct import *im, const struct im_syntax *syntax,
                     const struct source_node *at, const char *text,
                     struct source_node *env)
{
    struct buf out = {0};
    struct place p;
    char quote = '\0';

    while (find(im, syntax, text, &p)) {
        const size_t before = (size_t)(p.start - text);
        buf_add(&out, text, before);
        quote = open_quote(text, before, quote);
        const char *name = name_of(im, syntax, at, p.inner, env);
        text = p.end;
        if (add_variable(&out, name, quote, *text)) {
            quote = '\0';
            text++;
        }
    }
    buf_add_text(&out, text);
    return keep(im, &out);
}

static bool is_safe_word(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_./-=:,@%+";

    return text[0] && strspn(text, safe) == strlen(text);
}

/* One word: quoted, with references as variables in between. */
static void add_word(struct import *im, const struct im_syntax *syntax,
                     const struct source_node *node, struct source_node *env,
                     struct buf *out)
{
    struct buf word = {0};

    if (is_safe_word(im_text(node))) {
        buf_add_text(out, im_text(node));
        return;
    }
    buf_add_char(&word, '\'');
    for (const char *c = im_text(node); *c; c++) {
        if (*c == '\'')
            buf_add_text(&word, "'\\''");
        else
            buf_add_char(&word, *c);
    }
    buf_add_char(&word, '\'');
    buf_add_text(out, im_shell(im, syntax, node, buf_text(&word), env));
    buf_done(&word);
}

const char *im_words(struct import *im, const struct im_syntax *syntax,
                     const struct source_node *list, struct source_node *env)
{
    struct buf out = {0};

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        if (i > 0)
            buf_add_char(&out, ' ');
        add_word(im, syntax, &list->items[i].value, env, &out);
    }
    return keep(im, &out);
}

struct source_node im_value(struct import *im, const struct im_syntax *syntax,
                            const struct source_node *node)
{
    struct source_node made;

    if (node->kind == SOURCE_SCALAR) {
        if (!im_has_ref(syntax, node->text))
            return im_copy(im, node);
        const char *text = im_template(im, syntax, node, node->text);
        return source_made_text(&im->out, text, strlen(text));
    }
    made = node->kind == SOURCE_MAP ? source_made_map() : source_made_list();
    made.style = SOURCE_FLOW;
    for (size_t i = 0; i < node->n; i++) {
        const struct source_node value = im_value(im, syntax, &node->items[i].value);
        if (node->kind == SOURCE_MAP)
            source_add(&im->out, &made, node->items[i].key.text, value);
        else
            source_append(&im->out, &made, value);
    }
    return made;
}
