/* context.c - see context.h. */
#include "cli/remote/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <yaml.h>

#define FILE_NAME      "flowforge/contexts.yaml"
#define FILE_MAX       ((size_t)256 * 1024)
#define NAME_MAX_BYTES 63

/* --- in memory --- */

void context_set(char **slot, const char *value)
{
    mem_free(*slot);
    *slot = value ? mem_text(value) : NULL;
}

/* It may hold a credential. */
static void wipe(struct buf *text)
{
    if (text->data)
        explicit_bzero(text->data, text->len);
    buf_done(text);
}

void context_set_token(struct context *c, const char *token, const char *expires)
{
    char *before = c->token;

    c->token = token ? mem_text(token) : NULL;
    if (before)
        explicit_bzero(before, strlen(before));
    mem_free(before);
    context_set(&c->expires, expires);
}

bool context_is_over(const struct context *c)
{
    struct timespec now;
    int64_t end_us;

    clock_gettime(CLOCK_REALTIME, &now);
    return c->token && c->expires && units_time(c->expires, &end_us) &&
           end_us <= now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
}

static void context_clear(struct context *c)
{
    mem_free(c->name);
    mem_free(c->server);
    context_set_token(c, NULL, NULL);
    mem_free(c->project);
    mem_free(c->ca);
}

void contexts_done(struct contexts *x)
{
    for (size_t i = 0; i < x->all.n; i++)
        context_clear(&x->all.items[i]);
    ARRAY_DONE(&x->all);
    mem_free(x->current);
    mem_free(x->path);
    if (x->locked)
        close(x->lock);
    *x = (struct contexts){0};
}

struct context *contexts_find(const struct contexts *x, const char *name)
{
    for (size_t i = 0; i < x->all.n; i++)
        if (strcmp(x->all.items[i].name, name) == 0)
            return &x->all.items[i];
    return NULL;
}

struct context *contexts_add(struct contexts *x, const char *name)
{
    struct context *found = contexts_find(x, name);
    const struct context empty = {0};

    if (found)
        return found;
    ARRAY_ADD(&x->all, empty);
    found = &x->all.items[x->all.n - 1];
    found->name = mem_text(name);
    return found;
}

void contexts_delete(struct contexts *x, struct context *context)
{
    const size_t at = (size_t)(context - x->all.items);

    if (x->current && strcmp(x->current, context->name) == 0)
        context_set(&x->current, NULL);
    context_clear(context);
    x->all.n--;
    memmove(context, context + 1, (x->all.n - at) * sizeof(*context));
}

const char *context_name_fault(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = strlen(name);

    if (strcmp(name, CONTEXT_LOCAL) == 0)
        return "`local` always means this machine";
    if (len == 0 || len > NAME_MAX_BYTES || strspn(name, allowed) != len)
        return "a context is named with 1 to 63 of A-Z, a-z, 0-9, ., _ and -";
    return NULL;
}

/* --- the file --- */

static char *default_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    struct buf path = {0};

    if (config && config[0] == '/')
        buf_printf(&path, "%s/%s", config, FILE_NAME);
    else
        buf_printf(&path, "%s/.config/%s", home ? home : "", FILE_NAME);
    return buf_take(&path);
}

static const char *scalar(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE
               ? (const char *)node->data.scalar.value
               : NULL;
}

typedef bool pair_fn(void *arg, yaml_document_t *doc, const char *key,
                     yaml_node_t *value);

/* False: it is no mapping, or fn has said so. */
static bool each_pair(yaml_document_t *doc, const yaml_node_t *node, pair_fn *fn,
                      void *arg)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return false;
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
         p < node->data.mapping.pairs.top; p++) {
        const char *key = scalar(yaml_document_get_node(doc, p->key));
        if (!key || !fn(arg, doc, key, yaml_document_get_node(doc, p->value)))
            return false;
    }
    return true;
}

static bool take_key(void *arg, yaml_document_t *doc, const char *key,
                     yaml_node_t *value)
{
    struct context *c = arg;
    const char *text = scalar(value);
    const struct {
        const char *name;
        char **slot;
    } slots[] = {{"server", &c->server},
                 {"token", &c->token},
                 {"expires", &c->expires},
                 {"project", &c->project},
                 {"ca", &c->ca}};

    (void)doc;
    for (size_t i = 0; text && i < COUNT_OF(slots); i++)
        if (strcmp(slots[i].name, key) == 0) {
            context_set(slots[i].slot, text);
            return true;
        }
    return false;
}

static bool take_context(void *arg, yaml_document_t *doc, const char *key,
                         yaml_node_t *value)
{
    if (context_name_fault(key) || contexts_find(arg, key))
        return false;
    struct context *c = contexts_add(arg, key);
    return each_pair(doc, value, take_key, c) && c->server;
}

static bool take_top(void *arg, yaml_document_t *doc, const char *key,
                     yaml_node_t *value)
{
    struct contexts *x = arg;

    if (strcmp(key, "contexts") == 0)
        return each_pair(doc, value, take_context, x);
    if (strcmp(key, "current") != 0 || !scalar(value))
        return false;
    context_set(&x->current, scalar(value));
    return true;
}

static bool take_text(struct contexts *x, const struct buf *text)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    bool good = false;

    if (!yaml_parser_initialize(&parser))
        mem_exhausted();
    yaml_parser_set_input_string(&parser, (const unsigned char *)buf_text(text),
                                 text->len);
    if (yaml_parser_load(&parser, &doc)) {
        const yaml_node_t *root = yaml_document_get_root_node(&doc);
        good = !root || each_pair(&doc, root, take_top, x);
        yaml_document_delete(&doc);
    }
    yaml_parser_delete(&parser);
    return good && (!x->current || contexts_find(x, x->current));
}

int contexts_read(struct contexts *x, struct ff_err *err)
{
    struct buf text = {0};
    struct stat st;

    *x = (struct contexts){.path = default_path()};
    if (stat(x->path, &st) != 0)
        return errno == ENOENT
                   ? FF_OK
                   : ff_fail(err, FF_INVALID, 0, "%s: %s", x->path, strerror(errno));
    if (st.st_mode & 077)
        return ff_fail(err, FF_DENIED, 0,
                       "%s holds credentials, and others may read it: `chmod 600 %s`",
                       x->path, x->path);
    int code = file_read(x->path, FILE_MAX, &text);
    if (code != 0)
        code = ff_fail(err, FF_INVALID, 0, "%s: %s", x->path, strerror(-code));
    else if (!take_text(x, &text))
        code = ff_fail(err, FF_INVALID, 0,
                       "%s is no file of contexts; `flowforge context set` makes one "
                       "when it is not there",
                       x->path);
    wipe(&text);
    return code;
}

/* Beside the file, which each change replaces. */
static int lock(struct contexts *x, struct ff_err *err)
{
    MEM_AUTO char *folder = default_path();
    struct buf path = {0};
    int sys;

    buf_printf(&path, "%s.lock", folder);
    *strrchr(folder, '/') = '\0';
    sys = -file_make_dirs(folder, 0700);
    if (sys == 0)
        x->lock = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (sys == 0 && x->lock < 0)
        sys = errno;
    x->locked = sys == 0;
    while (sys == 0 && flock(x->lock, LOCK_EX) != 0)
        sys = errno == EINTR ? 0 : errno;
    if (sys != 0)
        ff_fail(err, FF_DENIED, 0, "%s: %s", buf_text(&path), strerror(sys));
    buf_done(&path);
    return sys == 0 ? FF_OK : err->code;
}

int contexts_change(struct contexts *x, struct ff_err *err)
{
    struct contexts held = {0};
    int code = lock(&held, err);

    *x = held;
    if (code != FF_OK)
        return code;
    code = contexts_read(x, err);
    x->lock = held.lock;
    x->locked = true;
    return code;
}

/* A JSON text is a YAML one in double quotes. */
static void add_key(struct buf *out, const char *indent, const char *key,
                    const char *value)
{
    struct jsonw w = {.out = out};

    if (!value)
        return;
    buf_printf(out, "%s%s: ", indent, key);
    jsonw_text(&w, value);
    buf_add_char(out, '\n');
}

int contexts_write(const struct contexts *x, struct ff_err *err)
{
    MEM_AUTO char *folder = mem_text(x->path);
    struct buf out = {0};

    *strrchr(folder, '/') = '\0';
    add_key(&out, "", "current", x->current);
    buf_add_text(&out, x->all.n > 0 ? "contexts:\n" : "");
    for (size_t i = 0; i < x->all.n; i++) {
        const struct context *c = &x->all.items[i];
        buf_printf(&out, "  \"%s\":\n", c->name);
        add_key(&out, "    ", "server", c->server);
        add_key(&out, "    ", "token", c->token);
        add_key(&out, "    ", "expires", c->expires);
        add_key(&out, "    ", "project", c->project);
        add_key(&out, "    ", "ca", c->ca);
    }
    int code = file_make_dirs(folder, 0700);
    if (code == 0)
        code = file_write_durable(x->path, buf_text(&out), out.len, 0600);
    wipe(&out);
    if (code != 0)
        return ff_fail(err, FF_DENIED, 0, "%s: %s", x->path, strerror(-code));
    return FF_OK;
}
