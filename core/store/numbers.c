/* store/numbers.c - numbers from a counter for threads that need many: some are taken
 * at once, more of them the faster they are used up. A block does not wait for a use
 * for long, as others count on meanwhile: who asks later, of whichever process, should
 * get a higher number. What is dropped leaves a gap, which means nothing. */
#include "store/store_priv.h"

#define BLOCK_MAX 64
#define KEEP_US   (UNITS_SECOND / 10)

void store_numbers_init(struct store_numbers *n, const char *name)
{
    *n = (struct store_numbers){.name = name};
    pthread_mutex_init(&n->mutex, NULL);
}

void store_numbers_done(struct store_numbers *n)
{
    pthread_mutex_destroy(&n->mutex);
}

static int64_t next_size(const struct store_numbers *n, bool in_time)
{
    if (!in_time || n->size == 0)
        return 1;
    return n->size < BLOCK_MAX ? n->size * 2 : BLOCK_MAX;
}

static int refill(struct store *s, struct store_numbers *n, int64_t size,
                  struct ff_err *err)
{
    const int code = store_take_numbers(s, n->name, size, &n->next, err);

    n->left = code == FF_OK ? size : 0;
    n->size = code == FF_OK && size <= BLOCK_MAX ? size : 0;
    n->taken_us = loop_mono_us(s->loop);
    return code;
}

int store_number(struct store *s, struct store_numbers *from, int64_t n, int64_t *first,
                 struct ff_err *err)
{
    int code = FF_OK;

    pthread_mutex_lock(&from->mutex);
    const bool in_time = loop_mono_us(s->loop) - from->taken_us <= KEEP_US;

    if (from->left < n || !in_time) {
        const int64_t size = next_size(from, in_time);

        code = refill(s, from, size > n ? size : n, err);
    }
    if (code == FF_OK) {
        *first = from->next;
        from->next += n;
        from->left -= n;
    }
    pthread_mutex_unlock(&from->mutex);
    return code;
}
