/* dirs.c - see dirs.h. How they are emptied is in trash.c. */
#include "dirs.h"

#include "sup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FEW_FILES   16
#define SMALL_BYTES ((off_t)1 << 20)
#define DIR_MODE    0700
#define MAX_SPARES  256

/* "." and ".." in the form of getdents64. */
#define EMPTY_BYTES 48

/* Empty directories of released attempts, under their old names: the next attempts
 * get them by a rename, which costs a fifth of making one and deleting it again. */
static char *spares[MAX_SPARES];
static int n_spares;

static bool take_spare(int dir_fd, const char *name)
{
    while (n_spares) {
        char *spare = spares[--n_spares];
        const bool taken = !renameat2(dir_fd, spare, dir_fd, name, RENAME_NOREPLACE);
        if (!taken)
            unlinkat(dir_fd, spare, AT_REMOVEDIR);
        free(spare);
        if (taken)
            return true;
    }
    return false;
}

/* True when the directory is as it was when it was made. */
static bool is_untouched(const struct sup *sup, int parent_fd, const char *name)
{
    uint64_t entries[128 / sizeof(uint64_t)]; /* has room for "." and ".." only */
    struct stat st;

    const int fd =
        openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool same = !fstat(fd, &st) && (st.st_mode & 07777) == DIR_MODE &&
                      st.st_uid == sup->uid && st.st_nlink <= 2;
    long len = 0;
    long n = 1;
    while (same && n > 0) {
        n = syscall(SYS_getdents64, fd, entries, sizeof(entries));
        len += n;
    }
    close(fd);
    return same && n == 0 && len == EMPTY_BYTES;
}

static bool keep_as_spare(const struct sup *sup, int parent_fd, const char *name)
{
    if (n_spares == MAX_SPARES || !is_untouched(sup, parent_fd, name))
        return false;
    char *spare = strdup(name);
    if (spare)
        spares[n_spares++] = spare;
    return spare != NULL;
}

static bool make(struct sup *sup, int dir_fd, const char *name)
{
    if (!mkdirat(dir_fd, name, DIR_MODE))
        return true;
    if (errno != EEXIST)
        return false;
    dirs_throw_away(sup, dir_fd, name); /* of an attempt that nobody knows any more */
    return !mkdirat(dir_fd, name, DIR_MODE);
}

bool dirs_make(struct sup *sup, struct attempt *attempt, bool work)
{
    char name[RL_NAME_SIZE];

    rl_dir_name(attempt->id, name);
    if (!take_spare(sup->out_fd, name) && !make(sup, sup->out_fd, name))
        return false;
    attempt->has_work = work && make(sup, sup->work_fd, name);
    return attempt->has_work == work;
}

void dirs_work_path(const struct sup *sup, const struct attempt *attempt, char *path,
                    size_t size)
{
    char name[RL_NAME_SIZE];

    rl_dir_name(attempt->id, name);
    snprintf(path, size, "%s/" RL_WORK_DIR "/%s", sup->dir, name);
}

/* Deletes a directory that holds a few small files. */
static bool remove_small(int parent_fd, const char *name)
{
    const int fd =
        openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return false;
    }
    const struct dirent *entry;
    struct stat st;
    bool small = true;
    for (int n = 0; small && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        small = ++n <= FEW_FILES &&
                !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
                !S_ISDIR(st.st_mode) && st.st_size <= SMALL_BYTES &&
                !unlinkat(fd, entry->d_name, 0);
    }
    closedir(dir);
    return small && !unlinkat(parent_fd, name, AT_REMOVEDIR);
}

static void remove_dir(struct sup *sup, int parent_fd, const char *name)
{
    if (!unlinkat(parent_fd, name, AT_REMOVEDIR) || errno == ENOENT)
        return;
    if (!remove_small(parent_fd, name))
        dirs_throw_away(sup, parent_fd, name);
}

void dirs_remove(struct sup *sup, struct attempt *attempt)
{
    char name[RL_NAME_SIZE];

    rl_dir_name(attempt->id, name);
    if (!keep_as_spare(sup, sup->out_fd, name))
        remove_dir(sup, sup->out_fd, name);
    if (attempt->has_work)
        remove_dir(sup, sup->work_fd, name);
}
