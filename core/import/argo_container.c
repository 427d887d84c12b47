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
    if (source_get(source_get(template, "outputs"), "artifacts"))
        im_refuse(im, source_get(template, "outputs"), "artifacts",
                  "declare an output with as: file, and write it to $FF_OUT");
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

void argo_container(struct import *im, struct argo_scope *scope,
                    const struct source_node *template,
                    const struct source_node *container, struct source_node *task)
{
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *command = source_get(container, "command");
    const struct source_node *args = source_get(container, "args");
    struct source_node env = source_made_map();
    struct source_node outputs = source_made_map();

    im_keys(im, container, container_keys);
    outputs.style = SOURCE_FLOW;
    add_env(im, &syntax, source_get(container, "env"), &env);
    const char *first = im_words(im, &syntax, command, &env);
    const char *rest = im_words(im, &syntax, args, &env);
    const char *after = copies(im, template, &outputs);
    const struct source_node *text = shell_text(command, args);

    if (!command)
        im_approximate(im, container, "container",
                       "without a command the image's own entry point ran; the "
                       "arguments alone are run here");
    if (text && command) {
        env = source_made_map();
        add_env(im, &syntax, source_get(container, "env"), &env);
        set_shell(im, task, im_text(&command->items[0].value),
                  source_text(&im->out, "%s%s",
                              im_shell(im, &syntax, text, im_text(text), &env), after));
    } else {
        im_set(im, task, "run",
               source_text(&im->out, "%s%s%s%s", first, first[0] && rest[0] ? " " : "",
                           rest[0] || first[0] ? rest : "true", after));
    }
    if (env.n > 0)
        source_add(&im->out, task, "env", env);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
    if (source_get(container, "workingDir"))
        im_set(im, task, "working_dir", im_get(container, "workingDir"));
    im_did(im, template, im_get(template, "name"));
}

void argo_script(struct import *im, struct argo_scope *scope,
                 const struct source_node *template, const struct source_node *script,
                 struct source_node *task)
{
    static const char *const langs[][2] = {
        {"python", "python"}, {"python3", "python"}, {"node", "node"}};
    const struct im_syntax syntax = argo_syntax(scope);
    const struct source_node *command = source_get(script, "command");
    const char *program =
        command && command->n > 0 ? im_text(&command->items[0].value) : "sh";
    const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
    const char *lang = im_word(base, langs, COUNT_OF(langs));
    const struct source_node *source = source_get(script, "source");
    struct source_node env = source_made_map();
    struct source_node outputs = source_made_map();

    im_keys(im, script, container_keys);
    outputs.style = SOURCE_FLOW;
    add_env(im, &syntax, source_get(script, "env"), &env);
    const char *after = copies(im, template, &outputs);
    if (!lang) {
        const char *text = im_shell(im, &syntax, source, im_text(source), &env);
        const size_t len = strlen(text);
        const bool ends = len > 0 && text[len - 1] == '\n';
        text = source_text(&im->out, "%s%s", text, after + (ends && after[0] == '\n'));
        set_shell(im, task, base, text);
    } else {
        struct source_node made = source_made_map();
        if (im_has_ref(&syntax, im_text(source)))
            im_refuse(im, source, "source",
                      "values are not pasted into programs here: put them into env and "
                      "read os.environ");
        if (after[0])
            im_refuse(im, script, "outputs",
                      "write each to $FF_OUT/NAME in the script");
        im_set(im, &made, "lang", lang);
        im_set(im, &made, "code", im_text(source));
        source_add(&im->out, task, "script", made);
    }
    if (env.n > 0)
        source_add(&im->out, task, "env", env);
    if (outputs.n > 0)
        source_add(&im->out, task, "outputs", outputs);
    im_did(im, template, im_get(template, "name"));
}
