#include "support.h"

#include <string.h>

int support_loop_new(void **state)
{
    struct ff_err err;

    *state = loop_new(&err);
    return *state ? 0 : -1;
}

int support_loop_free(void **state)
{
    loop_free(*state);
    return 0;
}

void support_note(struct trace *t, const char *what)
{
    const size_t len = strlen(t->text);

    assert_true(len + strlen(what) + 2 < sizeof(t->text));
    snprintf(t->text + len, sizeof(t->text) - len, "%s%s", len ? " " : "", what);
}
