/* tests/alloc/gate.c - see gate.h. The program's own definitions come before those of
 * every library, libc's and the sanitizer's too, and hand on to them. */
#include "gate.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t n, size_t size);
void *__interceptor_realloc(void *old, size_t size);
void __sanitizer_print_stack_trace(void);
#define REAL(name) __interceptor_##name
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
#define REAL(name) __libc_##name
#endif

static struct gate {
    atomic_long n;
    long at; /* 0: none */
    bool on;
    atomic_bool armed, failed;
} * gate;

static bool traced;

bool gate_open(void)
{
    void *map = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    gate = map == MAP_FAILED ? NULL : map;
    return gate;
}

void gate_arm(long at, bool on)
{
    gate->n = 0;
    gate->at = at;
    gate->on = on;
    gate->failed = false;
    gate->armed = true;
}

void gate_disarm(void)
{
    gate->armed = false;
}

long gate_count(void)
{
    return gate->n;
}

bool gate_failed(void)
{
    return gate->failed;
}

void gate_trace(bool trace)
{
    traced = trace;
}

static bool fails(void)
{
    if (!gate || !gate->armed)
        return false;
    const long n = ++gate->n;

    if (!gate->at || n < gate->at || (n > gate->at && !gate->on))
        return false;
    if (!atomic_exchange(&gate->failed, true) && traced) {
        gate->armed = false;
#ifdef __SANITIZE_ADDRESS__
        __sanitizer_print_stack_trace();
#endif
        gate->armed = true;
    }
    errno = ENOMEM;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return fails() ? NULL : REAL(malloc)(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : REAL(calloc)(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    return fails() ? NULL : REAL(realloc)(old, size);
}
