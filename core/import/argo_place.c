/* Where artifacts of Argo are: at any path of a container there, in $FF_ARTIFACTS here.
 * Shell text that names such a path gets the place in its stead. */
#include "import/argo.h"

#include <ctype.h>
#include <string.h>

/* In text that is not converted yet; see argo_shell_name. */
#define HERE "{{" ARGO_ARTIFACTS_REF "}}/"

static const struct im_key out_keys[] = {
    {"name", IMPORT_DONE, ""},
    {"path", IMPORT_DONE, ""},
    {"optional", IMPORT_DONE, ""},
    {"archive", IMPORT_APPROXIMATED, "it is stored as it is"},
    {"mode", IMPORT_APPROXIMATED, "a file keeps whether it is executable"},
    {"archiveLogs", IMPORT_APPROXIMATED, "logs are kept with the run"},
    {"artifactGC", IMPORT_APPROXIMATED, "artifacts go with their run"},
    {"globalName", IMPORT_REFUSED, "name the task: tasks.NAME.artifacts.NAME"},
    {"from", IMPORT_REFUSED, "a task hands on what it has made"},
    {"fromExpression", IMPORT_REFUSED, "a task hands on what it has made"},
    {"s3", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"http", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"gcs", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"oss", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"hdfs", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"azure", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"artifactory", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {"plugin", IMPORT_REFUSED, ARGO_WHY_UPLOAD},
    {NULL, IMPORT_DONE, NULL}};

/* --- places --- */

static bool is_path_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_good_place(const char *text)
{
    size_t n = 0;

    while (is_path_char(text[n]))
        n++;
    return n > 0 && text[n] == '\0' && strcmp(text, ".") != 0 &&
           strcmp(text, "..") != 0;
}

static bool is_taken(const struct argo_places *p, const char *place)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].place, place) == 0)
            return true;
    return false;
}

/* What the path has behind that of a folder, with its slash; or NULL. */
static const char *below(const char *path, const char *folder)
{
    const size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len : NULL;
}

/* The name of the file, since programs look at endings; that of the artifact where
 * another one has it. */
static const char *free_place(struct import *im, const struct argo_places *p,
                              const char *path, const char *ours)
{
    const char *base = strrchr(path, '/') + 1;

    if (is_good_place(base) && !is_taken(p, base))
        return base;
    return is_taken(p, ours) ? source_text(&im->out, "%s.%zu", ours, p->n) : ours;
}

/* What is handed on is where it was given, or in a folder that was given. */
static void set_place(struct import *im, struct argo_places *p, struct argo_place *one)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct argo_place *old = &p->items[i];
        const char *rest = one->in ? NULL : below(one->path, old->path);
        if (strcmp(old->path, one->path) == 0)
            one->place = old->place;
        else if (rest)
            one->place = source_text(&im->out, "%s%s", old->place, rest);
        one->named = one->named || rest;
    }
    if (!one->place[0])
        one->place = free_place(im, p, one->path, one->ours);
}

size_t argo_path_length(const struct source_node *artifact)
{
    const char *path = im_get(artifact, "path");
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return len < 2 || path[0] != '/' || strpbrk(path, "'\n") ? 0 : len;
}

static void add_place(struct import *im, struct argo_places *p,
                      const struct source_node *at, bool in)
{
    const char *path = im_get(at, "path");
    const size_t len = argo_path_length(at);

    if (len == 0 || p->n == COUNT_OF(p->items)) {
        im_refuse(im, at, im_get(at, "name"), "its path is none that is known here");
        return;
    }
    struct argo_place one = {.at = at,
                             .ours = argo_artifact_name(im, im_get(at, "name")),
                             .path = source_text(&im->out, "%.*s", (int)len, path),
                             .place = "",
                             .in = in};
    set_place(im, p, &one);
    p->items[p->n++] = one;
}

void argo_places(struct import *im, const struct argo_scope *scope,
                 const struct source_node *template, struct argo_places *p)
{
    const struct source_node *in = argo_artifacts(source_get(template, "inputs"));
    const struct source_node *out = argo_artifacts(source_get(template, "outputs"));

    p->n = 0;
    for (size_t i = 0; in && in->kind == SOURCE_LIST && i < in->n; i++)
        if (source_get(&scope->artifacts, im_get(&in->items[i].value, "name")))
            add_place(im, p, &in->items[i].value, true);
    for (size_t i = 0; out && out->kind == SOURCE_LIST && i < out->n; i++) {
        im_keys(im, &out->items[i].value, out_keys);
        add_place(im, p, &out->items[i].value, false);
    }
}

/* --- text with paths in it --- */

/* The longest path that begins here. */
static struct argo_place *place_at(struct argo_places *p, const char *text,
                                   const char *at)
{
    struct argo_place *found = NULL;

    if (at > text && (is_path_char(at[-1]) || at[-1] == '/'))
        return NULL;
    for (size_t i = 0; i < p->n; i++) {
        const size_t len = strlen(p->items[i].path);
        if (strncmp(at, p->items[i].path, len) == 0 && !is_path_char(at[len]) &&
            (!found || len > strlen(found->path)))
            found = &p->items[i];
    }
    return found;
}

/* Both where a file is given and handed on. */
static void note(struct argo_places *p, const char *path)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->items[i].path, path) == 0)
            p->items[i].named = true;
}

/* {{inputs.artifacts.NAME.path}}; how long it is, or 0. */
static size_t path_ref(struct argo_places *p, const char *at, struct argo_place **found)
{
    static const char *const kinds[] = {"inputs", "outputs"};
    const char *end = text_starts(at, "{{") ? strstr(at, "}}") : NULL;

    for (size_t i = 0; end && i < 2 * p->n; i++) {
        struct argo_place *one = &p->items[i / 2];
        char wanted[256], seen[256];
        size_t n = 0;
        for (const char *c = at + 2; c < end && n < sizeof(seen) - 1; c++)
            if (*c != ' ')
                seen[n++] = *c;
        seen[n] = '\0';
        snprintf(wanted, sizeof(wanted), "%s.artifacts.%.200s.path", kinds[i % 2],
                 im_get(one->at, "name"));
        if (strcmp(seen, wanted) == 0) {
            *found = one;
            return (size_t)(end - at) + 2;
        }
    }
    return 0;
}

const char *argo_place_text(struct import *im, struct argo_places *p, const char *text)
{
    struct buf out = {0};

    for (const char *at = text; *at;) {
        struct argo_place *found = NULL;
        size_t len = path_ref(p, at, &found);
        if (len == 0 && (found = place_at(p, text, at)))
            len = strlen(found->path);
        if (len == 0) {
            buf_add_char(&out, *at++);
            continue;
        }
        buf_printf(&out, HERE "%s", found->place);
        note(p, found->path);
        at += len;
    }
    const char *made = source_text(&im->out, "%s", buf_text(&out));
    buf_done(&out);
    return made;
}

struct source_node argo_place_node(struct import *im, struct argo_places *p,
                                   const struct source_node *node)
{
    struct source_node made = *node;

    if (node->kind == SOURCE_SCALAR) {
        made.text = argo_place_text(im, p, node->text);
        made.len = strlen(made.text);
        return made;
    }
    made.items = NULL;
    made.n = made.cap = 0;
    for (size_t i = 0; i < node->n; i++)
        source_append(&im->out, &made, argo_place_node(im, p, &node->items[i].value));
    return made;
}

const char *argo_shell_name(const char *ref)
{
    return strcmp(ref, ARGO_ARTIFACTS_REF) == 0 ? "FF_ARTIFACTS" : NULL;
}

/* --- what the task says of them --- */

static void declare_in(struct import *im, const struct argo_scope *scope,
                       const struct argo_place *one, struct source_node *in)
{
    const char *from = source_text(&im->out, "${{ %s }}",
                                   im_get(&scope->artifacts, im_get(one->at, "name")));
    const bool optional = strcmp(im_get(one->at, "optional"), "true") == 0;
    struct source_node made = source_made_map();

    if (!optional && strcmp(one->place, one->ours) == 0) {
        im_set(im, in, one->ours, from);
        return;
    }
    made.style = SOURCE_FLOW;
    im_set(im, &made, "from", from);
    im_set(im, &made, "path", one->place);
    if (optional)
        im_set_plain(im, &made, "optional", "true");
    source_add(&im->out, in, one->ours, made);
}

static void declare_out(struct import *im, const struct argo_place *one,
                        struct source_node *out)
{
    struct source_node made = source_made_map();

    if (strcmp(im_get(one->at, "optional"), "true") != 0) {
        im_set(im, out, one->ours, one->place);
        return;
    }
    made.style = SOURCE_FLOW;
    im_set(im, &made, "path", one->place);
    im_set_plain(im, &made, "optional", "true");
    source_add(&im->out, out, one->ours, made);
}

static void tell(struct import *im, const struct argo_place *one, bool shell)
{
    const char *name = im_get(one->at, "name");

    if (!shell)
        im_refuse(
            im, one->at, name,
            "the program must take %.60s from its variable FF_ARTIFACTS, as %.60s "
            "in that folder",
            one->path, one->place);
    else if (one->named)
        im_approximate(im, one->at, name, "%.80s is $FF_ARTIFACTS/%.80s here",
                       one->path, one->place);
    else if (one->in)
        im_refuse(im, one->at, name,
                  "the command does not name %.80s: have it read $FF_ARTIFACTS/%.80s",
                  one->path, one->place);
    else
        im_approximate(im, one->at, name,
                       "copied from %.80s of the machine, which other tasks have too",
                       one->path);
}

const char *argo_declare_places(struct import *im, const struct argo_scope *scope,
                                const struct argo_places *p, bool shell,
                                struct source_node *artifacts)
{
    struct source_node in = source_made_map(), out = source_made_map();
    struct buf after = {0};

    for (size_t i = 0; i < p->n; i++) {
        const struct argo_place *one = &p->items[i];
        tell(im, one, shell);
        if (one->in)
            declare_in(im, scope, one, &in);
        else
            declare_out(im, one, &out);
        if (shell && !one->in && !one->named)
            buf_printf(&after, "\n%scp -R '%s' \"$FF_ARTIFACTS/%s\"",
                       strcmp(im_get(one->at, "optional"), "true") == 0
                           ? source_text(&im->out, "[ ! -e '%s' ] || ", one->path)
                           : "",
                       one->path, one->place);
    }
    if (in.n > 0)
        source_add(&im->out, artifacts, "in", in);
    if (out.n > 0)
        source_add(&im->out, artifacts, "out", out);
    const char *text = source_text(&im->out, "%s", buf_text(&after));
    buf_done(&after);
    return text;
}
