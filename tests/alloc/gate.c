/* tests/alloc/gate.c - see gate.h. The program's own definitions come before those of
 * every library, libc's and the sanitizer's too, and hand on to them. */
#include "gate.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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
    atomic_bool armed, failed, taken;
} * gate;

static bool traced;

/* The sanitizer asks for what it needs itself: not counted, since it ends where that
 * fails, and the program without it would never have asked. */
static _Thread_local bool exempt;

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

static struct gate *map_file(const char *path)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = MAP_FAILED;

    if (fd >= 0)
        map = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return map == MAP_FAILED ? NULL : map;
}

bool gate_file_make(const char *path, long at)
{
    const struct gate made = {.at = at, .armed = true};

    unlink(path);
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    const bool good = write(fd, &made, sizeof(made)) == (ssize_t)sizeof(made);

    close(fd);
    return good;
}

bool gate_file_take(const char *path)
{
    struct gate *mapped = map_file(path);

    if (!mapped || atomic_exchange(&mapped->taken, true))
        return false;
    gate = mapped;
    return true;
}

bool gate_file_read(const char *path, long *n, bool *failed)
{
    struct gate *mapped = map_file(path);

    if (!mapped)
        return false;
    *n = mapped->n;
    *failed = mapped->failed;
    munmap(mapped, sizeof(*mapped));
    return true;
}

void gate_trace(bool trace)
{
    traced = trace;
}

static bool fails(void)
{
    if (!gate || !gate->armed || exempt)
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

#ifdef __SANITIZE_ADDRESS__
/* Each new thread is asked for its stack by the sanitizer, and libc answers from a list
 * that it allocates. */
__attribute__((visibility("default"))) int pthread_getattr_np(pthread_t thread,
                                                              pthread_attr_t *attr)
{
    int (*real)(pthread_t thread, pthread_attr_t * attr);

    exempt = true;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_getattr_np");
    const int code = real(thread, attr);

    exempt = false;
    return code;
}
#endif
