/* A SQLite VFS on top of the usual one that counts and, when told, fails. It becomes
 * the default of the process, so it sees what the driver under test does. */
#ifndef SUPPORT_VFS_H
#define SUPPORT_VFS_H

#include <stdint.h>

struct vfs_state {
    int64_t n_syncs, n_writes; /* of all files */
    int fail_syncs;            /* so many of the next ones; -1: all */
    int fail_reads;
    int64_t n_failed;
};
extern struct vfs_state vfs_state;

void vfs_install(void); /* once */

#endif
