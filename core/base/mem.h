/* base/mem.h - memory: plain allocations that cannot fail, and arenas.
 *
 * Policy for running out of memory: the core is crash-only, so an allocation
 * that fails writes one line to stderr and ends the process with exit code 71
 * (EX_OSERR). What was committed is safe and nothing is half applied. Sizes that
 * a user chooses are bounded before they get here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Never NULL. Free with mem_free. n * size is checked for overflow. */
void *mem_alloc(size_t size);                     /* zeroed */
void *mem_array(size_t n, size_t size);           /* zeroed */
void *mem_grow(void *old, size_t n, size_t size); /* new bytes are not zeroed */
char *mem_text(const char *text);                 /* copy; NULL gives NULL */
char *mem_text_len(const char *text, size_t len); /* copy, NUL added */
void mem_free(void *p);                           /* takes NULL */

/* Makes jansson allocate here too, and running out end as said above; without it, it
 * ends by abort. Call once, first thing in main. */
void mem_init(void);

/* Gives the kernel all that is free, of every thread: after something large that is not
 * soon done again. Some milliseconds. */
void mem_give_back(void);

/* Ends the process so. For what a library could not allocate: libyaml and expr say so
 * in an error code, and such an error would look like a mistake of the user. */
_Noreturn void mem_exhausted(void);

/* What is called instead, for mem_init and the simulator. */
typedef void mem_exhausted_fn(const char *why);
void mem_on_exhausted(mem_exhausted_fn *fn);

/* Frees many things at once. Not thread-safe. */
struct arena {
    struct arena_block *blocks;
    size_t used; /* bytes handed out since the last reset */
};

void *arena_alloc(struct arena *a, size_t size); /* aligned for anything, not zeroed */
/* Not aligned: texts are packed. */
char *arena_text(struct arena *a, const char *text, size_t len); /* NUL added */
void arena_reset(struct arena *a); /* keeps one block for re-use */
void arena_done(struct arena *a);

/* MEM_AUTO(free_fn) char *x: freed at the end of the scope. */
static inline void mem_free_at(void *p)
{
    mem_free(*(void **)p);
}
#define MEM_AUTO __attribute__((cleanup(mem_free_at)))

#endif
