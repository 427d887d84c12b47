/* secrets.NAME: a value that is never computed with, so that nothing but the attempt
 * that is given it can hold it. */
#include "flow/spec.h"
#include <string.h>

static const char *after_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* "${{ secrets.NAME }}" and nothing else: the place of NAME, and its length. */
static const char *find_name(const char *text, size_t *len)
{
    if (!text_starts(text, "${{"))
        return NULL;
    text = after_blanks(text + strlen("${{"));
    if (!text_starts(text, "secrets."))
        return NULL;
    text += strlen("secrets.");
    *len = strcspn(text, " \t\r\n}");

    const char *end = after_blanks(text + *len);

    if (!text_starts(end, "}}") || end[strlen("}}") + strspn(end + 2, "\r\n")])
        return NULL;
    return text;
}

bool spec_read_secret(struct spec *s, const struct tree_node *node,
                      struct flow_value *value)
{
    size_t len;
    const char *name = find_name(node->text, &len);

    if (!name)
        return false;
    name = arena_text(&s->flow->arena, name, len);
    if (!text_is_name(name, false))
        return false; /* as an expression it says what is wrong */
    value->secret = name;
    return true;
}
