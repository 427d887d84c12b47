/* bench/limits/slowsync.c - for LD_PRELOAD: each flush takes SLOWSYNC_US microseconds
 * more, as on a disk that is reached over a network. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_more(void)
{
    const char *text = getenv("SLOWSYNC_US");
    const long us = text ? atol(text) : 1000;
    const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    nanosleep(&t, NULL);
}

typedef int sync_fn(int fd);

static int flush(const char *name, int fd)
{
    sync_fn *real;

    *(void **)&real = dlsym(RTLD_NEXT, name);
    wait_more();
    return real(fd);
}

int fdatasync(int fd)
{
    return flush("fdatasync", fd);
}

int fsync(int fd)
{
    return flush("fsync", fd);
}
