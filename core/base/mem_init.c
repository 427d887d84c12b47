/* base/mem_init.c - joins the process to mem.c: what is done when memory runs out, and
 * jansson's allocations. Apart from it, since pure rooms stand on that one. */
#include "base/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <string.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

/* writev and _exit only: whatever formats or flushes might allocate again. */
static void end_process(const char *why)
{
    const struct iovec line[] = {
        {.iov_base = (void *)"flowforge: ", .iov_len = 11},
        {.iov_base = (void *)why, .iov_len = strlen(why)},
        {.iov_base = (void *)"\n", .iov_len = 1},
    };
    const ssize_t ignored = writev(STDERR_FILENO, line, 3);

    (void)ignored;
    _exit(EX_OSERR);
}

static void *alloc(size_t size)
{
    return mem_grow(NULL, size, 1);
}

/* Steps and groups take some hundred KiB and give them back, many times a second. glibc
 * would hand them to the kernel each time, a page fault for each page and an mprotect
 * for each step in a thread. */
#define KEEP_BYTES (4 * 1024 * 1024)

void mem_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mem_init(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
#endif
    mem_on_exhausted(end_process);
    json_set_alloc_funcs(alloc, mem_free);
}
