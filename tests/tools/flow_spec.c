/* ff-flow-spec - what `flowforge schema` and `flowforge validate FILE...` say, by the
 * flow room alone: the judge of the format can be tested without the rest.
 *
 *     ff-flow-spec schema
 *     ff-flow-spec validate FILE...     a line for each problem; 0 when there is none
 */
#include "flow/flow.h"

#include <string.h>

static int print_schema(void)
{
    json_t *schema = flow_schema();
    char *text = json_text(schema);

    puts(text);
    mem_free(text);
    json_decref(schema);
    return 0;
}

static int validate(const char *path)
{
    struct buf source = {0};
    struct flow_problems problems = {0};
    struct flow *f;
    int status = 0;

    if (file_read(path, FLOW_MAX_BYTES, &source) < 0) {
        printf("%s: cannot be read\n", path);
        return 1;
    }
    f = flow_parse(buf_text(&source), source.len, &problems);
    for (size_t i = 0; i < problems.n; i++) {
        const struct flow_problem *p = &problems.items[i];

        printf("%s:%d:%d: FF%03d %s%s%s\n", path, p->line, p->column, p->code, p->msg,
               p->hint[0] ? "; " : "", p->hint);
        status = 1;
    }
    flow_unref(f);
    flow_problems_done(&problems);
    buf_done(&source);
    return status;
}

int main(int argc, char **argv)
{
    int status = 0;

    if (argc == 2 && strcmp(argv[1], "schema") == 0)
        return print_schema();
    if (argc < 3 || strcmp(argv[1], "validate") != 0)
        return 2;
    for (int i = 2; i < argc; i++)
        status |= validate(argv[i]);
    return status;
}
