/* cmd_driver.c - which drivers there are and what they can be told. */
#include "cli/admin/admin.h"
#include "cli/admin/driver_dir.h"
#include "cli/frame/frame.h"

#include <string.h>

static const char *const thread_words[] = {
    [FF_ONE_AT_A_TIME] = "one call at a time",
    [FF_PARALLEL] = "calls in parallel",
    [FF_ON_LOOP] = "on the loop thread",
};

static const char *const type_words[] = {
    [FF_OPT_TEXT] = "text",       [FF_OPT_INT] = "int",   [FF_OPT_BOOL] = "bool",
    [FF_OPT_SECONDS] = "seconds", [FF_OPT_SIZE] = "size", [FF_OPT_CHOICE] = "choice",
};

static const char *word_of(const char *const *words, size_t n, uint32_t i)
{
    return i < n && words[i] ? words[i] : "?";
}

char *cli_driver_dir(struct cli *c, int *code)
{
    struct node_settings settings = {0};
    const struct config_section section = {"engine", node_options};
    struct config *config;
    struct ff_err err = {0};
    char *dir = NULL;

    *code = cli_load_config(c, &config);
    if (*code == CLI_OK && config_fill(config, &section, &settings, &err) != FF_OK)
        *code = cli_fail_config(config, &err);
    if (*code == CLI_OK)
        dir =
            settings.driver_dir ? mem_text(settings.driver_dir) : driver_default_dir();
    config_free(config);
    return dir;
}

/* --- list --- */

struct listing {
    struct cli_grid grid;
    json_t *json;
};

static bool is_filter(const struct driver_info *info)
{
    return info->d.flags & FF_FILTER;
}

static const char *stem_of(const char *path, char out[128])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const size_t len = strlen(name);

    snprintf(out, 128, "%.*s", (int)(len > 3 ? len - 3 : len), name);
    return out;
}

static void list_one(void *arg, const char *path, const struct driver *d,
                     const struct ff_err *err)
{
    struct listing *l = arg;
    const struct driver_info *info = d ? driver_info(d) : NULL;
    char name[128];

    stem_of(path, name);
    cli_cell(&l->grid, info ? CLI_BOLD : CLI_RED, name);
    if (info)
        cli_cell_f(&l->grid, "%s%s", driver_kind_name(info->kind),
                   is_filter(info) ? " filter" : "");
    else
        cli_cell(&l->grid, CLI_PLAIN, "refused");
    cli_cell(&l->grid, CLI_PLAIN, info ? info->d.version : "");
    cli_cell(&l->grid, CLI_PLAIN, info ? info->d.summary : err->msg);
    json_t *one = json_pack("{s:s, s:s, s:b}", "name", name, "path", path, "usable",
                            info != NULL);
    if (info)
        json_object_update_new(
            one, json_pack("{s:s, s:b, s:s*, s:s*}", "kind",
                           driver_kind_name(info->kind), "filter", is_filter(info),
                           "version", info->d.version, "summary", info->d.summary));
    else
        json_object_set_new(one, "error", json_string(err->msg));
    json_array_append_new(l->json, one);
}

int cmd_driver_list(struct cli *c)
{
    struct listing l = {.grid = {.n_columns = 4, .colour = c->colour}};
    struct ff_err err = {0};
    struct buf out = {0};
    int code;

    MEM_AUTO char *dir = cli_driver_dir(c, &code);
    if (code != CLI_OK)
        return code;
    l.json = json_array();
    cli_cell(&l.grid, CLI_DIM, "NAME");
    cli_cell(&l.grid, CLI_DIM, "KIND");
    cli_cell(&l.grid, CLI_DIM, "VERSION");
    cli_cell(&l.grid, CLI_DIM, "SUMMARY");
    code = driver_list(dir, list_one, &l, &err) == FF_OK ? CLI_OK : cli_fail_err(&err);
    struct buf text = {0};
    cli_grid_add_to(&l.grid, &text);
    if (c->json) {
        json_add_to(&out, l.json);
        buf_add_char(&out, '\n');
    } else {
        buf_add(&out, buf_text(&text), text.len);
    }
    buf_done(&text);
    json_decref(l.json);
    const int printed = cli_print(&out);
    return code != CLI_OK ? code : printed;
}

/* --- show --- */

static void add_range(const struct ff_opt *o, struct buf *out)
{
    for (size_t i = 0; o->type == FF_OPT_CHOICE && o->choices[i]; i++)
        buf_printf(out, "%s%s", i ? "|" : "", o->choices[i]);
    if (o->type != FF_OPT_CHOICE)
        buf_add_text(out, word_of(type_words, COUNT_OF(type_words), o->type));
    if (o->type == FF_OPT_INT && (o->min || o->max))
        buf_printf(out, " %lld..%lld", (long long)o->min, (long long)o->max);
    if (o->flags & FF_OPT_SECRET)
        buf_add_text(out, ", secret");
}

static void show_text(const struct cli *c, const struct driver_info *info,
                      const char *section, struct buf *out)
{
    struct cli_grid g = {.n_columns = 4, .colour = c->colour};
    const uint32_t threads = info->d.threads;

    buf_printf(out, "%s: %s\n", section, info->d.summary ? info->d.summary : "");
    buf_printf(out, "kind:     %s%s\nname:     %s\nversion:  %s\nfile:     %s\n",
               driver_kind_name(info->kind), is_filter(info) ? " filter" : "",
               info->d.name, info->d.version ? info->d.version : "-", info->path);
    buf_printf(out, "threads:  %s\nsection:  %s\n",
               word_of(thread_words, COUNT_OF(thread_words), threads), section);
    for (const struct ff_opt *o = info->d.opts; o && o->name; o++) {
        struct buf range = {0};
        if (o == info->d.opts) {
            cli_cell(&g, CLI_DIM, "OPTION");
            cli_cell(&g, CLI_DIM, "TYPE");
            cli_cell(&g, CLI_DIM, "DEFAULT");
            cli_cell(&g, CLI_DIM, "");
        }
        add_range(o, &range);
        cli_cell(&g, CLI_BOLD, o->name);
        cli_cell(&g, CLI_PLAIN, buf_text(&range));
        cli_cell(&g, CLI_PLAIN,
                 o->fallback                  ? o->fallback
                 : o->flags & FF_OPT_REQUIRED ? "required"
                                              : "-");
        cli_cell(&g, CLI_PLAIN, o->help);
        buf_done(&range);
    }
    if (g.n > 0) {
        buf_add_char(out, '\n');
        cli_grid_add_to(&g, out);
    }
}

static json_t *option_json(const struct ff_opt *o)
{
    json_t *j = json_pack("{s:s, s:s, s:b, s:b}", "name", o->name, "type",
                          word_of(type_words, COUNT_OF(type_words), o->type),
                          "required", (o->flags & FF_OPT_REQUIRED) != 0, "secret",
                          (o->flags & FF_OPT_SECRET) != 0);

    if (o->help)
        json_object_set_new(j, "help", json_string(o->help));
    if (o->fallback)
        json_object_set_new(j, "default", json_string(o->fallback));
    if (o->min || o->max) {
        json_object_set_new(j, "min", json_integer(o->min));
        json_object_set_new(j, "max", json_integer(o->max));
    }
    for (size_t i = 0; o->type == FF_OPT_CHOICE && o->choices[i]; i++) {
        if (i == 0)
            json_object_set_new(j, "choices", json_array());
        json_array_append_new(json_object_get(j, "choices"),
                              json_string(o->choices[i]));
    }
    return j;
}

static void show_json(const struct driver_info *info, const char *section,
                      struct buf *out)
{
    json_t *options = json_array();

    for (const struct ff_opt *o = info->d.opts; o && o->name; o++)
        json_array_append_new(options, option_json(o));
    json_t *j =
        json_pack("{s:s, s:b, s:s, s:s*, s:s*, s:s, s:s, s:s, s:i, s:o}", "kind",
                  driver_kind_name(info->kind), "filter", is_filter(info), "name",
                  info->d.name, "version", info->d.version, "summary", info->d.summary,
                  "path", info->path, "section", section, "threads",
                  word_of(thread_words, COUNT_OF(thread_words), info->d.threads),
                  "abi_major", (int)info->d.abi_major, "options", options);
    json_add_to(out, j);
    buf_add_char(out, '\n');
    json_decref(j);
}

/* A path means what it means here; the loader wants it absolute. What is not there is
 * left to the loader, which has the better sentence. */
static char *absolute(const char *name)
{
    char *real = strchr(name, '/') ? file_real(name) : NULL;

    return real ? real : mem_text(name);
}

int cmd_driver_show(struct cli *c)
{
    MEM_AUTO char *name = absolute(c->args.words.items[0]);
    char section[DRIVER_SECTION_TEXT];
    struct ff_err err = {0};
    struct buf out = {0};
    int code;

    MEM_AUTO char *dir = cli_driver_dir(c, &code);
    if (code != CLI_OK)
        return code;
    const struct driver *d = driver_load(dir, name, 0, &err);
    if (!d)
        return cli_fail_err(&err);
    driver_section(driver_info(d), section);
    if (c->json)
        show_json(driver_info(d), section, &out);
    else
        show_text(c, driver_info(d), section, &out);
    return cli_print(&out);
}
