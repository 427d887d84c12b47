/* base/mem.c - allocations that end the process instead of failing, and arenas. Pure:
 * how the process ends is mem_init.c's. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Each run in memory and each request has one, and most of them hold a few texts. */
#define ARENA_BLOCK_MIN ((size_t)2 * 1024)
#define ARENA_BLOCK_MAX ((size_t)1024 * 1024)
#define ARENA_GROWTH    4

static mem_exhausted_fn *on_exhausted;

void mem_on_exhausted(mem_exhausted_fn *fn)
{
    on_exhausted = fn;
}

static _Noreturn void die(const char *why)
{
    if (on_exhausted)
        on_exhausted(why);
    abort();
}

void mem_exhausted(void)
{
    die("out of memory");
}

static void *or_die(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

/* malloc(0) may give NULL, which would look like running out. */
static void *alloc_plain(size_t size)
{
    return or_die(malloc(size ? size : 1));
}

void *mem_alloc(size_t size)
{
    return or_die(calloc(1, size ? size : 1));
}

void *mem_array(size_t n, size_t size)
{
    if (n == 0 || size == 0)
        return mem_alloc(1);
    return or_die(calloc(n, size));
}

void *mem_grow(void *old, size_t n, size_t size)
{
    size_t bytes = 0;

    if (__builtin_mul_overflow(n, size, &bytes))
        die("out of memory: the size overflows");
    return or_die(realloc(old, bytes ? bytes : 1));
}

char *mem_text(const char *text)
{
    return text ? mem_text_len(text, strlen(text)) : NULL;
}

char *mem_text_len(const char *text, size_t len)
{
    if (len == SIZE_MAX)
        die("out of memory: the size overflows");
    char *copy = alloc_plain(len + 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

/* The head is the block being filled; the others are full or hold one big thing. */
struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(max_align_t) char bytes[];
};

static struct arena_block *block_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_block))
        die("out of memory: the size overflows");
    struct arena_block *block = alloc_plain(sizeof(*block) + size);

    *block = (struct arena_block){.size = size};
    return block;
}

static size_t next_block_size(const struct arena_block *head)
{
    if (!head)
        return ARENA_BLOCK_MIN;
    if (head->size >= ARENA_BLOCK_MAX / ARENA_GROWTH)
        return ARENA_BLOCK_MAX;
    return head->size * ARENA_GROWTH;
}

/* A big thing gets a block of its own behind the head, so that it neither wastes the
 * rest of the head nor sets the size of the blocks to come. */
static struct arena_block *block_for(struct arena *a, size_t size)
{
    struct arena_block *head = a->blocks;

    if (head && head->size - head->used >= size)
        return head;
    const bool big = size > next_block_size(head) / 4;

    if (big && head) {
        struct arena_block *block = block_new(size);

        block->next = head->next;
        head->next = block;
        return block;
    }
    if (big)
        a->blocks = block_new(ARENA_BLOCK_MIN);
    else
        a->blocks = block_new(next_block_size(head));
    a->blocks->next = head;
    return big ? block_for(a, size) : a->blocks;
}

/* What precedes is rounded up, and not what is handed out: texts stand close together.
 */
static void *take(struct arena *a, size_t size, size_t align)
{
    if (size > SIZE_MAX - align)
        die("out of memory: the size overflows");
    struct arena_block *block = block_for(a, size + align - 1);
    const size_t at = (block->used + align - 1) / align * align;

    a->used += at + size - block->used;
    block->used = at + size;
    return block->bytes + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return take(a, size, _Alignof(max_align_t));
}

char *arena_text(struct arena *a, const char *text, size_t len)
{
    if (len == SIZE_MAX)
        die("out of memory: the size overflows");
    char *copy = take(a, len + 1, 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static void blocks_free(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
}

void arena_reset(struct arena *a)
{
    a->used = 0;
    if (!a->blocks)
        return;
    blocks_free(a->blocks->next);
    a->blocks->next = NULL;
    a->blocks->used = 0;
}

void arena_done(struct arena *a)
{
    blocks_free(a->blocks);
    *a = (struct arena){0};
}
