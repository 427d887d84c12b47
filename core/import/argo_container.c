/* Templates of Argo that start a container, as programs of the machine. */
#include "import/argo.h"

#include <string.h>

static const char why_image[] =
    "an image is not started: the command must be installed where the tasks run";

static const struct im_key container_keys[] = {
    {"image", IMPORT_APPROXIMATED, why_image},
    {"command", IMPORT_DONE, ""},
    {"args", IMPORT_DONE, ""},
    {"env", IMPORT_DONE, ""},
    {"source", IMPORT_DONE, ""},
    {"workingDir", IMPORT_DONE, ""},
    {"name", IMPORT_DONE, ""},
    {"resources", IMPORT_APPROXIMATED, "limits are resources: {cpu, memory}"},
    {"imagePullPolicy", IMPORT_APPROXIMATED, why_image},
    {"volumeMounts", IMPORT_REFUSED, "tasks use the files of their machine"},
    {"envFrom", IMPORT_REFUSED, "name each variable in env"},
    {"securityContext", IMPORT_APPROXIMATED, ARGO_WHY_PLACE},
    {NULL, IMPORT_DONE, NULL}};

static void add_secret(struct import *im, const struct source_node *item,
                       const struct source_node *secret, struct source_node *env)
{
    const char *theirs =
        source_text(&im->out, "%s_%s", im_get(secret, "name"), im_get(secret, "key"));
    const char *ours = im_name(im, "secrets", theirs);

    im_set(im, env, im_get(item, "name"),
           source_text(&im->out, "${{ secrets.%s }}", ours));
    im_approximate(im, item, im_get(item, "name"), "store it: flowforge secret set %s",
                   ours);
}

static void add_env(struct import *im, const struct im_syntax *syntax,
                    const struct source_node *list, struct source_node *env)
{
    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *item = &list->items[i].value;
        const struct source_node *value = source_get(item, "value");
        const struct source_node *from = source_get(item, "valueFrom");
        const struct source_node *secret = source_get(from, "secretKeyRef");
        if (secret)
            add_secret(im, item, secret, env);
        else if (from)
            im_refuse(im, item, im_get(item, "name"),
                      "values of config maps and fields: write them into env");
        else
            im_set(im, env, im_get(item, "name"),
                   im_template(im, syntax, value, im_text(value)));
    }
}

/* What a container's files at fixed paths were: copied to where outputs are read. */
static const char *copies(struct import *im, const struct source_node *template,
                          struct source_node *outputs)
{
    const struct source_node *list = argo_parameters(source_get(template, "outputs"));
    struct buf text = {0};

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *p = &list->items[i].value;
        const struct source_node *from = source_get(p, "valueFrom");
        const char *path = im_get(from, "path");
        const char *name = im_name(im, "outputs", im_get(p, "name"));
        if (!path[0]) {
            im_refuse(im, p, im_get(p, "name"), "only valueFrom.path is known here");
            continue;
        }
        buf_printf(&text, "\ncp '%s' \"$FF_OUT/%s\"", path, name);
        im_set(im, outputs, name, "file");
        im_did(im, p, im_get(p, "name"));
    }
    const char *kept = source_text(&im->out, "%s", buf_text(&text));
    buf_done(&text);
    return kept;
}

/* The TEXT of [sh, -c, TEXT], wherever it stands; or NULL. */
static const struct source_node *shell_text(const struct source_node *command,
                                            const struct source_node *args)
{
    const size_t n = command && command->kind == SOURCE_LIST ? command->n : 0;

    if (n == 3 && strcmp(im_text(&command->items[1].value), "-c") == 0)
        return &command->items[2].value;
    if (n == 2 && strcmp(im_text(&command->items[1].value), "-c") == 0 && args &&
        args->kind == SOURCE_LIST && args->n == 1)
        return &args->items[0].value;
    return NULL;
}

static bool is_shell(const char *program)
{
    static const char *const shells[] = {"sh", "ash", "bash", "dash", "ksh", "zsh"};
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

    for (size_t i = 0; i < COUNT_OF(shells); i++)
        if (strcmp(base, shells[i]) == 0)
            return true;
    return false;
}

static void set_shell(struct import *im, struct source_node *task, const char *program,
                      const char *text)
{
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    struct source_node script = source_made_map();

    if (strcmp(base, "sh") == 0 || strcmp(base, "ash") == 0) {
        im_set(im, task, "run", text);
        return;
    }
    im_set(im, &script, "interpreter", base);
    im_set(im, &script, "code", text);
    source_add(&im->out, task, "script", script);
}

/* What a container is, while it becomes a task. */
struct container {
    struct import *im;
    struct im_syntax syntax;
    const struct argo_scope *scope;
    const struct source_node *template, *node;
    struct argo_places places;
    struct source_node env, outputs, artifacts;
    struct source_node *task;
};

static void begin(struct container *c)
{
    im_keys(c->im, c->node, container_keys);
    argo_places(c->im, c->scope, c->template, &c->places);
    c->env = source_made_map();
    c->outputs = source_made_map();
    c->artifacts = source_made_map();
    c->outputs.style = SOURCE_FLOW;
    add_env(c->im, &c->syntax, source_get(c->node, "env"), &c->env);
}

/* In variables a place cannot be put together: the task's folder is known to its shell
 * only. */
static void look_at_env(struct container *c)
{
    const struct source_node *list = source_get(c->node, "env");

    for (size_t i = 0; list && list->kind == SOURCE_LIST && i < list->n; i++) {
        const struct source_node *item = &list->items[i].value;
        struct argo_places copy = c->places;
        const char *value = im_get(item, "value");
        if (strcmp(argo_place_text(c->im, &copy, value), value) != 0)
            im_refuse(c->im, item, im_get(item, "name"),
                      "it names the path of an artifact: set it in the command, with "
                      "$FF_ARTIFACTS");
    }
}

/* The folder in which the command begins; true: its text does that. */
static const char *enter(struct container *c, bool shell)
{
    const char *dir = im_get(c->node, "workingDir");
    const char *place = argo_place_text(c->im, &c->places, dir);

    if (!dir[0])
        return "";
    if (strcmp(place, dir) == 0 || !shell) {
        im_set(c->im, c->task, "working_dir", dir);
        return "";
    }
    const char *line = source_text(&c->im->out, "cd \"%s\"\n", place);
    return im_shell(c->im, &c->syntax, c->node, line, &c->env);
}

static void end(struct container *c)
{
    look_at_env(c);
    if (c->env.n > 0)
        source_add(&c->im->out, c->task, "env", c->env);
    if (c->outputs.n > 0)
        source_add(&c->im->out, c->task, "outputs", c->outputs);
    if (c->artifacts.n > 0)
        source_add(&c->im->out, c->task, "artifacts", c->artifacts);
    im_did(c->im, c->template, im_get(c->template, "name"));
}

/* The words of the command, or its text in a shell. */
static const char *command_text(struct container *c, const struct source_node *command,
                                const struct source_node *args)
{
    struct import *im = c->im;
    struct source_node placed[2] = {source_made_list(), source_made_list()};

    if (command)
        placed[0] = argo_place_node(im, &c->places, command);
    if (args)
        placed[1] = argo_place_node(im, &c->places, args);
    const char *first = im_words(im, &c->syntax, &placed[0], &c->env);
    const char *rest = im_words(im, &c->syntax, &placed[1], &c->env);
    return source_text(&im->out, "%s%s%s", first, first[0] && rest[0] ? " " : "",
                       rest[0] || first[0] ? rest : "true");
}

/* A program that is no shell: values and places are not pasted into it. */
static void set_program(struct container *c, const char *program,
                        const struct source_node *source, const char *after)
{
    static const char *const langs[][2] = {
        {"python", "python"}, {"python3", "python"}, {"node", "node"}};
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    const char *lang = im_word(base, langs, COUNT_OF(langs));
    struct import *im = c->im;
    struct source_node made = source_made_map();

    if (im_has_ref(&c->syntax, im_text(source)))
        im_refuse(
            im, source, "source",
            "values are not pasted into programs here: put them into env and read "
            "them from the environment");
    if (after[0])
        im_refuse(im, c->node, "outputs", "write each to $FF_OUT/NAME in the script");
    argo_declare_places(im, c->scope, &c->places, false, &c->artifacts);
    im_set(im, &made, lang ? "lang" : "interpreter", lang ? lang : base);
    im_set(im, &made, "code", im_text(source));
    source_add(&im->out, c->task, "script", made);
}

/* The text with what comes before it and after it, each on lines of their own. */
static const char *whole(struct container *c, const char *cd, const char *body,
                         const char *copied)
{
    const char *kept =
        argo_declare_places(c->im, c->scope, &c->places, true, &c->artifacts);
    const char *after = source_text(&c->im->out, "%s%s", copied, kept);
    const size_t len = strlen(body);
    const bool ends = len > 0 && body[len - 1] == '\n';

    return source_text(&c->im->out, "%s%s%s", cd, body,
                       after + (ends && after[0] == '\n'));
}

/* Text of a shell. */
static const char *shell_body(struct container *c, const struct source_node *text)
{
    const char *placed = argo_place_text(c->im, &c->places, im_text(text));

    return im_shell(c->im, &c->syntax, text, placed, &c->env);
}

void argo_container(struct import *im, struct argo_scope *scope,
                    const struct source_node *template,
                    const struct source_node *container, struct source_node *task)
{
    struct container c = {.im = im,
                          .syntax = argo_syntax(scope),
                          .scope = scope,
                          .template = template,
                          .node = container,
                          .task = task};
    const struct source_node *command = source_get(container, "command");
    const struct source_node *args = source_get(container, "args");
    const struct source_node *text = command ? shell_text(command, args) : NULL;
    const char *program = text ? im_text(&command->items[0].value) : "sh";

    begin(&c);
    const char *copied = copies(im, template, &c.outputs);
    const char *cd = enter(&c, is_shell(program));
    if (!command)
        im_approximate(im, container, "container",
                       "without a command the image's own entry point ran; the "
                       "arguments alone are run here");
    if (text && !is_shell(program))
        set_program(&c, program, text, copied);
    else if (text)
        set_shell(im, task, program, whole(&c, cd, shell_body(&c, text), copied));
    else
        im_set(im, task, "run", whole(&c, cd, command_text(&c, command, args), copied));
    end(&c);
}

void argo_script(struct import *im, struct argo_scope *scope,
                 const struct source_node *template, const struct source_node *script,
                 struct source_node *task)
{
    struct container c = {.im = im,
                          .syntax = argo_syntax(scope),
                          .scope = scope,
                          .template = template,
                          .node = script,
                          .task = task};
    const struct source_node *command = source_get(script, "command");
    const struct source_node *source = source_get(script, "source");
    const char *program =
        command && command->n > 0 ? im_text(&command->items[0].value) : "sh";

    begin(&c);
    const char *copied = copies(im, template, &c.outputs);
    const char *cd = enter(&c, is_shell(program));
    if (is_shell(program))
        set_shell(im, task, program, whole(&c, cd, shell_body(&c, source), copied));
    else
        set_program(&c, program, source, copied);
    end(&c);
}
