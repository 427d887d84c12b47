/* trash.c - what is deleted at leisure, by a process of its own; see dirs.h. */
#include "dirs.h"

#include "spawn.h"
#include "sup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 256

static int open_dir(int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0700) && errno != EEXIST)
        return -1;
    return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool dirs_open(struct sup *sup)
{
    sup->out_fd = open_dir(sup->dir_fd, RL_OUT_DIR);
    if (sup->out_fd < 0)
        return false;
    sup->work_fd = open_dir(sup->dir_fd, RL_WORK_DIR);
    if (sup->work_fd < 0)
        return false;
    sup->trash_fd = open_dir(sup->dir_fd, RL_TRASH);
    sup->trash = true; /* for all we know */
    return sup->trash_fd >= 0;
}

void dirs_throw_away(struct sup *sup, int dir_fd, const char *name)
{
    static uint64_t n;
    char place[64];

    if (!n)
        n = (uint64_t)wall_us();
    snprintf(place, sizeof(place), "%llx", (unsigned long long)n++);
    if (!renameat(dir_fd, name, sup->trash_fd, place))
        sup->trash = true;
    else if (errno != ENOENT)
        say(sup, "cannot remove %s: %s", name, strerror(errno));
}

static bool is_known(const struct sup *sup, const char *name)
{
    struct attempt *attempt = table_by_dir(&sup->table, name);

    if (attempt)
        attempt->has_work = true; /* for all we know */
    return attempt != NULL;
}

static void tidy(struct sup *sup, int dir_fd)
{
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !is_known(sup, entry->d_name))
            dirs_throw_away(sup, dir_fd, entry->d_name);
    closedir(dir);
}

void dirs_tidy(struct sup *sup)
{
    tidy(sup, sup->out_fd);
    tidy(sup, sup->work_fd);
}

void dirs_empty_trash(struct sup *sup)
{
    char *argv[] = {NULL, (char *)"/proc/self/exe", (char *)"--empty-trash", NULL};
    char *env[] = {NULL};
    struct spawn_error error;
    const struct spawn how = {.argv = argv + 1,
                              .env = env,
                              .dir = sup->dir,
                              .in_fd = -1,
                              .out_fd = 2,
                              .err_fd = 2};

    if (!sup->trash || sup->sweeper)
        return;
    sup->trash = false;
    const pid_t pid = spawn(&how, &error);
    if (pid > 0)
        sup->sweeper = pid;
    else
        say(sup, "cannot empty the trash: %s", strerror(error.sys));
}

/* Deletes everything in the directory that fd opens, and closes it. */
static int empty(int fd, int depth)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    int failed = 0;

    if (!dir) {
        close(fd);
        return 1;
    }
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (!unlinkat(fd, name, 0) || errno == ENOENT)
            continue;
        if (depth < DEPTH_MAX) {
            /* A task may have taken its own rights away. */
            int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub < 0 && errno == EACCES && !fchmodat(fd, name, 0700, 0))
                sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub >= 0) {
                fchmod(sub, 0700);
                empty(sub, depth + 1);
            }
        }
        failed |= unlinkat(fd, name, AT_REMOVEDIR) && errno != ENOENT;
    }
    closedir(dir);
    return failed;
}

int dirs_empty_main(void)
{
    const int fd = open(RL_TRASH, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? 1 : empty(fd, 0);
}
