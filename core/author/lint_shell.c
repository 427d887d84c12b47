/* Advice about shell text. The reading of it is rough: quotes, brackets, comments and
 * here-documents are known, the grammar is not. Rules that stand on it look for what is
 * wrong in nearly all cases and keep silent in doubt. */
#include "author/lint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

static char top(const struct lint_shell *sh)
{
    return sh->depth > 0 ? sh->open[sh->depth - 1] : '\0';
}

static void push(struct lint_shell *sh, char c)
{
    if (sh->depth < LINT_SHELL_DEPTH)
        sh->open[sh->depth++] = c;
}

bool lint_shell_quoted(const struct lint_shell *sh)
{
    for (size_t i = sh->depth; i-- > 0;) {
        if (sh->open[i] == '"' || sh->open[i] == '+')
            return true; /* '+': arithmetic */
        if (sh->open[i] != '{')
            return false;
    }
    return false;
}

/* <<EOF, <<-'EOF': noted until the line ends. */
static void note_here(struct lint_shell *sh)
{
    const char *p = sh->text + sh->at + 2;

    if (*p == '<' || sh->here)
        return;
    p += *p == '-';
    p += strspn(p, " \t'\"\\");
    sh->here = p;
    sh->here_len = strcspn(p, " \t\n'\";|&<>)");
}

/* At a line end: past the here-document that begins behind it. */
static void skip_here(struct lint_shell *sh)
{
    const char *line = sh->text + sh->at;

    while (*line == '\n') {
        const char *word = line + 1 + strspn(line + 1, "\t");
        line = strchrnul(line + 1, '\n');
        if ((size_t)(line - word) == sh->here_len &&
            strncmp(word, sh->here, sh->here_len) == 0)
            break;
    }
    sh->at = (size_t)(line - sh->text);
    sh->here = NULL;
}

static bool at_word(const struct lint_shell *sh)
{
    return sh->at == 0 || strchr(" \t\n;&|(", sh->text[sh->at - 1]);
}

static void open_dollar(struct lint_shell *sh)
{
    const char *p = sh->text + sh->at;

    if (p[1] == '(' && p[2] == '(') {
        push(sh, '+');
        sh->at += 2;
    } else if (p[1] == '(' || p[1] == '{') {
        push(sh, p[1]);
        sh->at += 1;
    }
}

/* A bracket that closes what was opened last. */
static bool take_closing(struct lint_shell *sh, char c, char around)
{
    const bool arithmetic = c == ')' && around == '+';

    if (!arithmetic && !(c == '}' && around == '{') && !(c == ')' && around == '('))
        return false;
    sh->depth--;
    if (arithmetic && sh->text[sh->at + 1] == ')')
        sh->at++;
    return true;
}

/* What is special outside of double quotes only. */
static void take_bare(struct lint_shell *sh, char c, char around)
{
    if (c == '\'') {
        const char *end = strchr(sh->text + sh->at + 1, '\'');
        sh->at = end ? (size_t)(end - sh->text) : strlen(sh->text) - 1;
    } else if (c == '#' && at_word(sh) && around != '{' && around != '+') {
        sh->at += strcspn(sh->text + sh->at, "\n") - 1;
    } else if (c == '(') {
        push(sh, '(');
    } else if (take_closing(sh, c, around)) {
        return;
    } else if (c == '<' && sh->text[sh->at + 1] == '<' && around != '+') {
        note_here(sh);
        sh->at++;
    }
}

static void take(struct lint_shell *sh)
{
    const char c = sh->text[sh->at];
    const char around = top(sh);

    if (c == '\\' && sh->text[sh->at + 1])
        sh->at++;
    else if (c == '$')
        open_dollar(sh);
    else if ((c == '"' || c == '`') && around == c)
        sh->depth--;
    else if (c == '"' || c == '`')
        push(sh, c);
    else if (around != '"')
        take_bare(sh, c, around);
}

bool lint_shell_next(struct lint_shell *sh)
{
    if (!sh->begun)
        sh->begun = true;
    else
        sh->at++;
    if (!sh->text[sh->at])
        return false;
    if (sh->text[sh->at] == '\n' && sh->here)
        skip_here(sh);
    return sh->text[sh->at] != '\0';
}

/* --- variables --- */

static const struct source_node *run_of(const struct lint_task *t)
{
    const struct source_node *run = source_get(t->node, "run");

    return run && run->kind == SOURCE_SCALAR ? run : NULL;
}

/* The shell text of a task: run, or the code of a script for sh. */
static const struct source_node *shell_of(const struct lint_task *t)
{
    const struct source_node *script = source_get(t->node, "script");
    const struct source_node *lang = source_get(script, "lang");
    const struct source_node *code = source_get(script, "code");

    if (run_of(t))
        return run_of(t);
    const bool sh = !lang || source_is_text(lang, "sh");
    return code && sh && code->kind == SOURCE_SCALAR ? code : NULL;
}

/* Set from an expression: it may hold anything. */
static bool is_computed(const struct lint *l, const struct lint_task *t,
                        const char *name)
{
    const struct source_node *const envs[] = {
        source_get(t->node, "env"), source_get(source_get(l->root, "defaults"), "env"),
        source_get(l->root, "env")};

    for (size_t i = 0; i < COUNT_OF(envs); i++) {
        const struct source_node *value = source_get(envs[i], name);
        if (value)
            return lint_has_expression(value);
    }
    return false;
}

/* The start of the word around `at`, as far as a simple look back tells. */
static size_t word_start(const char *text, size_t at)
{
    while (at > 0 && !strchr(" \t\n;&|()", text[at - 1]))
        at--;
    return at;
}

/* X=$Y and `case $x in` do not split. */
static bool is_whole(const char *text, size_t at)
{
    const char *word = text + word_start(text, at);
    size_t n = 0;

    while (isalnum((unsigned char)word[n]) || word[n] == '_')
        n++;
    if (n > 0 && word[n] == '=' && word + n < text + at)
        return true;
    size_t before = word_start(text, at);
    while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t'))
        before--;
    return before >= 4 && strncmp(text + before - 4, "case", 4) == 0;
}

static size_t variable_at(const char *text, char name[64])
{
    const size_t brace = text[1] == '{';
    size_t n = 0;

    while (n < 63 &&
           (isalnum((unsigned char)text[1 + brace + n]) || text[1 + brace + n] == '_'))
        n++;
    memcpy(name, text + 1 + brace, n);
    name[n] = '\0';
    return n;
}

static void visit_unquoted(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    struct lint_shell sh = {.text = node ? node->text : ""};
    struct map said = {0};
    char name[64];

    while (lint_shell_next(&sh)) {
        if (sh.text[sh.at] == '$' && !lint_shell_quoted(&sh) &&
            variable_at(sh.text + sh.at, name) > 0 && is_computed(l, t, name) &&
            !is_whole(sh.text, sh.at) && !map_get_text(&said, name)) {
            map_set_text(&said, name, t);
            lint_say(l, node, NULL,
                     "$%s is not quoted, so blanks and * in its value make other words "
                     "of it: write \"$%s\"",
                     name, name);
        }
        take(&sh);
    }
    map_done(&said);
}

/* --- words of other shells --- */

static const struct {
    const char *word, *instead;
} bashisms[] = {
    {"[[", "[ with quoted variables, or case"},
    {"source", ". ./FILE"},
    {"<(", "a file or a pipe"},
    {"<<<", "printf '%s\\n' ... |"},
    {"function", "NAME() { ...; }"},
    {"pipefail", "an intermediate file, or script: with an interpreter: bash"},
    {"declare", "plain variables"},
    {"shopt", "nothing of it: it is bash's"},
    {"mapfile", "while read -r"},
    {"&>", ">FILE 2>&1"},
};

static bool is_command_word(const char *text, size_t at, size_t len)
{
    const char after = text[at + len];
    size_t start = at;

    while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t'))
        start--;
    const bool first = start == 0 || strchr("\n;&|(!{", text[start - 1]);
    return first && (after == ' ' || after == '\t' || after == '\n' || after == '\0');
}

static bool is_bashism(const char *text, size_t at, const char *word)
{
    const size_t len = strlen(word);

    if (strncmp(text + at, word, len) != 0)
        return false;
    if (strcmp(word, "pipefail") == 0)
        return at > 0 && text[at - 1] == ' ' && strstr(text, "set ");
    if (isalpha((unsigned char)word[0]))
        return is_command_word(text, at, len);
    if (strcmp(word, "[[") == 0)
        return text[at + 2] == ' ' && (at == 0 || strchr(" \t\n;&|(!", text[at - 1]));
    return true;
}

static void visit_bashism(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    struct lint_shell sh = {.text = node ? node->text : ""};

    if (node && source_get(source_get(t->node, "script"), "interpreter"))
        return;
    while (lint_shell_next(&sh)) {
        for (size_t i = 0; i < COUNT_OF(bashisms) && top(&sh) != '"' && top(&sh) != '+';
             i++)
            if (is_bashism(sh.text, sh.at, bashisms[i].word)) {
                lint_say(l, node, NULL,
                         "%s is of bash, and this text is for /bin/sh: use %s",
                         bashisms[i].word, bashisms[i].instead);
                return;
            }
        take(&sh);
    }
}

/* --- pipes --- */

/* What stands behind a single | outside of quotes. */
static const char *next_pipe(struct lint_shell *sh)
{
    while (lint_shell_next(sh)) {
        const char *p = sh->text + sh->at;
        const bool single = p[0] == '|' && p[1] != '|' && (sh->at == 0 || p[-1] != '|');
        const bool plain = top(sh) != '"' && top(sh) != '+' && top(sh) != '{';
        take(sh);
        if (single && plain)
            return p + 1 + strspn(p + 1, " \t\n");
    }
    return NULL;
}

static bool is_word(const char *text, const char *word)
{
    const size_t len = strlen(word);

    return strncmp(text, word, len) == 0 &&
           (text[len] == '\0' || strchr(" \t\n;&|)", text[len]));
}

static void visit_tee(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    struct lint_shell sh = {.text = node ? node->text : ""};

    for (const char *behind; (behind = next_pipe(&sh));)
        if (is_word(behind, "tee")) {
            lint_say(
                l, node, NULL,
                "the command before `| tee` may fail unseen: a pipe ends as its last "
                "command does");
            return;
        }
}

static void visit_download(struct lint *l, struct lint_task *t)
{
    static const char *const shells[] = {"sh", "bash", "sudo", "python3", "/bin/sh"};
    const struct source_node *node = shell_of(t);
    struct lint_shell sh = {.text = node ? node->text : ""};

    if (!node ||
        (!lint_contains(node->text, "curl") && !lint_contains(node->text, "wget")))
        return;
    for (const char *behind; (behind = next_pipe(&sh));)
        for (size_t i = 0; i < COUNT_OF(shells); i++)
            if (is_word(behind, shells[i])) {
                lint_say(l, node, NULL,
                         "a download is run as it arrives, also when only half of it "
                         "does");
                return;
            }
}

/* --- outputs --- */

static const struct source_node *output_from(const struct lint_task *t,
                                             const char *from)
{
    const struct source_node *outputs = source_get(t->node, "outputs");

    for (size_t i = 0; outputs && outputs->kind == SOURCE_MAP && i < outputs->n; i++) {
        const struct source_node *output = &outputs->items[i].value;
        if (source_is_text(output, from) ||
            source_is_text(source_get(output, "from"), from))
            return output;
    }
    return NULL;
}

/* Behind a redirection of the same command, 2>&1 goes where that goes. */
static bool is_redirected(const char *text, size_t at)
{
    while (at > 0 && !strchr("\n;&|(", text[at - 1]))
        if (text[--at] == '>')
            return true;
    return false;
}

static void visit_noise(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    struct lint_shell sh = {.text = node ? node->text : ""};

    if (!output_from(t, "stdout"))
        return;
    while (lint_shell_next(&sh)) {
        if (sh.depth == 0 && strncmp(sh.text + sh.at, "2>&1", 4) == 0 &&
            !is_redirected(sh.text, sh.at)) {
            lint_say(l, node, NULL,
                     "warnings on standard error become part of the output");
            return;
        }
        take(&sh);
    }
}

static bool is_declared(const struct lint_task *t, const char *name)
{
    const struct source_node *outputs = source_get(t->node, "outputs");

    for (size_t i = 0; outputs && outputs->kind == SOURCE_MAP && i < outputs->n; i++) {
        const struct source_node *ending =
            source_get(&outputs->items[i].value, "ending");
        const char *key = outputs->items[i].key.text;
        const size_t len = strlen(key);
        if (strcmp(key, name) == 0)
            return true;
        if (ending && strncmp(name, key, len) == 0 && name[len] == '.' &&
            strcmp(name + len + 1, ending->text) == 0)
            return true;
    }
    return false;
}

/* $FF_OUT/NAME, "$FF_OUT"/NAME and ${FF_OUT}/NAME. */
static void visit_undeclared(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    struct map said = {0};

    for (const char *at = node ? node->text : ""; (at = strstr(at, "FF_OUT"));) {
        char name[64] = "";
        size_t n = 0;
        at += strlen("FF_OUT");
        at += strspn(at, "}\"");
        if (*at != '/')
            continue;
        at++;
        while (n < 63 && (isalnum((unsigned char)at[n]) || strchr("_.-", at[n])) &&
               at[n])
            n++;
        memcpy(name, at, n);
        name[n] = '\0';
        const bool computed = at[n] == '$' || at[n] == '*' || at[n] == '/' || n == 0;
        if (computed || is_declared(t, name) || map_get_text(&said, name))
            continue;
        map_set_text(&said, name, t);
        lint_say(l, node, NULL,
                 "$FF_OUT/%s is written, but the task declares no output %s", name,
                 name);
    }
    map_done(&said);
}

/* --- waiting --- */

static void visit_sleep(struct lint *l, struct lint_task *t)
{
    const struct source_node *node = shell_of(t);
    const char *at = node ? node->text : "";

    for (; (at = strstr(at, "sleep ")); at++) {
        if (!is_command_word(node->text, (size_t)(at - node->text), 5))
            continue;
        const long seconds = strtol(at + 6, NULL, 10);
        const char unit = at[6 + strspn(at + 6, "0123456789")];
        if (seconds >= 60 || (unit == 'm' && seconds >= 1) || unit == 'h' ||
            unit == 'd') {
            lint_say(l, node, NULL,
                     "this sleep holds a place to run for as long as it lasts");
            return;
        }
    }
}

const struct lint_visit lint_shell_visits[] = {
    {200, visit_unquoted, NULL}, {201, visit_bashism, NULL},
    {202, visit_tee, NULL},      {203, visit_download, NULL},
    {204, visit_noise, NULL},    {205, visit_undeclared, NULL},
    {206, visit_sleep, NULL},    {0, NULL, NULL},
};
