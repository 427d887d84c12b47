/* driver/filter.c - filters: drivers in front of others of their kind. What the chain
 * can do is worked out once, when it is made; its sessions are opened by the filters
 * themselves, from the outside in, so that each may choose when. */
#include "driver/driver_priv.h"

#include <string.h>

void driver_stand_alone(struct driver_instance *i)
{
    i->info = i->driver->info;
    i->table = i->driver->ops;
    i->info.d.ops.store = &i->table.store;
}

int driver_check_stand(const struct driver_instance *i, struct ff_err *err)
{
    char name[DRIVER_SECTION_TEXT];
    const char *kind = driver_kind(i->info.kind)->name;

    if (!(i->info.d.flags & FF_FILTER) || i->inner)
        return FF_OK;
    driver_section(&i->info, name);
    return ff_fail(err, FF_INVALID, 0,
                   "%s is a filter and needs a %s behind it: name it in "
                   "engine.%s_filters, and a %s that is none in engine.%s",
                   name, kind, kind, kind, kind);
}

/* Which capability an optional slot belongs to; 0: none. */
static uint64_t cap_of_slot(const struct driver_kind *kind, size_t offset)
{
    for (const struct driver_slot *s = kind->slots; s->name; s++)
        if (s->offset == offset)
            return s->cap;
    return 0;
}

/* Every table is one of function pointers and nothing else. */
static void weaken_table(struct driver_instance *i)
{
    const struct driver_kind *kind = driver_kind(i->info.kind);
    const char *below = (const char *)&i->inner->table;
    char *here = (char *)&i->table;
    void (*fn)(void);
    void (*const none)(void) = NULL;

    for (size_t at = 0; at < kind->ops_size; at += sizeof(fn)) {
        const uint64_t cap = cap_of_slot(kind, at);
        const bool lost = cap && !(i->info.d.caps & cap);

        memcpy(&fn, below + at, sizeof(fn));
        if (lost || (!fn && !(i->info.d.adds & cap)))
            memcpy(here + at, &none, sizeof(none));
    }
}

/* The enum goes from the least to the most parallel, but for drivers on the loop, whose
 * kinds know nothing else. */
static uint32_t weaker_threads(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void weaken(struct driver_instance *i)
{
    const struct ff_driver *below = &i->inner->info.d;
    struct ff_driver *d = &i->info.d;

    const uint64_t bound = (d->caps | below->caps) & driver_kind(d->kind)->binding;

    d->caps = (d->caps & below->caps) | d->adds | bound;
    d->threads = weaker_threads(d->threads, below->threads);
    weaken_table(i);
}

static void show_next(struct driver_instance *i)
{
    const struct driver_instance *inner = i->inner;

    i->next = (struct ff_next){
        .struct_size = sizeof(i->next),
        .kind = inner->info.kind,
        .threads = inner->info.d.threads,
        .caps = inner->info.d.caps,
        .name = inner->label,
        .host = &inner->host,
        .config = inner->config,
        .ops.store = &inner->table.store,
    };
    i->host.next = &i->next;
}

static int check_pair(const struct driver *d, const struct driver_instance *inner,
                      struct ff_err *err)
{
    const char *kind = driver_kind(inner->info.kind)->name;
    char name[DRIVER_SECTION_TEXT];

    driver_section(&d->info, name);
    if (d->info.kind != inner->info.kind)
        return ff_fail(err, FF_INVALID, 0,
                       "%s is a driver of kind %s and cannot stand in front of a %s",
                       name, driver_kind(d->info.kind)->name, kind);
    if (!(d->info.d.flags & FF_FILTER))
        return ff_fail(err, FF_INVALID, 0,
                       "%s is no filter, so it cannot stand in front of another %s; "
                       "engine.%s is its place",
                       name, kind, kind);
    return FF_OK;
}

struct driver_instance *driver_filter_new(struct driver *d,
                                          struct driver_instance *inner,
                                          const struct config *config,
                                          struct ff_err *err)
{
    struct driver_instance *i = NULL;
    char name[DRIVER_SECTION_TEXT];

    driver_section(&d->info, name);
    if (check_pair(d, inner, err) == FF_OK)
        i = driver_instance_new(d, inner->loop, config, name, err);
    if (!i) {
        driver_instance_free(inner);
        return NULL;
    }
    i->inner = inner;
    weaken(i);
    show_next(i);
    return i;
}

/* --- chains --- */

/* Cuts at commas and spaces; the words point into text. */
static int split(char *text, char *words[DRIVER_MAX_FILTERS], size_t *n, uint32_t kind,
                 struct ff_err *err)
{
    *n = 0;
    for (char *save = NULL, *word = strtok_r(text, ", ", &save); word;
         word = strtok_r(NULL, ", ", &save)) {
        if (*n == DRIVER_MAX_FILTERS)
            return ff_fail(err, FF_INVALID, 0, "engine.%s_filters: more than %d",
                           driver_kind(kind)->name, DRIVER_MAX_FILTERS);
        words[(*n)++] = word;
    }
    return FF_OK;
}

struct driver_instance *driver_chain_new(const char *dir, const char *name,
                                         const char *filters, uint32_t kind,
                                         struct loop *l, const struct config *config,
                                         struct ff_err *err)
{
    MEM_AUTO char *text = mem_text(filters ? filters : "");
    char *words[DRIVER_MAX_FILTERS];
    size_t n;
    struct driver *d = driver_load(dir, name, kind, err);

    if (!d || split(text, words, &n, kind, err) != FF_OK)
        return NULL;

    struct driver_instance *i = driver_instance_new(d, l, config, name, err);

    while (i && n > 0) {
        struct driver *filter = driver_load(dir, words[--n], kind, err);

        if (filter) {
            i = driver_filter_new(filter, i, config, err);
        } else {
            driver_instance_free(i);
            i = NULL;
        }
    }
    return i;
}
