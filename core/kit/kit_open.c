/* kit/kit_open.c - the driver as a check sees it: options with their placeholders
 * filled, instances by the loader of the engine. */
#include "kit/kit_priv.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOP_LOOK_US 2000

const char *const kit_place_names[KIT_N_PLACES] = {
    "dir", "unique", "jwks", "issuer", "audience", "secret", "discovery"};
enum { PLACE_DIR, PLACE_UNIQUE };

int64_t kit_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * UNITS_SECOND + now.tv_nsec / 1000;
}

/* --- placeholders --- */

/* The length of "{word}" at text, or 0. */
static size_t placeholder_len(const char *text)
{
    size_t n = 1;

    if (text[0] != '{')
        return 0;
    while (text[n] >= 'a' && text[n] <= 'z')
        n++;
    return n > 1 && text[n] == '}' ? n + 1 : 0;
}

static int find_place(const char *text, size_t len)
{
    for (int i = 0; i < KIT_N_PLACES; i++)
        if (strlen(kit_place_names[i]) == len - 2 &&
            strncmp(kit_place_names[i], text + 1, len - 2) == 0)
            return i;
    return -1;
}

int kit_check_option(const char *option, struct ff_err *err)
{
    const char *equals = strchr(option, '=');

    if (!equals || equals == option)
        return ff_fail(err, FF_INVALID, 0,
                       "an option of the driver is KEY=VALUE, not '%.80s'", option);
    for (const char *at = equals; *at; at++) {
        const size_t len = placeholder_len(at);

        if (len && find_place(at, len) < 0)
            return ff_fail(err, FF_INVALID, 0,
                           "there is no placeholder %.*s; there are {dir}, {unique}, "
                           "{jwks}, {issuer}, {audience}, {secret} and {discovery}",
                           (int)len, at);
    }
    return FF_OK;
}

/* Where a value is missing the placeholder stays as it is. */
static void fill_option(const struct kit *k, const char *option, struct buf *out)
{
    while (*option) {
        const size_t len = placeholder_len(option);
        const int i = len ? find_place(option, len) : -1;

        if (i >= 0 && k->places[i].value) {
            buf_add_text(out, k->places[i].value);
            option += len;
        } else {
            buf_add_char(out, *option++);
        }
    }
}

void kit_set(struct kit *k, const char *placeholder, const char *value)
{
    for (int i = 0; i < KIT_N_PLACES; i++) {
        if (strcmp(k->places[i].name, placeholder) != 0)
            continue;
        mem_free(k->places[i].value);
        k->places[i].value = mem_text(value);
        return;
    }
    kit_fail(k, "the kit has no placeholder %s", placeholder);
}

size_t kit_n_options(const struct kit *k)
{
    return k->settings->options.n;
}

const char *kit_option(const struct kit *k, size_t i)
{
    return k->settings->options.items[i];
}

bool kit_uses(const struct kit *k, const char *placeholder)
{
    char word[32];

    snprintf(word, sizeof(word), "{%s}", placeholder);
    for (size_t i = 0; i < k->settings->options.n; i++)
        if (strstr(k->settings->options.items[i], word))
            return true;
    return false;
}

/* Short, and a name in any language: a letter, then letters and digits. Not seeded: two
 * kits that use one server must not meet. */
static void make_unique(char out[16])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t bits;

    rand_system(&bits, sizeof(bits));
    out[0] = 'k';
    for (int i = 1; i < 11; i++, bits /= 36)
        out[i] = letters[bits % 36];
    out[11] = '\0';
}

void kit_new_place(struct kit *k)
{
    char name[16];

    snprintf(name, sizeof(name), "%u", k->n_places++);
    MEM_AUTO char *dir = file_join(k->dir, name);
    const int failed = file_make_dirs(dir, 0700);

    if (failed)
        kit_fail(k, "the kit cannot make its directory %s: %s", dir, strerror(-failed));
    kit_set(k, "dir", dir);
    make_unique(name);
    kit_set(k, "unique", name);
}

const char *kit_dir(const struct kit *k)
{
    return k->places[PLACE_DIR].value;
}

/* --- instances --- */

struct driver *kit_load(const struct kit_settings *settings, struct ff_err *err)
{
    return driver_load(settings->driver_dir, settings->driver, 0, err);
}

/* The sections of a check: the driver's, and of a filter that of the driver behind it,
 * whose options name it: store-memory.name={unique}. */
struct sections {
    char own[DRIVER_SECTION_TEXT];
    char over[DRIVER_SECTION_TEXT]; /* empty: none */
};

static bool is_for_over(const struct sections *sections, const char *option)
{
    const size_t len = strlen(sections->over);

    return len > 0 && strncmp(option, sections->over, len) == 0 && option[len] == '.';
}

static int set_one(const struct kit *k, struct config *config,
                   const struct sections *sections, const char *option,
                   struct ff_err *err)
{
    struct buf assignment = {0};

    if (!is_for_over(sections, option))
        buf_printf(&assignment, "%s.", sections->own);
    fill_option(k, option, &assignment);
    const int code = config_set(config, buf_text(&assignment), err);
    buf_done(&assignment);
    return code;
}

/* Neither the user's file nor the environment: a check is the same everywhere. */
static struct config *make_config(const struct kit *k, const struct sections *sections,
                                  const struct kit_texts *options,
                                  const char *const *changed, struct ff_err *err)
{
    struct config *config = config_load("/dev/null", NULL, err);
    int code = config ? FF_OK : FF_INTERNAL;

    for (size_t i = 0; options && i < options->n && code == FF_OK; i++)
        code = set_one(k, config, sections, options->items[i], err);
    for (size_t i = 0; changed && changed[i] && code == FF_OK; i++)
        code = set_one(k, config, sections, changed[i], err);
    if (code == FF_OK)
        return config;
    config_free(config);
    return NULL;
}

struct loop *kit_loop(struct kit *k)
{
    struct ff_err err = {0};

    if (!k->loop)
        k->loop = loop_new(&err);
    if (!k->loop)
        kit_fail(k, "the kit has no event loop: %s", err.msg);
    return k->loop;
}

static struct driver_instance *open_instance(struct kit *k, struct driver *d,
                                             struct driver *over,
                                             const struct config *config,
                                             struct ff_err *err)
{
    struct driver_instance *i =
        driver_instance_new(over ? over : d, kit_loop(k), config, NULL, err);

    return over && i ? driver_filter_new(d, i, config, err) : i;
}

/* over NULL: d stands alone. */
static struct driver_instance *make_instance(struct kit *k, struct driver *d,
                                             struct driver *over,
                                             const struct kit_texts *options,
                                             const char *const *changed,
                                             struct ff_err *err)
{
    struct sections sections = {0};
    struct driver_instance *i = NULL;

    driver_section(driver_info(d), sections.own);
    if (over)
        driver_section(driver_info(over), sections.over);

    struct config *config = make_config(k, &sections, options, changed, err);

    if (config)
        i = open_instance(k, d, over, config, err);
    config_free(config);
    if (i)
        ARRAY_ADD(&k->instances, i);
    return i;
}

struct driver_instance *kit_instance_with(struct kit *k, const char *const *changed,
                                          struct ff_err *err)
{
    const struct kit_settings *s = k->settings;
    struct driver *d = kit_load(s, err);
    struct driver *over = NULL;

    if (d && s->over)
        over = driver_load(s->driver_dir, s->over, driver_info(d)->kind, err);
    if (!d || (s->over && !over))
        return NULL;
    return make_instance(k, d, over, &s->options, changed, err);
}

struct driver_instance *kit_instance_of(struct kit *k, const char *name, uint32_t kind,
                                        struct ff_err *err)
{
    struct driver *d = driver_load(k->settings->driver_dir, name, kind, err);

    return d ? make_instance(k, d, NULL, NULL, NULL, err) : NULL;
}

struct driver_instance *kit_instance(struct kit *k)
{
    struct ff_err err = {0};

    if (!k->first)
        k->first = kit_instance_with(k, NULL, &err);
    if (!k->first)
        kit_fail(k, "the driver is refused: %s", err.msg);
    return k->first;
}

const struct driver_info *kit_info(struct kit *k)
{
    return driver_instance_info(kit_instance(k));
}

void kit_drop(struct kit *k)
{
    for (size_t i = k->instances.n; i > 0; i--)
        driver_instance_free(k->instances.items[i - 1]);
    ARRAY_DONE(&k->instances);
    k->first = NULL;
    loop_free(k->loop);
    k->loop = NULL;
}

/* --- the context of one check --- */

void kit_init(struct kit *k, const struct kit_settings *settings,
              const struct kit_item *item, const char *dir)
{
    uint64_t name = 0;

    for (const char *c = item ? item->name : ""; *c; c++)
        name = rand_mix(name ^ (unsigned char)*c);
    *k = (struct kit){.settings = settings,
                      .item = item,
                      .report_fd = -1,
                      .tell_fd = -1,
                      .seed = settings->seed,
                      .dir = mem_text(dir)};
    rand_seed(&k->rand, settings->seed ^ name);
    for (int i = 0; i < KIT_N_PLACES; i++)
        k->places[i].name = kit_place_names[i];
    kit_set(k, "discovery", "false");
}

void kit_done(struct kit *k)
{
    kit_drop(k);
    for (int i = 0; i < KIT_N_PLACES; i++)
        mem_free(k->places[i].value);
    for (size_t i = 0; i < k->texts.n; i++)
        mem_free((void *)(uintptr_t)k->texts.items[i]);
    ARRAY_DONE(&k->texts);
    mem_free(k->dir);
}

struct rand *kit_rand(struct kit *k)
{
    return &k->rand;
}

const void *kit_data(const struct kit *k)
{
    return k->item->check->data;
}

int64_t kit_left_us(const struct kit *k)
{
    return k->deadline_us - kit_mono_us();
}

/* --- running the loop --- */

struct waiting {
    struct kit *k;
    bool (*done)(void *arg);
    void *arg;
    int64_t until_us;
};

static void look(void *arg)
{
    struct waiting *w = arg;
    const bool done = w->done(w->arg);

    if (done || kit_mono_us() >= w->until_us)
        loop_stop(w->k->loop, done);
    else
        loop_timer_add(w->k->loop, LOOP_LOOK_US, look, w, NULL);
}

bool kit_loop_until(struct kit *k, bool (*done)(void *arg), void *arg, int64_t for_us)
{
    struct waiting w = {
        .k = k, .done = done, .arg = arg, .until_us = kit_mono_us() + for_us};

    loop_timer_add(kit_loop(k), 0, look, &w, NULL);
    return loop_run(k->loop);
}
