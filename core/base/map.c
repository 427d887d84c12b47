/* base/map.c - entries in order of insertion, found through a table of slots with
 * linear probing. A deleted entry stays in its slot as a tombstone until the next
 * rebuild, so that deleting moves nothing under an iteration. */
#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/sip.h"
#include <string.h>

#define FIRST_CAP 8
#define INT_KEY   UINT32_MAX /* in text_len: the key is the number */
#define NOT_FOUND SIZE_MAX

struct map_entry {
    union {
        int64_t number;
        char *text;
    } key;
    void *value; /* NULL: deleted */
    uint32_t text_len;
    uint32_t hash;
};

struct wanted {
    int64_t number;
    const char *text;
    uint32_t text_len;
    uint32_t hash;
};

/* Names come from users, who must not be able to choose colliding ones; see map_seed.
 * Order of iteration does not depend on it. */
static struct sip_key seed = {UINT64_C(0x736f6d6570736575),
                              UINT64_C(0x646f72616e646f6d)};

void map_seed(uint64_t a, uint64_t b)
{
    seed = (struct sip_key){a, b};
}

static uint32_t hash_text(const char *text, size_t len)
{
    const uint64_t hash = sip_hash(&seed, text, len);

    return (uint32_t)(hash ^ hash >> 32);
}

static struct wanted want_number(int64_t key)
{
    return (struct wanted){
        .number = key, .text_len = INT_KEY, .hash = (uint32_t)rand_mix((uint64_t)key)};
}

static struct wanted want_text(const char *key, size_t len)
{
    return (struct wanted){
        .text = key, .text_len = (uint32_t)len, .hash = hash_text(key, len)};
}

static bool matches(const struct map_entry *e, const struct wanted *w)
{
    if (e->hash != w->hash || e->text_len != w->text_len || !e->value)
        return false;
    if (e->text_len == INT_KEY)
        return e->key.number == w->number;
    return memcmp(e->key.text, w->text, w->text_len) == 0;
}

static size_t find(const struct map *m, const struct wanted *w)
{
    if (m->n == 0)
        return NOT_FOUND;
    const size_t mask = m->n_slots - 1;

    for (size_t slot = w->hash & mask; m->slots[slot]; slot = (slot + 1) & mask) {
        const size_t at = m->slots[slot] - 1;

        if (matches(&m->entries[at], w))
            return at;
    }
    return NOT_FOUND;
}

static void put_slot(struct map *m, size_t at)
{
    const size_t mask = m->n_slots - 1;
    size_t slot = m->entries[at].hash & mask;

    while (m->slots[slot])
        slot = (slot + 1) & mask;
    m->slots[slot] = (uint32_t)(at + 1);
}

/* Leaves out the deleted and sizes the table for twice the live: grows, stays or
 * shrinks, and at least half of the entries are free afterwards. Memory ends long
 * before the 2^32 entries that a slot can tell apart. */
static void rebuild(struct map *m)
{
    size_t cap = FIRST_CAP;
    size_t n = 0;

    while (cap < m->n * 2)
        cap *= 2;
    for (size_t i = 0; i < m->n_used; i++)
        if (m->entries[i].value)
            m->entries[n++] = m->entries[i];
    if (cap != m->cap)
        m->entries = mem_grow(m->entries, cap, sizeof(*m->entries));
    if (m->n_slots == cap * 2) {
        memset(m->slots, 0, m->n_slots * sizeof(*m->slots));
    } else {
        mem_free(m->slots);
        m->slots = mem_array(cap * 2, sizeof(*m->slots));
    }
    m->n_slots = cap * 2;
    m->cap = cap;
    m->n_used = n;
    for (size_t i = 0; i < n; i++)
        put_slot(m, i);
}

static void set(struct map *m, const struct wanted *w, void *value)
{
    const size_t at = find(m, w);

    if (at != NOT_FOUND) {
        m->entries[at].value = value;
        return;
    }
    if (m->n_used == m->cap)
        rebuild(m);
    struct map_entry *e = &m->entries[m->n_used];

    e->value = value;
    e->text_len = w->text_len;
    e->hash = w->hash;
    if (w->text_len == INT_KEY)
        e->key.number = w->number;
    else
        e->key.text = mem_text_len(w->text, w->text_len);
    put_slot(m, m->n_used++);
    m->n++;
}

static void *del(struct map *m, const struct wanted *w)
{
    const size_t at = find(m, w);

    if (at == NOT_FOUND)
        return NULL;
    struct map_entry *e = &m->entries[at];
    void *value = e->value;

    if (e->text_len != INT_KEY)
        mem_free(e->key.text);
    e->value = NULL;
    m->n--;
    return value;
}

void *map_get(const struct map *m, int64_t key)
{
    const struct wanted w = want_number(key);
    const size_t at = find(m, &w);

    return at == NOT_FOUND ? NULL : m->entries[at].value;
}

void map_set(struct map *m, int64_t key, void *value)
{
    const struct wanted w = want_number(key);

    set(m, &w, value);
}

void *map_del(struct map *m, int64_t key)
{
    const struct wanted w = want_number(key);

    return del(m, &w);
}

void *map_get_len(const struct map *m, const char *key, size_t len)
{
    if (m->n == 0 || len >= INT_KEY)
        return NULL;
    const struct wanted w = want_text(key, len);
    const size_t at = find(m, &w);

    return at == NOT_FOUND ? NULL : m->entries[at].value;
}

void *map_get_text(const struct map *m, const char *key)
{
    return map_get_len(m, key, strlen(key));
}

void map_set_text(struct map *m, const char *key, void *value)
{
    const struct wanted w = want_text(key, strlen(key));

    set(m, &w, value);
}

void *map_del_text(struct map *m, const char *key)
{
    const struct wanted w = want_text(key, strlen(key));

    return del(m, &w);
}

bool map_next(const struct map *m, size_t *i, void **value)
{
    while (*i < m->n_used) {
        void *found = m->entries[(*i)++].value;

        if (found) {
            *value = found;
            return true;
        }
    }
    return false;
}

int64_t map_key_int(const struct map *m, size_t i_after_next)
{
    return m->entries[i_after_next - 1].key.number;
}

const char *map_key_text(const struct map *m, size_t i_after_next)
{
    return m->entries[i_after_next - 1].key.text;
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->n_used; i++)
        if (m->entries[i].value && m->entries[i].text_len != INT_KEY)
            mem_free(m->entries[i].key.text);
    mem_free(m->entries);
    mem_free(m->slots);
    *m = (struct map){0};
}
