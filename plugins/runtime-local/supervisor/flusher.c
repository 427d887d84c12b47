/* flusher.c - see flusher.h. */
#include "flusher.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)128 << 10)

static void wake(int fd)
{
    const uint64_t one = 1;

    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void *flusher_main(void *arg)
{
    struct flusher *flusher = arg;
    uint64_t n;

    for (;;) {
        if (read(flusher->ask_fd, &n, sizeof(n)) != sizeof(n))
            continue;
        flusher->failed = fdatasync(flusher->file_fd) ? errno : 0;
        wake(flusher->done_fd);
    }
    return NULL;
}

bool flusher_start(struct flusher *flusher)
{
    pthread_attr_t attr;
    pthread_t thread;

    *flusher = (struct flusher){.ask_fd = eventfd(0, EFD_CLOEXEC),
                                .done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (flusher->ask_fd < 0 || flusher->done_fd < 0)
        return false;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    const int failed = pthread_create(&thread, &attr, flusher_main, flusher);
    pthread_attr_destroy(&attr);
    errno = failed;
    return !failed;
}

void flusher_begin(struct flusher *flusher, int fd)
{
    flusher->busy = true;
    flusher->file_fd = fd;
    wake(flusher->ask_fd);
}

int flusher_wait(struct flusher *flusher)
{
    struct pollfd done = {.fd = flusher->done_fd, .events = POLLIN};

    if (!flusher->busy)
        return 0;
    while (poll(&done, 1, -1) < 1)
        ;
    uint64_t n;
    if (read(flusher->done_fd, &n, sizeof(n)) == sizeof(n))
        wake(flusher->done_fd);
    return flusher->failed;
}

int flusher_end(struct flusher *flusher)
{
    uint64_t n;

    if (read(flusher->done_fd, &n, sizeof(n)) != sizeof(n))
        return 0;
    flusher->busy = false;
    return flusher->failed;
}
