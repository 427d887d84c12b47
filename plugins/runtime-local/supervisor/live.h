/* live.h - the table of attempts that run now, in a shared mapping of DIR/live.
 *
 * A supervisor that is killed leaves the mapping's pages behind, so that its
 * successor knows every attempt that was started and not yet in the journal, at
 * no system call per attempt. After a reboot nothing of it counts. */
#ifndef SUPERVISOR_LIVE_H
#define SUPERVISOR_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LIVE_NONE UINT32_MAX
#define LIVE_MAX  16384 /* attempts that run at once */

struct live {
    int fd;
    struct live_head *head;
    struct live_slot *slots;
    uint32_t n_slots;
    uint32_t n_used;
    uint32_t *free_slots;
    uint32_t n_free;
};

typedef void live_fn(void *arg, const char *id, pid_t pid, int64_t start_ticks,
                     uint32_t slot);

/* Opens or makes the table; calls fn for each attempt that a former supervisor of
 * this boot left. False with errno. */
bool live_open(struct live *live, int dir_fd, live_fn *fn, void *arg);

/* Equal as long as every attempt ever started stays known, see protocol.h. */
uint64_t live_lineage(const struct live *live);

/* What an attempt that is unknown to us can be. */
enum live_knows {
    LIVE_SOME = 0,     /* started before this line began, or never */
    LIVE_ALL = 1,      /* never started: all that stood at the beginning were named */
    LIVE_NEVER_ALL = 2 /* as LIVE_SOME for as long as the line lasts */
};
void live_set_knows(struct live *live, enum live_knows knows);
bool live_knows_all(const struct live *live);

/* Something that the line knew is forgotten: another one begins. False with errno.
 */
bool live_new_line(struct live *live);

/* LIVE_NONE when full or out of space. The attempt counts as started from here. */
uint32_t live_take(struct live *live, const char *id, int64_t start_ticks);
void live_started(struct live *live, uint32_t slot, pid_t pid);
void live_give(struct live *live, uint32_t slot);

/* Clock ticks since boot, as field 22 of /proc/PID/stat counts. */
int64_t live_ticks(void);

#endif
