/* What a task runs: run:, command: and script:. Shell text and code are never
 * templates: a value that is pasted into code can change what the code does. */
#include "flow/spec_kind.h"
#include <string.h>

static void refuse_expression(struct spec *s, const struct tree_node *node,
                              const char *at, const char *variable)
{
    const char *end = flow_problems_full(s->problems) ? NULL : strstr(at, "}}");
    size_t len = end ? (size_t)(end + 2 - at) : 3;
    struct flow_problem *p = spec_problem_in(s, PROBLEM_EXPRESSION_IN_CODE, node,
                                             (size_t)(at - node->text), len);
    char shown[48];

    snprintf(shown, sizeof(shown), "%.*s", (int)(len < 40 ? len : 40), at);
    flow_problem_msg(p, "an expression cannot stand in code: its value could change "
                        "what the code does");
    flow_problem_hint(p, "put it in env: `env: {VALUE: \"%s\"}` and use %s", shown,
                      variable);
}

static void refuse_length(struct spec *s, const struct spec_field *field,
                          const struct tree_node *node)
{
    struct flow_problem *p = spec_problem_in(s, PROBLEM_LIMIT, node, 0, 0);

    flow_problem_msg(p, "%s has %u bytes; %d are the limit", field->key, node->n,
                     FLOW_MAX_CODE);
    flow_problem_hint(p, "put it in a file: script: {file: ...}");
}

static bool check_code(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, const char *variable)
{
    const char *at = node->text;
    bool good = true;

    if (!spec_want_text(s, field, node))
        return false;
    if (node->n == 0)
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node), "%s is empty",
                         field->key);
    if (node->n > FLOW_MAX_CODE) {
        refuse_length(s, field, node);
        return false;
    }
    for (; (at = strstr(at, "${{")); at += 3) {
        refuse_expression(s, node, at, variable);
        good = false;
    }
    return good && node->n > 0;
}

static void read_shell(struct spec *s, const struct spec_field *field,
                       const struct tree_node *node, void *slot)
{
    struct flow_problem *p;

    if (node->kind == TREE_LIST) {
        p = spec_problem(s, PROBLEM_TYPE, node);
        flow_problem_msg(p, "run must be text for the shell, not a list");
        flow_problem_hint(p, "use command: for a program and its arguments");
        return;
    }
    if (check_code(s, field, node, "\"$VALUE\""))
        *(const char **)slot = spec_copy(s, node);
}

static void read_code(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    if (check_code(s, field, node, "the variable VALUE"))
        *(const char **)slot = spec_copy(s, node);
}

static json_t *schema_shell(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sssis{ss}}", "type", "string", "minLength", 1, "not", "pattern",
                     "\\$\\{\\{");
}

const struct spec_type spec_shell = {.name = "shell text",
                                     .is = "text for the shell",
                                     .read = read_shell,
                                     .schema = schema_shell};
static const struct spec_type code_type = {
    .name = "code", .is = "text", .read = read_code, .schema = schema_shell};

/* Files are found beside the workflow, and nowhere else. */
static bool stays_inside(const char *path)
{
    if (path[0] == '/')
        return false;
    for (;;) {
        size_t len = strcspn(path, "/");

        if (len == 2 && strncmp(path, "..", 2) == 0)
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

static void read_file(struct spec *s, const struct spec_field *field,
                      const struct tree_node *node, void *slot)
{
    if (node->kind == TREE_TEXT && !stays_inside(node->text)) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node),
                         "file must be a path below the workflow's own folder");
        return;
    }
    spec_text.read(s, field, node, slot);
}

static json_t *schema_file(const struct spec_field *field)
{
    (void)field;
    return json_pack("{ssss}", "type", "string", "pattern",
                     "^(?!/)(?!(.*/)?\\.\\.(/|$)).+$");
}

static const struct spec_type file_type = {
    .name = "path", .is = "a relative path", .read = read_file, .schema = schema_file};

static const char *const langs[] = {"sh", "python", "node", NULL};

#define SLOT(member) offsetof(struct spec_draft, work.member)

static const struct spec_field script_fields[] = {
    {.key = "lang",
     .type = &spec_choice,
     .offset = SLOT(lang),
     .arg = langs,
     .fallback = "\"sh\"",
     .since = "0.1",
     .help = "sh, python or node"},
    {.key = "code",
     .type = &code_type,
     .offset = SLOT(text),
     .since = "0.1",
     .help = "the program itself"},
    {.key = "file",
     .type = &file_type,
     .offset = SLOT(file),
     .since = "0.1",
     .help = "a file that holds it, relative to the workflow's folder"},
    {.key = "interpreter",
     .type = &spec_text,
     .offset = SLOT(interpreter),
     .since = "0.1",
     .help = "the program that runs it instead of the one that lang means"},
};

static void finish_script_schema(json_t *schema)
{
    json_object_set_new(
        schema, "oneOf",
        json_pack("[{s[s]}{s[s]}]", "required", "code", "required", "file"));
}

const struct spec_object spec_script = {
    .name = "script",
    .example = "script: {lang: python, code: print(1)}",
    .phrase = "script",
    .fields = script_fields,
    .n_fields = COUNT_OF(script_fields),
    .help =
        "A program in the workflow file or beside it. Exactly one of code and file.",
    .finish_schema = finish_script_schema,
};

static void read_script(struct spec *s, const struct spec_field *field,
                        const struct tree_node *node, void *slot)
{
    const struct tree_node *file = spec_find(node, "file");
    uint64_t seen;

    (void)field;
    if (!spec_read(s, &spec_script, node, slot, &seen))
        return;
    if (file && spec_find(node, "code"))
        flow_problem_msg(spec_problem(s, PROBLEM_EXCLUSIVE, file),
                         "script has both code and file");
    else if (!file && !spec_find(node, "code") && !(seen & SPEC_SEEN_BAD))
        flow_problem_msg(spec_problem(s, PROBLEM_MISSING, node),
                         "script needs code or file");
}

static json_t *schema_script(const struct spec_field *field)
{
    (void)field;
    return spec_schema_ref(&spec_script);
}

const struct spec_type spec_script_type = {
    .name = "script", .is = "a map", .read = read_script, .schema = schema_script};

static bool want_argv(struct spec *s, const struct tree_node *node)
{
    struct flow_problem *p;

    if (node->kind == TREE_LIST && node->n > 0)
        return true;
    if (node->kind == TREE_LIST) {
        flow_problem_msg(spec_problem(s, PROBLEM_VALUE, node), "command is empty");
        return false;
    }
    p = spec_problem(s, PROBLEM_TYPE, node);
    flow_problem_msg(p, "command must be a list of a program and its arguments, not %s",
                     tree_kind_text(node));
    if (node->kind == TREE_TEXT)
        flow_problem_hint(p, "write [program, argument], or use run: for the shell");
    return false;
}

static void read_command(struct spec *s, const struct spec_field *field,
                         const struct tree_node *node, void *slot)
{
    const struct spec_value_rule rule = {.place = PLACE_ATTEMPT, .keep_text = true};
    struct flow_work *work = &((struct spec_draft *)slot)->work;

    (void)field;
    if (!want_argv(s, node))
        return;
    work->argv = spec_alloc(s, node->n, sizeof(*work->argv));
    for (uint32_t i = 0; i < node->n; i++) {
        const struct tree_node *word = &node->items[i].value;

        if (word->kind >= TREE_LIST || word->kind == TREE_NULL)
            spec_wrong_type(s, "each word of command", "text, or an expression", word);
        else
            spec_read_value(s, &rule, word, &work->argv[work->n_argv++]);
    }
}

static json_t *schema_command(const struct spec_field *field)
{
    (void)field;
    return json_pack("{sss{s[sss]}si}", "type", "array", "items", "type", "string",
                     "number", "boolean", "minItems", 1);
}

const struct spec_type spec_command = {.name = "list of values",
                                       .is = "a list",
                                       .read = read_command,
                                       .schema = schema_command};

const struct spec_kind spec_kind_run = {.key = "run"};
const struct spec_kind spec_kind_command = {.key = "command"};
const struct spec_kind spec_kind_script = {.key = "script"};
