/* artifacts: of a task. What it hands on as files or folders is an output of its own
 * kind; what it is given is fetched before it starts. */
#include "flow/spec.h"
#include <ctype.h>
#include <string.h>

/* One entry of in: or out: in the reading. */
struct draft {
    struct flow_artifact in;
    bool optional;
};

#define SLOT(member) offsetof(struct draft, member)

static void read_path(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot);
static json_t *schema_path(const struct spec_field *field);

static const struct spec_type path_type = {.name = "path",
                                           .is = "a path such as data/train.csv",
                                           .read = read_path,
                                           .schema = schema_path};
static const struct spec_value_rule from_rule = {.place = PLACE_ATTEMPT};

static void read_from(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    (void)field;
    if (!spec_read_value(s, &from_rule, node, slot))
        return;
    if (((struct flow_value *)slot)->tmpl)
        return;

    struct flow_problem *p = spec_problem(s, PROBLEM_ARTIFACT, node);

    flow_problem_msg(p, "an artifact comes from an expression that gives one");
    flow_problem_hint(p, "write ${{ tasks.NAME.artifacts.NAME }}");
}

static json_t *schema_from(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ss}", "type", "string");
}

static const struct spec_type from_type = {
    .name = "value", .is = "an expression", .read = read_from, .schema = schema_from};

static const struct spec_field in_fields[] = {
    {.key = "from",
     .type = &from_type,
     .offset = SLOT(in.from),
     .flags = SPEC_REQUIRED,
     .since = "0.2",
     .help = "which: `${{ tasks.NAME.artifacts.NAME }}`, or a list of them, which "
             "becomes a folder"},
    {.key = "path",
     .type = &path_type,
     .offset = SLOT(in.path),
     .since = "0.2",
     .help = "where in $FF_ARTIFACTS it is put; its name when absent"},
    {.key = "optional",
     .type = &spec_boolean,
     .offset = SLOT(in.optional),
     .fallback = "false",
     .since = "0.2",
     .help = "where `from` gives null nothing is put there, instead of a failure"},
};

static const struct spec_field out_fields[] = {
    {.key = "path",
     .type = &path_type,
     .offset = SLOT(in.path),
     .since = "0.2",
     .help = "the file or folder in $FF_ARTIFACTS; its name when absent"},
    {.key = "optional",
     .type = &spec_boolean,
     .offset = SLOT(optional),
     .fallback = "false",
     .since = "0.2",
     .help = "a missing one is null instead of a failure"},
};

static void read_in(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node, void *slot);
static void read_out(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot);
static json_t *schema_entries(const struct spec_field *field);

static const struct spec_type in_type = {.name = "map of artifacts",
                                         .is = "a map of names and artifacts",
                                         .read = read_in,
                                         .schema = schema_entries};
static const struct spec_type out_type = {.name = "map of artifacts",
                                          .is = "a map of names and artifacts",
                                          .read = read_out,
                                          .schema = schema_entries};

static const struct spec_field artifacts_fields[] = {
    {.key = "in",
     .type = &in_type,
     .arg = &spec_artifact_in,
     .since = "0.2",
     .help = "what is put into $FF_ARTIFACTS before it starts"},
    {.key = "out",
     .type = &out_type,
     .arg = &spec_artifact_out,
     .since = "0.2",
     .help = "what it leaves in $FF_ARTIFACTS for the tasks after it"},
};

const struct spec_object spec_artifacts = {
    .name = "artifacts",
    .phrase = "artifacts",
    .fields = artifacts_fields,
    .n_fields = COUNT_OF(artifacts_fields),
    .help = "Files and folders that a task is given, and that it hands on.",
};

const struct spec_object spec_artifact_in = {
    .name = "artifact_in",
    .phrase = "an artifact of in",
    .fields = in_fields,
    .n_fields = COUNT_OF(in_fields),
    .help = "A file or folder that a task is given.",
};

const struct spec_object spec_artifact_out = {
    .name = "artifact_out",
    .phrase = "an artifact of out",
    .fields = out_fields,
    .n_fields = COUNT_OF(out_fields),
    .help = "A file or folder that a task hands on.",
};

/* --- paths: inside of one folder, whatever they say --- */

#define PATH_MAX_BYTES 1024

static bool is_part(const char *part, size_t len)
{
    if (len == 0 || len > 255)
        return false;
    if (part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.')))
        return false;
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)part[i]))
            return false;
    return true;
}

static bool is_inside(const char *path)
{
    if (strlen(path) > PATH_MAX_BYTES)
        return false;
    for (;;) {
        const size_t len = strcspn(path, "/");

        if (!is_part(path, len))
            return false;
        if (!path[len])
            return true;
        path += len + 1;
    }
}

static void read_path(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (!spec_want_constant(s, field, node))
        return;
    if (is_inside(node->text)) {
        *(const char **)slot = spec_copy(s, node);
        return;
    }
    p = spec_problem(s, PROBLEM_ARTIFACT, node);
    flow_problem_msg(p,
                     "the path of an artifact is inside of $FF_ARTIFACTS, of at "
                     "most %d bytes, without . and ..",
                     PATH_MAX_BYTES);
    flow_problem_hint(p, *node->text == '/' ? "write it without the first /"
                                            : "as in data/train.csv");
}

static json_t *schema_path(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssi}", "type", "string", "maxLength", PATH_MAX_BYTES);
}

/* --- in and out --- */

/* Is one of the two the other, or inside of it? */
static bool overlap(const char *a, const char *b)
{
    const size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    return strncmp(a, b, n) == 0 && (!a[n] || a[n] == '/') && (!b[n] || b[n] == '/');
}

static void check_overlap(struct spec *s, const struct flow_artifacts *all,
                          const struct tree_key *key, const char *path)
{
    for (uint32_t i = 0; i < all->n; i++) {
        struct flow_problem *p;

        if (!overlap(all->items[i].path, path))
            continue;
        p = spec_problem_key(s, PROBLEM_ARTIFACT, key);
        flow_problem_msg(p, "%.64s is put where %.64s is: both want %.64s", key->text,
                         all->items[i].name, path);
        flow_problem_hint(p, "give one of the two another path");
        return;
    }
}

/* NAME: EXPRESSION, or a map. */
static bool read_one_in(struct spec *s, const struct tree_node *node,
                        struct draft *draft)
{
    if (node->kind == TREE_TEXT)
        read_from(s, &in_fields[0], node, &draft->in.from);
    else
        spec_read(s, &spec_artifact_in, node, draft, NULL);
    return draft->in.from.tmpl != NULL;
}

static void read_in(struct spec *s, const struct spec_field *field,
                    const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_artifacts *all = spec_alloc(s, 1, sizeof(*all));

    if (!spec_want_names(s, field, node))
        return;
    all->items = spec_alloc(s, node->n, sizeof(*all->items));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_key *key = &node->items[i].key;
        struct draft draft = {0};

        if (!spec_check_name(s, key, "an artifact") ||
            !read_one_in(s, &node->items[i].value, &draft))
            continue;
        draft.in.name = arena_text(s->arena, key->text, key->n);
        if (!draft.in.path)
            draft.in.path = draft.in.name;
        check_overlap(s, all, key, draft.in.path);
        all->items[all->n++] = draft.in;
    }
    work->artifacts = all;
}

static bool is_taken(const struct flow_work *work, const char *name)
{
    for (uint32_t i = 0; i < work->n_outputs; i++)
        if (strcmp(work->outputs[i].name, name) == 0)
            return true;
    return false;
}

/* NAME: PATH, or a map; nothing at all for a path that is the name. */
static void read_one_out(struct spec *s, const struct tree_node *node,
                         struct draft *draft)
{
    if (node->kind == TREE_TEXT)
        read_path(s, &out_fields[0], node, &draft->in.path);
    else if (node->kind != TREE_NULL)
        spec_read(s, &spec_artifact_out, node, draft, NULL);
}

static void add_out(struct spec *s, struct flow_work *work, const struct tree_key *key,
                    const struct tree_node *node)
{
    struct draft draft = {0};
    struct flow_output output = {.as = FLOW_AS_ARTIFACT};
    struct flow_problem *p;

    if (!spec_check_name(s, key, "an artifact"))
        return;
    if (is_taken(work, key->text)) {
        p = spec_problem_key(s, PROBLEM_ARTIFACT, key);
        flow_problem_msg(p, "the task has an output %.64s already", key->text);
        flow_problem_hint(p, "an artifact is an output too: give it another name");
        return;
    }
    read_one_out(s, node, &draft);
    output.name = arena_text(s->arena, key->text, key->n);
    output.file = draft.in.path ? draft.in.path : output.name;
    output.optional = draft.optional;
    work->outputs[work->n_outputs++] = output;
}

static void read_out(struct spec *s, const struct spec_field *field,
                     const struct tree_node *node, void *slot)
{
    struct flow_work *work = &((struct spec_draft *)slot)->work;
    struct flow_output *own = work->outputs;

    if (!spec_want_names(s, field, node))
        return;
    work->outputs = spec_alloc(s, work->n_outputs + node->n, sizeof(*own));
    for (uint32_t i = 0; i < work->n_outputs; i++)
        work->outputs[i] = own[i];
    for (uint32_t i = 0; i < node->n; i++)
        add_out(s, work, &node->items[i].key, &node->items[i].value);
}

static json_t *schema_entries(const struct spec_field *field)
{
    return spec_schema_names(json_pack("{s[{ss}{ss}o]}", "anyOf", "type", "string",
                                       "type", "null", spec_schema_ref(field->arg)));
}
