/* Artifacts of Argo that come from outside the workflow: a task of its own fetches each
 * before the one that wants it, since here a task hands on what a program has made. */
#include "import/argo.h"

#include <stdlib.h>
#include <string.h>

/* The task in the making. */
struct fetch {
    struct import *im;
    struct im_syntax syntax;
    const struct source_node *at; /* the source: raw, http, ... */
    const char *name;             /* theirs, of the artifact */
    const char *target;           /* where it is put, quoted */
    struct source_node env;
    struct buf text;
};

static void add_env(struct fetch *f, const char *variable,
                    const struct source_node *value, const char *format)
{
    const char *text =
        im_template(f->im, &f->syntax, value ? value : f->at, im_text(value));

    im_set(f->im, &f->env, variable,
           format ? source_text(&f->im->out, "%s%s", format, text) : text);
}

static bool fetch_raw(struct fetch *f)
{
    add_env(f, "DATA", source_get(f->at, "data"), NULL);
    buf_printf(&f->text, "printf '%%s' \"$DATA\" > %s", f->target);
    return true;
}

static bool fetch_http(struct fetch *f)
{
    static const struct im_key keys[] = {
        {"url", IMPORT_DONE, ""},
        {"headers", IMPORT_DONE, ""},
        {"auth", IMPORT_REFUSED, "add it to the headers, from a secret"},
        {NULL, IMPORT_DONE, NULL}};
    const struct source_node *headers = source_get(f->at, "headers");

    im_keys(f->im, f->at, keys);
    add_env(f, "URL", source_get(f->at, "url"), NULL);
    buf_add_text(&f->text, "curl -fsSL");
    for (size_t i = 0; headers && headers->kind == SOURCE_LIST && i < headers->n; i++) {
        const struct source_node *h = &headers->items[i].value;
        const char *variable = source_text(&f->im->out, "HEADER_%zu", i + 1);
        add_env(f, variable, source_get(h, "value"),
                source_text(&f->im->out, "%s: ", im_get(h, "name")));
        buf_printf(&f->text, " -H \"$%s\"", variable);
    }
    buf_printf(&f->text, " -o %s \"$URL\"", f->target);
    return true;
}

static bool fetch_git(struct fetch *f)
{
    static const char credentials[] = "git uses the credentials of the machine";
    static const struct im_key keys[] = {
        {"repo", IMPORT_DONE, ""},
        {"revision", IMPORT_DONE, ""},
        {"branch", IMPORT_DONE, ""},
        {"depth", IMPORT_APPROXIMATED, "all of its history is fetched"},
        {"singleBranch", IMPORT_APPROXIMATED, "all of its branches are fetched"},
        {"usernameSecret", IMPORT_REFUSED, credentials},
        {"passwordSecret", IMPORT_REFUSED, credentials},
        {"sshPrivateKeySecret", IMPORT_REFUSED, credentials},
        {"insecureIgnoreHostKey", IMPORT_REFUSED, credentials},
        {NULL, IMPORT_DONE, NULL}};
    const struct source_node *revision = source_get(f->at, "revision");

    im_keys(f->im, f->at, keys);
    add_env(f, "REPO", source_get(f->at, "repo"), NULL);
    if (!revision)
        revision = source_get(f->at, "branch");
    if (revision)
        add_env(f, "REVISION", revision, NULL);
    buf_printf(&f->text, "git clone \"$REPO\" %s", f->target);
    if (revision)
        buf_printf(&f->text, "\ngit -C %s checkout --detach \"$REVISION\"", f->target);
    return true;
}

static void add_key(struct fetch *f, const char *variable, const char *key)
{
    const struct source_node *secret = source_get(f->at, key);
    const char *theirs = source_text(&f->im->out, "%s_%s", im_get(secret, "name"),
                                     im_get(secret, "key"));

    if (!secret)
        return;
    const char *ours = im_name(f->im, "secrets", theirs);
    im_set(f->im, &f->env, variable,
           source_text(&f->im->out, "${{ secrets.%s }}", ours));
    im_approximate(f->im, secret, key, "store it: flowforge secret set %s", ours);
}

static bool fetch_s3(struct fetch *f)
{
    static const struct im_key keys[] = {
        {"bucket", IMPORT_DONE, ""},
        {"key", IMPORT_DONE, ""},
        {"endpoint", IMPORT_DONE, ""},
        {"insecure", IMPORT_DONE, ""},
        {"region", IMPORT_DONE, ""},
        {"accessKeySecret", IMPORT_DONE, ""},
        {"secretKeySecret", IMPORT_DONE, ""},
        {"sessionTokenSecret", IMPORT_DONE, ""},
        {"useSDKCreds", IMPORT_DONE, ""},
        {"roleARN", IMPORT_REFUSED, "give the machine that role"},
        {"createBucketIfNotPresent", IMPORT_REFUSED, "make the bucket before"},
        {"encryptionOptions", IMPORT_REFUSED, "set them for the bucket"},
        {"caSecret", IMPORT_REFUSED, "set AWS_CA_BUNDLE"},
        {NULL, IMPORT_DONE, NULL}};
    const char *key = im_get(f->at, "key");
    const char *insecure = im_get(f->at, "insecure");

    im_keys(f->im, f->at, keys);
    if (!im_get(f->at, "bucket")[0] || !key[0]) {
        im_refuse(f->im, f->at, f->name,
                  "name bucket and key: there is no repository of the cluster here");
        return false;
    }
    add_env(f, "BUCKET", source_get(f->at, "bucket"), NULL);
    add_env(f, "KEY", source_get(f->at, "key"), NULL);
    add_key(f, "AWS_ACCESS_KEY_ID", "accessKeySecret");
    add_key(f, "AWS_SECRET_ACCESS_KEY", "secretKeySecret");
    add_key(f, "AWS_SESSION_TOKEN", "sessionTokenSecret");
    if (source_get(f->at, "region"))
        add_env(f, "AWS_DEFAULT_REGION", source_get(f->at, "region"), NULL);
    buf_printf(&f->text, "aws s3 cp%s",
               key[strlen(key) - 1] == '/' ? " --recursive" : "");
    if (source_get(f->at, "endpoint")) {
        add_env(f, "ENDPOINT", source_get(f->at, "endpoint"),
                strcmp(insecure, "true") == 0 ? "http://" : "https://");
        buf_add_text(&f->text, " --endpoint-url \"$ENDPOINT\"");
    }
    buf_printf(&f->text, " \"s3://$BUCKET/$KEY\" %s", f->target);
    return true;
}

static const struct {
    const char *key;
    bool (*make)(struct fetch *f);
    const char *how;
} sources[] = {
    {"raw", fetch_raw, "made by a task of its own"},
    {"http", fetch_http, "fetched by a task of its own, with curl"},
    {"git", fetch_git, "cloned by a task of its own; links in it are refused"},
    {"s3", fetch_s3, "fetched by a task of its own, with the AWS command line"},
};

static const struct source_node *source_of(const struct source_node *node, size_t *kind)
{
    for (*kind = 0; *kind < COUNT_OF(sources); (*kind)++)
        if (source_get(node, sources[*kind].key))
            return source_get(node, sources[*kind].key);
    return NULL;
}

bool argo_is_fetched(const struct source_node *node)
{
    size_t kind;

    return source_of(node, &kind) != NULL;
}

/* --- the task --- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool names_item(const struct source_node *env)
{
    for (size_t i = 0; i < env->n; i++)
        for (const char *at = im_text(&env->items[i].value); (at = strstr(at, "item"));
             at++)
            if (!is_word_char(at[4]) && strstr(im_text(&env->items[i].value), "${{"))
                return true;
    return false;
}

static bool has_item(const struct source_node *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (source_is_text(&list->items[i].value, name))
            return true;
    return false;
}

void argo_add_need(struct import *im, struct source_node *task, const char *name)
{
    struct source_node *needs = source_get(task, "needs");

    if (!needs) {
        im_set_list(im, task, "needs", &name, 1);
    } else if (needs->kind == SOURCE_LIST) {
        if (!has_item(needs, name))
            source_append(&im->out, needs, source_made_f(&im->out, "%s", name));
    } else {
        const bool or = strstr(im_text(needs), "||");
        const char *formula =
            source_text(&im->out, or ? "(%s) && %s" : "%s && %s", im_text(needs), name);
        *needs = source_made_text(&im->out, formula, strlen(formula));
    }
}

/* It begins when the task that wants it would, and only if that one is wanted. */
static struct source_node make_task(struct fetch *f, const struct argo_use *use,
                                    const char *output)
{
    struct import *im = f->im;
    struct source_node task = source_made_map(), artifacts = source_made_map();
    struct source_node out = source_made_map();

    if (!source_is_empty(&use->needs))
        source_add(&im->out, &task, "needs", use->needs);
    if (source_get(use->task, "if"))
        im_set(im, &task, "if", im_get(use->task, "if"));
    artifacts.style = out.style = SOURCE_FLOW;
    im_set(im, &task, "run", source_text(&im->out, "%s", buf_text(&f->text)));
    source_add(&im->out, &task, "env", f->env);
    im_set(im, &out, output, output);
    source_add(&im->out, &artifacts, "out", out);
    source_add(&im->out, &task, "artifacts", artifacts);
    return task;
}

/* Adds it to the tasks beside the one that wants it; the expression of its artifact. */
static const char *add_task(struct fetch *f, struct argo_use *use, const char *output)
{
    struct import *im = f->im;
    const char *scope = source_text(&im->out, "%s/fetch", use->inner->names);
    const char *name =
        im_name(im, scope, source_text(&im->out, "%s %s", use->name, f->name));

    source_add(&im->out, use->into, name, make_task(f, use, output));
    argo_add_need(im, use->task, name);
    return source_text(&im->out, "tasks.%s.artifacts.%s", name, output);
}

const char *argo_fetch(struct import *im, struct argo_scope *scope,
                       struct argo_use *use, const struct source_node *node)
{
    const char *output = argo_artifact_name(im, im_get(node, "name"));
    size_t kind;
    const struct source_node *source = source_of(node, &kind);
    struct fetch f = {.im = im,
                      .syntax = argo_syntax(scope),
                      .at = source,
                      .name = im_get(node, "name"),
                      .target = source_text(&im->out, "\"$FF_ARTIFACTS/%s\"", output),
                      .env = source_made_map()};
    const char *expr = NULL;

    if (source && sources[kind].make(&f)) {
        if (strtol(im_get(node, "mode"), NULL, 0) & 0111)
            buf_printf(&f.text, "\nchmod +x %s", f.target);
        if (source_get(use->task, "foreach") && names_item(&f.env)) {
            im_refuse(im, source, f.name,
                      "it differs from item to item: fetch it in the task");
        } else {
            expr = add_task(&f, use, output);
            im_approximate(im, source, f.name, "%s", sources[kind].how);
        }
    }
    buf_done(&f.text);
    return expr;
}
