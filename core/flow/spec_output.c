/* outputs: of a task. */
#include "flow/spec.h"
#include <string.h>

static const char *const froms[] = {"file", "stdout", "sdk", NULL};
static const char *const forms[] = {"text", "json", "file", NULL};

#define SLOT(member) offsetof(struct flow_output, member)

static const struct spec_field output_fields[] = {
    {.key = "from",
     .type = &spec_choice,
     .offset = SLOT(from),
     .arg = froms,
     .fallback = "\"file\"",
     .since = "0.1",
     .help = "file: what the task writes to $FF_OUT/NAME; stdout: all that it prints; "
             "sdk: what it sends with client.output"},
    {.key = "as",
     .type = &spec_choice,
     .offset = SLOT(as),
     .arg = forms,
     .fallback = "\"text\"",
     .since = "0.1",
     .help = "text: without line ends at its end; json: parsed; file: kept, and the "
             "value is {path, size, sha256}. From the sdk always json"},
    {.key = "optional",
     .type = &spec_boolean,
     .offset = SLOT(optional),
     .fallback = "false",
     .since = "0.1",
     .help = "a missing output is null instead of a failure"},
    {.key = "ending",
     .type = &spec_text,
     .offset = SLOT(ending),
     .since = "0.1",
     .help = "of a kept file: with `ending: pdf` it is $FF_OUT/NAME.pdf, and is kept "
             "under that name"},
};

const struct spec_object spec_output = {
    .name = "output",
    .example = "{from: stdout, as: json}, or the word json",
    .phrase = "an output",
    .fields = output_fields,
    .n_fields = COUNT_OF(output_fields),
    .help = "A value that a task gives to the tasks after it.",
};

#define ENDING_MAX 16

static bool check_ending(struct spec *s, const struct tree_node *node,
                         const struct flow_output *output)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.";
    const struct tree_node *ending = spec_find(node, "ending");
    struct flow_problem *p;

    if (!output->ending)
        return true;
    const size_t len = strlen(output->ending);
    if (output->as != FLOW_AS_FILE) {
        p = spec_problem(s, PROBLEM_VALUE, ending);
        flow_problem_msg(p, "only a kept file has an ending");
        flow_problem_hint(p, "add as: file, or remove ending");
        return false;
    }
    if (len <= ENDING_MAX && strspn(output->ending, allowed) == len &&
        output->ending[0] != '.' && output->ending[len - 1] != '.' &&
        !strstr(output->ending, ".."))
        return true;
    p = spec_problem(s, PROBLEM_VALUE, ending);
    flow_problem_msg(p, "an ending has 1 to %d letters and digits, and dots inside",
                     ENDING_MAX);
    flow_problem_hint(p, "write it without the first dot, as in pdf or tar.gz");
    return false;
}

/* NAME: file, and so on. */
static const struct {
    const char *word;
    struct flow_output output;
} short_forms[] = {
    {"file", {.from = FLOW_FROM_FILE, .as = FLOW_AS_TEXT}},
    {"stdout", {.from = FLOW_FROM_STDOUT, .as = FLOW_AS_TEXT}},
    {"sdk", {.from = FLOW_FROM_SDK, .as = FLOW_AS_JSON}},
    {"json", {.from = FLOW_FROM_FILE, .as = FLOW_AS_JSON}},
};

static bool read_short(struct spec *s, const struct tree_node *node,
                       struct flow_output *output)
{
    static const char *const words[] = {"file", "stdout", "sdk", "json", NULL};
    struct flow_problem *p;

    for (size_t i = 0; i < COUNT_OF(short_forms); i++) {
        if (strcmp(node->text, short_forms[i].word) != 0)
            continue;
        *output = short_forms[i].output;
        return true;
    }
    p = spec_problem(s, PROBLEM_VALUE, node);
    flow_problem_msg(p, "an output is file, stdout, sdk, json or a map");
    flow_problem_nearest(p, node->text, words);
    return false;
}

static bool read_long(struct spec *s, const struct tree_node *node,
                      struct flow_output *output)
{
    const struct tree_node *as = spec_find(node, "as");

    if (!spec_read(s, &spec_output, node, output, NULL))
        return false;
    if (output->from == FLOW_FROM_SDK && as && output->as != FLOW_AS_JSON) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, as),
                         "an output from the sdk is a value already: remove as");
        return false;
    }
    if (output->from == FLOW_FROM_STDOUT && output->as == FLOW_AS_FILE) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, as),
                         "only an output from a file can be kept as a file");
        return false;
    }
    if (output->from == FLOW_FROM_SDK)
        output->as = FLOW_AS_JSON;
    return check_ending(s, node, output);
}

static const char *file_of(struct spec *s, const struct flow_output *output)
{
    struct buf file = {0};

    if (!output->ending)
        return output->name;
    buf_printf(&file, "%s.%s", output->name, output->ending);
    const char *text = arena_text(s->arena, buf_text(&file), file.len);
    buf_done(&file);
    return text;
}

static bool read_output(struct spec *s, const struct tree_node *node,
                        struct flow_output *output)
{
    if (node->kind == TREE_TEXT)
        return read_short(s, node, output);
    return read_long(s, node, output);
}

static void check_stdout(struct spec *s, const struct flow_work *work,
                         const struct tree_key *key)
{
    struct flow_problem *p;
    uint32_t n = 0;

    for (uint32_t i = 0; i < work->n_outputs; i++)
        n += work->outputs[i].from == FLOW_FROM_STDOUT;
    if (n < 2)
        return;
    p = spec_problem_key(s, PROBLEM_STDOUT_TWICE, key);
    flow_problem_msg(p, "only one output can be the standard output");
    flow_problem_hint(p, "write the others to \"$FF_OUT/NAME\", from: file");
}

static void read_outputs(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    if (!spec_want_names(s, field, node))
        return;
    if (work->kind == FLOW_GROUP) {
        spec_read_group_outputs(s, field, node, work);
        return;
    }
    work->outputs = spec_alloc(s, node->n, sizeof(*work->outputs));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        struct flow_output output = {.from = FLOW_FROM_FILE};

        if (!spec_check_name(s, key, "an output"))
            continue;
        /* Declared all the same when it is wrong, or each use of it would be too. */
        bool good = read_output(s, &node->items[i].value, &output);

        output.name = arena_text(s->arena, key->text, key->n);
        output.file = file_of(s, &output);
        work->outputs[work->n_outputs++] = output;
        if (good && output.from == FLOW_FROM_STDOUT)
            check_stdout(s, work, key);
    }
}

static json_t *schema_outputs(const struct spec_field *field)
{
    static const char *const words[] = {"file", "stdout", "sdk", "json", NULL};

    (void)field;
    return spec_schema_names(json_pack("{s[oo]}", "anyOf", spec_schema_enum(words),
                                       spec_schema_ref(&spec_output)));
}

const struct spec_type spec_outputs_type = {.name = "map of outputs",
                                            .is = "a map of names and outputs",
                                            .read = read_outputs,
                                            .schema = schema_outputs};
