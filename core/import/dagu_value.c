/* Values of Dagu: variables of its shell, as expressions of ours. */
#include "import/dagu.h"

#include <ctype.h>
#include <string.h>

char *dagu_lower(struct import *im, const char *name)
{
    char *made = source_text(&im->out, "%s", name);

    for (char *c = made; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return made;
}

/* What a variable holds, as an expression of ours, or NULL where it is none of ours. */
static const char *value_of(const struct import *im, const char *name)
{
    return im_known(im, "values", name);
}

void dagu_note_value(struct import *im, const char *name, const char *expr)
{
    char key[256];

    snprintf(key, sizeof(key), "values/%.140s", name);
    map_set_text(&im->names, key, source_text(&im->out, "%s", expr));
}

static size_t name_length(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

/* a.b-c as A_B_C. */
static void field_variable(const char *field, char name[64])
{
    size_t n = 0;

    for (; n < 60 && field[n]; n++)
        name[n] = im_variable_char(field[n]);
    name[n] = '\0';
}

/* ${OUT.a.b}: a field of a value that is JSON. */
static bool add_field(struct import *im, const char *text, size_t len,
                      struct source_node *env, struct buf *out)
{
    const char *whole = arena_text(&im->out.arena, text, len);
    const size_t n = name_length(whole);
    const char *expr = value_of(im, arena_text(&im->out.arena, whole, n));
    char name[64];

    if (!expr || whole[n] != '.')
        return false;
    field_variable(whole, name);
    if (!source_get(env, name))
        im_set(im, env, name,
               source_text(&im->out, "${{ json(%s)%s }}", expr, whole + n));
    buf_printf(out, "${%s}", name);
    return true;
}

/* Every variable that is ours gets its value in env; the text keeps its $NAME. */
const char *dagu_use_values(struct import *im, const char *text,
                            struct source_node *env)
{
    struct buf out = {0};

    while (*text) {
        const size_t brace = *text == '$' && text[1] == '{';
        const size_t n = *text == '$' ? name_length(text + 1 + brace) : 0;
        const char *close = brace ? strchr(text, '}') : NULL;
        if (n > 0 && close && text[2 + n] == '.' &&
            add_field(im, text + 2, (size_t)(close - text - 2), env, &out)) {
            text = close + 1;
            continue;
        }
        if (n > 0) {
            const char *name = arena_text(&im->out.arena, text + 1 + brace, n);
            const char *expr = value_of(im, name);
            if (expr && !text_starts(expr, "env.") && !source_get(env, name))
                im_set(im, env, name, source_text(&im->out, "${{ %s }}", expr));
        }
        buf_add_char(&out, *text++);
    }
    const char *kept = source_text(&im->out, "%s", buf_text(&out));
    buf_done(&out);
    return kept;
}

/* A value outside of shell text: ${NAME} becomes an expression. */
bool dagu_convert(struct import *im, void *arg, const char *text, struct buf *expr)
{
    const size_t n = name_length(text);
    const char *value = value_of(im, arena_text(&im->out.arena, text, n));

    (void)arg;
    if (!value || (text[n] && text[n] != '.'))
        return false;
    buf_printf(expr, text[n] ? "json(%s)%s" : "%s%s", value, text + n);
    return true;
}

const struct im_syntax dagu_syntax = {
    .open = "${", .close = "}", .convert = dagu_convert, .arg = NULL};

/* The DAG's own variables are in the environment of its steps already; outside of shell
 * text they are read as env.NAME. */
static void note_env(struct import *im, const struct source_node *env)
{
    for (size_t i = 0; env == &im->env && i < env->n; i++)
        if (!value_of(im, env->items[i].key.text) &&
            !strstr(im_text(&env->items[i].value), "${{"))
            dagu_note_value(im, env->items[i].key.text,
                            source_text(&im->out, "env.%s", env->items[i].key.text));
}

void dagu_env(struct import *im, const struct source_node *theirs,
              struct source_node *env)
{
    for (size_t i = 0; theirs && theirs->kind != SOURCE_SCALAR && i < theirs->n; i++) {
        const struct source_node *item = &theirs->items[i].value;
        note_env(im, env);
        if (theirs->kind == SOURCE_MAP) {
            im_set(im, env, theirs->items[i].key.text,
                   im_template(im, &dagu_syntax, item, im_text(item)));
        } else if (item->kind == SOURCE_MAP) {
            dagu_env(im, item, env);
        } else {
            const char *equal = strchr(im_text(item), '=');
            if (equal)
                im_set(im, env,
                       arena_text(&im->out.arena, item->text,
                                  (size_t)(equal - item->text)),
                       im_template(im, &dagu_syntax, item, equal + 1));
        }
    }
}
