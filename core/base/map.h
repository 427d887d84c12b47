/* base/map.h - hash maps from int64 or text to pointers. Iteration order is the
 * order of insertion (until a deletion), never that of addresses, so that the
 * same inputs always give the same outputs. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry;

/* Zeroed is empty and ready. Use either the int or the text functions on one map. */
struct map {
    struct map_entry *entries;
    uint32_t *slots;
    size_t n;      /* live entries */
    size_t n_used; /* entries including deleted ones */
    size_t cap;
    size_t n_slots;
};

/* Random numbers for the hash of text keys, so that nobody can choose colliding ones.
 * Once, at start, before the first map and the first thread; optional. */
void map_seed(uint64_t a, uint64_t b);

void *map_get(const struct map *m, int64_t key);       /* NULL when absent */
void map_set(struct map *m, int64_t key, void *value); /* value not NULL */
void *map_del(struct map *m, int64_t key);             /* the old value or NULL */

void *map_get_text(const struct map *m, const char *key);
void *map_get_len(const struct map *m, const char *key, size_t len);
void map_set_text(struct map *m, const char *key, void *value); /* copies the key */
void *map_del_text(struct map *m, const char *key);

/* for (size_t i = 0; map_next(m, &i, &v);) visits each live entry; deleting the
 * current one meanwhile is allowed. */
bool map_next(const struct map *m, size_t *i, void **value);
int64_t map_key_int(const struct map *m, size_t i_after_next);
const char *map_key_text(const struct map *m, size_t i_after_next);
void map_done(struct map *m); /* frees keys and table, not the values */

#endif
