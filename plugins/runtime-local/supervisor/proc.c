/* proc.c - see proc.h. */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRON_MAX ((size_t)1 << 20)
#define MARK        "FF_OUT="
#define START_FIELD 22 /* of /proc/PID/stat */

bool pids_add(struct pids *pids, pid_t pid)
{
    if (pids->n == pids->cap) {
        const size_t cap = pids->cap ? pids->cap * 2 : 64;
        pid_t *list = realloc(pids->list, cap * sizeof(pid_t));
        if (!list)
            return false;
        pids->list = list;
        pids->cap = cap;
    }
    pids->list[pids->n++] = pid;
    return true;
}

bool pids_has(const struct pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->n; i++)
        if (pids->list[i] == pid)
            return true;
    return false;
}

void pids_done(struct pids *pids)
{
    free(pids->list);
    *pids = (struct pids){0};
}

static ssize_t read_file(const char *path, char *text, size_t size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    if (fd < 0)
        return -1;
    while (len + 1 < size) {
        const ssize_t n = read(fd, text + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(fd);
    text[len] = '\0';
    return (ssize_t)len;
}

bool proc_stat(pid_t pid, struct proc_stat *stat)
{
    char path[64];
    char text[1024];
    int parent;
    int group;
    int session;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (read_file(path, text, sizeof(text)) <= 0)
        return false;
    /* The name in brackets may hold anything, brackets too. The state is field 3. */
    const char *at = strrchr(text, ')');
    if (!at ||
        sscanf(at + 1, " %c %d %d %d", &stat->state, &parent, &group, &session) != 4)
        return false;
    for (int field = 2; field < START_FIELD && at; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    stat->parent = parent;
    stat->group = group;
    stat->session = session;
    stat->start_ticks = strtoll(at, NULL, 10);
    return true;
}

static pid_t pid_of(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!isdigit((unsigned char)*at))
            return 0;
    return (pid_t)strtol(name, NULL, 10);
}

void proc_all(struct pids *pids)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        const pid_t pid = pid_of(entry->d_name);
        if (pid > 0)
            pids_add(pids, pid);
    }
    closedir(dir);
}

/* For kernels that were built without the children files. */
static void scan_for_children(pid_t parent, struct pids *pids)
{
    struct pids all = {0};
    struct proc_stat stat;

    proc_all(&all);
    for (size_t i = 0; i < all.n; i++)
        if (proc_stat(all.list[i], &stat) && stat.parent == parent)
            pids_add(pids, all.list[i]);
    pids_done(&all);
}

static void add_list(const char *text, struct pids *pids)
{
    char *end;

    for (;;) {
        const long pid = strtol(text, &end, 10);
        if (end == text || pid <= 0)
            return;
        pids_add(pids, (pid_t)pid);
        text = end;
    }
}

/* Reads a children file from its start; it is made anew at each such read. */
static bool read_children(int fd, struct pids *pids)
{
    static size_t size = 4096;
    char *text = NULL;
    size_t len = 0;

    for (;;) {
        char *more = realloc(text, size);
        if (!more)
            break;
        text = more;
        const ssize_t n = pread(fd, text + len, size - 1 - len, (off_t)len);
        if (n <= 0)
            break;
        len += (size_t)n;
        if (len + 1 == size)
            size *= 2;
    }
    if (text) {
        text[len] = '\0';
        add_list(text, pids);
    }
    free(text);
    return text != NULL;
}

/* Our own children file; -1 where the kernel has none. */
static int own_children(void)
{
    static int fd = -2;

    if (fd == -2) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    return fd;
}

void proc_children(struct pids *pids)
{
    if (own_children() < 0)
        scan_for_children(getpid(), pids);
    else
        read_children(own_children(), pids);
}

static void add_children(pid_t pid, struct pids *pids)
{
    char path[300];
    const struct dirent *entry;

    if (own_children() < 0) {
        scan_for_children(pid, pids);
        return;
    }
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        if (pid_of(entry->d_name) <= 0)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid,
                 entry->d_name);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        read_children(fd, pids);
        close(fd);
    }
    closedir(dir);
}

void proc_tree(pid_t root, struct pids *pids)
{
    size_t next = pids->n;

    add_children(root, pids);
    for (; next < pids->n; next++)
        add_children(pids->list[next], pids);
}

bool proc_out_name(pid_t pid, const char *prefix, char *name, size_t size)
{
    const size_t prefix_len = strlen(prefix);
    const size_t mark_len = strlen(MARK);
    char path[64];
    bool found = false;

    char *text = malloc(ENVIRON_MAX);
    if (!text)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    const ssize_t len = read_file(path, text, ENVIRON_MAX);
    for (ssize_t at = 0; at < len && !found; at += (ssize_t)strlen(text + at) + 1) {
        const char *value = text + at + mark_len;
        if (strncmp(text + at, MARK, mark_len) == 0 &&
            strncmp(value, prefix, prefix_len) == 0 &&
            strlen(value + prefix_len) < size) {
            memcpy(name, value + prefix_len, strlen(value + prefix_len) + 1);
            found = true;
        }
    }
    free(text);
    return found;
}
