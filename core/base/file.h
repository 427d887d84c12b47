/* base/file.h - files, durably where it says so. Blocking: worker threads, start-up
 * and the command line only. All return 0 or a negative errno. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include <dirent.h>
#include <sys/types.h>

int file_read(const char *path, size_t max, struct buf *out); /* -EFBIG above max */
/* Written beside, synced, renamed over, directory synced. */
int file_write_durable(const char *path, const void *bytes, size_t len, mode_t mode);
int file_make_dirs(const char *path, mode_t mode); /* like mkdir -p */
int file_remove_tree(const char *path);            /* follows no links; absent is 0 */
/* Bytes of all files below, links not followed; what cannot be read counts nothing. */
int64_t file_tree_bytes(const char *path);
int file_sync_dir(const char *path);
char *file_join(const char *a, const char *b); /* a/b, or b where it is absolute */
/* realpath and opendir, but that a lack of memory ends the process: as "there is no
 * such thing" it would be a wrong answer. NULL with errno. mem_free, and closedir. */
char *file_real(const char *path);
DIR *file_open_dir(const char *path);
char *file_dir_of_program(void); /* directory of the running program; mem_free it */

#endif
