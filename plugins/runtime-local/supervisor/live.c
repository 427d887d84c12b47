/* live.c - see live.h. */
#include "live.h"

#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIVE_MAGIC UINT32_C(0x3156494c) /* "LIV1" read as bytes */
#define FIRST      1024u
#define BOOT_ID    "/proc/sys/kernel/random/boot_id"

struct live_head {
    uint32_t magic;
    uint32_t slot_size;
    uint64_t lineage;
    char boot_id[40];
    uint32_t knows; /* enum live_knows */
    char unused[4096 - 60];
};

struct live_slot {
    _Atomic uint32_t used; /* written last, so that a used slot is whole */
    int32_t pid;
    int64_t start_ticks;
    char id[RL_ID_MAX + 1];
    char unused[320 - 16 - RL_ID_MAX - 1];
};

_Static_assert(sizeof(struct live_head) == 4096, "the head fills a page");
_Static_assert(sizeof(struct live_slot) == 320, "slots keep their places");

static size_t file_size(uint32_t n_slots)
{
    return sizeof(struct live_head) + (size_t)n_slots * sizeof(struct live_slot);
}

int64_t live_ticks(void)
{
    struct timespec now;
    const long per_second = sysconf(_SC_CLK_TCK);

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * per_second +
           (int64_t)now.tv_nsec * per_second / 1000000000;
}

/* Allocates the blocks at once: a full disk must be an error here and not a SIGBUS
 * at a later store. */
static bool grow(struct live *live, uint32_t n_slots)
{
    const size_t size = file_size(n_slots);
    const int failed = posix_fallocate(live->fd, 0, (off_t)size);
    if (failed) {
        errno = failed;
        return false;
    }
    uint32_t *free_slots = realloc(live->free_slots, n_slots * sizeof(uint32_t));
    if (!free_slots)
        return false;
    live->free_slots = free_slots;

    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, live->fd, 0);
    if (map == MAP_FAILED)
        return false;
    if (live->head)
        munmap(live->head, file_size(live->n_slots));
    live->head = map;
    live->slots = (struct live_slot *)(live->head + 1);
    live->n_slots = n_slots;
    return true;
}

static void read_boot_id(char boot_id[40])
{
    const int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);

    memset(boot_id, 0, 40);
    if (fd < 0)
        return;
    if (read(fd, boot_id, 36) < 0)
        boot_id[0] = '\0';
    close(fd);
}

static bool is_of_this_boot(const struct live *live, const char boot_id[40])
{
    return live->head->magic == LIVE_MAGIC &&
           live->head->slot_size == sizeof(struct live_slot) && boot_id[0] &&
           memcmp(live->head->boot_id, boot_id, 40) == 0;
}

bool live_new_line(struct live *live)
{
    live->head->knows = LIVE_SOME;
    return getrandom(&live->head->lineage, sizeof(live->head->lineage), 0) >= 0;
}

static bool start_afresh(struct live *live, const char boot_id[40])
{
    memset(live->slots, 0, file_size(live->n_slots) - sizeof(struct live_head));
    *live->head = (struct live_head){.slot_size = sizeof(struct live_slot)};
    memcpy(live->head->boot_id, boot_id, 40);
    if (!live_new_line(live))
        return false;
    live->head->magic = LIVE_MAGIC;
    return true;
}

bool live_open(struct live *live, int dir_fd, live_fn *fn, void *arg)
{
    char boot_id[40];
    struct stat st;

    *live = (struct live){
        .fd = openat(dir_fd, RL_LIVE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (live->fd < 0 || fstat(live->fd, &st))
        return false;
    uint32_t n_slots = FIRST;
    while (n_slots < LIVE_MAX && (off_t)file_size(n_slots) < st.st_size)
        n_slots *= 2;
    if (!grow(live, n_slots))
        return false;
    read_boot_id(boot_id);
    if (!is_of_this_boot(live, boot_id) && !start_afresh(live, boot_id))
        return false;

    for (uint32_t i = n_slots; i-- > 0;) {
        struct live_slot *slot = &live->slots[i];
        if (!slot->used) {
            live->free_slots[live->n_free++] = i;
            continue;
        }
        slot->id[RL_ID_MAX] = '\0';
        live->n_used++;
        fn(arg, slot->id, slot->pid, slot->start_ticks, i);
    }
    return true;
}

void live_set_knows(struct live *live, enum live_knows knows)
{
    if (live->head->knows != LIVE_NEVER_ALL)
        live->head->knows = knows;
}

bool live_knows_all(const struct live *live)
{
    return live->head->knows == LIVE_ALL;
}

uint64_t live_lineage(const struct live *live)
{
    return live->head->lineage;
}

uint32_t live_take(struct live *live, const char *id, int64_t start_ticks)
{
    if (!live->n_free) {
        const uint32_t old = live->n_slots;
        if (old >= LIVE_MAX || !grow(live, old * 2))
            return LIVE_NONE;
        for (uint32_t i = old * 2; i-- > old;)
            live->free_slots[live->n_free++] = i;
    }
    const uint32_t at = live->free_slots[--live->n_free];
    struct live_slot *slot = &live->slots[at];

    slot->pid = 0;
    slot->start_ticks = start_ticks;
    memcpy(slot->id, id, strlen(id) + 1);
    atomic_store_explicit(&slot->used, 1, memory_order_release);
    live->n_used++;
    return at;
}

void live_started(struct live *live, uint32_t slot, pid_t pid)
{
    live->slots[slot].pid = pid;
}

void live_give(struct live *live, uint32_t slot)
{
    if (slot == LIVE_NONE)
        return;
    atomic_store_explicit(&live->slots[slot].used, 0, memory_order_release);
    live->free_slots[live->n_free++] = slot;
    live->n_used--;
}
