/* Scalars by the core schema of YAML 1.2 (section 10.3.2): null, booleans, integers and
 * floats, plain ones only. Everything else is text: yes, on and 12:30:00 too, which
 * YAML 1.1 reads as something else. */
#include "flow/tree.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_any_of(const struct tree_node *node, const char *const words[])
{
    for (; *words; words++)
        if (strcmp(node->text, *words) == 0)
            return true;
    return false;
}

static bool all_digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static const char *after_sign(const char *text)
{
    return *text == '-' || *text == '+' ? text + 1 : text;
}

/* The base of an integer, or 0 when it is none. */
static int integer_base(const char *text)
{
    if (text[0] == '0' && text[1] == 'o')
        return text[2] && text[2 + strspn(text + 2, "01234567")] == '\0' ? 8 : 0;
    if (text[0] == '0' && text[1] == 'x')
        return text[2] && text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0'
                   ? 16
                   : 0;
    return all_digits(after_sign(text)) ? 10 : 0;
}

static bool read_integer(struct tree_node *node, int base)
{
    const char *digits = base == 10 ? node->text : node->text + 2;

    errno = 0;
    node->integer = strtoll(digits, NULL, base);
    node->kind = errno ? TREE_BROKEN : TREE_INT;
    return !errno;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
    const char *p = after_sign(text);
    size_t whole = strspn(p, "0123456789");
    size_t part = 0;

    p += whole;
    if (*p == '.') {
        part = strspn(p + 1, "0123456789");
        p += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*p == 'e' || *p == 'E')
        return all_digits(after_sign(p + 1));
    return *p == '\0';
}

static bool read_real(struct tree_node *node)
{
    node->real = strtod(node->text, NULL);
    node->kind = isfinite(node->real) ? TREE_REAL : TREE_BROKEN;
    return node->kind == TREE_REAL;
}

static bool is_not_finite(const char *text)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", NULL};
    const struct tree_node rest = {.text = after_sign(text)};
    static const char *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};

    return is_any_of(&rest, words) ||
           is_any_of(&(struct tree_node){.text = text}, nan_words);
}

bool tree_resolve_plain(struct tree_node *node)
{
    static const char *const null_words[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const true_words[] = {"true", "True", "TRUE", NULL};
    static const char *const false_words[] = {"false", "False", "FALSE", NULL};

    node->kind = TREE_TEXT;
    if (node->n > 0 && !strchr("~nNtTfF+-.0123456789", node->text[0]))
        return true;
    if (is_any_of(node, null_words)) {
        node->kind = TREE_NULL;
        return true;
    }
    if (is_any_of(node, true_words) || is_any_of(node, false_words)) {
        node->kind = TREE_BOOL;
        node->truth = node->text[0] == 't' || node->text[0] == 'T';
        return true;
    }

    int base = integer_base(node->text);

    if (base)
        return read_integer(node, base);
    if (is_real(node->text))
        return read_real(node);
    if (is_not_finite(node->text)) {
        node->kind = TREE_BROKEN;
        return false;
    }
    return true;
}

/* Recursion is bounded by FLOW_MAX_DEPTH. */
json_t *tree_json(const struct tree_node *node)
{
    json_t *made;

    switch (node->kind) {
    case TREE_BOOL:
        return json_boolean(node->truth);
    case TREE_INT:
        return json_integer(node->integer);
    case TREE_REAL:
        return json_real(node->real);
    case TREE_TEXT:
        return json_stringn_nocheck(node->text, node->n);
    case TREE_LIST:
        made = json_array();
        for (uint32_t i = 0; i < node->n; i++)
            json_array_append_new(made, tree_json(&node->items[i].value));
        return made;
    case TREE_MAP:
        made = json_object();
        for (uint32_t i = 0; i < node->n; i++)
            json_object_set_new_nocheck(made, node->items[i].key.text,
                                        tree_json(&node->items[i].value));
        return made;
    default:
        return json_null();
    }
}
