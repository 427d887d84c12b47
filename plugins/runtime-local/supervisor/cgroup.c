/* cgroup.c - see cgroup.h. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERSION_2 "cgroup2"
#define PREFIX    "flowforge-"

/* A hierarchy, as /proc/self/mountinfo has it. */
struct mounted {
    char root[CGROUP_PATH];
    char point[CGROUP_PATH];
};

/* True when `word` stands in the list that commas separate. */
static bool in_list(const char *list, const char *word)
{
    const size_t len = strlen(word);

    for (; list; list = strchr(list, ','), list += list != NULL) {
        if (strncmp(list, word, len) == 0 &&
            (list[len] == ',' || list[len] == '\0' || list[len] == '\n'))
            return true;
    }
    return false;
}

/* `controller` NULL: version 2. */
static bool find_mount(const char *controller, struct mounted *mounted)
{
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return false;
    while (!found && getline(&line, &size, file) > 0) {
        char type[32];
        char options[512];
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(rest, " - %31s %*s %511s", type, options) != 2)
            continue;
        const bool fits =
            controller ? strcmp(type, "cgroup") == 0 && in_list(options, controller)
                       : strcmp(type, VERSION_2) == 0;
        found = fits && sscanf(line, "%*s %*s %*s %4095s %4095s", mounted->root,
                               mounted->point) == 2;
    }
    free(line);
    fclose(file);
    return found;
}

/* Our own group in that hierarchy; NULL when there is none. */
static char *own_group(const char *controller)
{
    struct mounted mounted;
    char *line = NULL;
    char *path = NULL;
    size_t size = 0;

    FILE *file =
        find_mount(controller, &mounted) ? fopen("/proc/self/cgroup", "re") : NULL;
    if (!file)
        return NULL;
    while (!path && getline(&line, &size, file) > 0) {
        char *list = strchr(line, ':');
        char *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (controller ? !in_list(list + 1, controller) : list[1] != '\0')
            continue;
        const size_t root_len = strlen(mounted.root);
        if (root_len > 1 && strncmp(group, mounted.root, root_len) == 0)
            group += root_len;
        if (asprintf(&path, "%s%s", mounted.point, strcmp(group, "/") ? group : "") < 0)
            path = NULL;
    }
    free(line);
    fclose(file);
    return path;
}

bool cgroup_write(const char *group, const char *file, const char *value)
{
    char path[CGROUP_PATH];

    snprintf(path, sizeof(path), "%s/%s", group, file);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool written = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    close(fd);
    return written;
}

static bool read_text(const char *group, const char *file, char *text, size_t size)
{
    char path[CGROUP_PATH];

    snprintf(path, sizeof(path), "%s/%s", group, file);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t len = read(fd, text, size - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len >= 0;
}

int64_t cgroup_read(const char *group, const char *file, const char *key)
{
    const size_t len = strlen(key);
    char text[4096];

    if (!read_text(group, file, text, sizeof(text)))
        return -1;
    for (const char *at = text; at; at = strchr(at, '\n'), at += at != NULL)
        if (strncmp(at, key, len) == 0 && at[len] == ' ')
            return strtoll(at + len, NULL, 10);
    return -1;
}

static char *make_group(const char *parent, const char *name, const char *suffix)
{
    char *path = NULL;

    if (!parent || asprintf(&path, "%s/%s%s", parent, name, suffix) < 0)
        return NULL;
    if (!mkdir(path, 0755) || errno == EEXIST)
        return path;
    free(path);
    return NULL;
}

/* Version 2 gives a limit to the groups below one that has no processes of its own,
 * which ours is only if it was made for this. */
static bool has_controller(const char *group, const char *controller)
{
    char text[256];
    char word[32];

    if (!read_text(group, "cgroup.subtree_control", text, sizeof(text)))
        return false;
    snprintf(word, sizeof(word), "+%s", controller);
    return strstr(text, controller) ||
           cgroup_write(group, "cgroup.subtree_control", word);
}

static void find_parent(struct cgroups *groups, enum cgroup_kind kind)
{
    static const char *const controllers[] = {"memory", "cpu"};
    const char *controller = controllers[kind];

    if (groups->version_2 && has_controller(groups->version_2, controller)) {
        char *parent = make_group(groups->version_2, groups->name, "-tasks");
        if (parent && has_controller(parent, controller)) {
            groups->parents[kind] = parent;
            return;
        }
        free(parent);
    }
    char *own = own_group(controller);
    groups->parents[kind] = make_group(own, groups->name, "");
    groups->is_v1[kind] = groups->parents[kind] != NULL;
    free(own);
}

/* Deletes the groups in it that nobody is in and whose names begin so. */
static void delete_empty(const char *parent, const char *prefix)
{
    DIR *dir = parent ? opendir(parent) : NULL;
    const struct dirent *entry;

    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    closedir(dir);
}

void cgroups_find_parents(struct cgroups *groups)
{
    if (groups->has_parents)
        return;
    groups->has_parents = true;
    for (int kind = 0; kind < CGROUP_KINDS; kind++) {
        find_parent(groups, (enum cgroup_kind)kind);
        /* Of a former supervisor's attempts. */
        delete_empty(groups->parents[kind], "");
    }
}

void cgroups_begin(struct cgroups *groups, const char *dir, const char *given)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *dir; dir++)
        hash = (hash ^ (unsigned char)*dir) * UINT64_C(1099511628211);
    *groups = (struct cgroups){.from = own_group(NULL)};
    snprintf(groups->name, sizeof(groups->name), PREFIX "%016llx",
             (unsigned long long)hash);
    groups->version_2 = given ? strdup(given) : groups->from;
    groups->home = make_group(groups->version_2, groups->name, "");
}

pid_t cgroups_fork(const struct cgroups *groups)
{
    const int fd =
        groups->home ? open(groups->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return fork();
    const struct clone_args args = {
        .flags = CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (unsigned)fd,
    };
    const long pid = syscall(SYS_clone3, &args, sizeof(args));
    close(fd);
    return pid < 0 ? fork() : (pid_t)pid;
}

void cgroups_members(const struct cgroups *groups, struct pids *pids)
{
    char path[CGROUP_PATH];
    int pid;

    if (!groups->home)
        return;
    snprintf(path, sizeof(path), "%s/cgroup.procs", groups->home);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fscanf(file, "%d", &pid) == 1)
        if (pid > 0)
            pids_add(pids, pid);
    fclose(file);
}

void cgroups_leave(struct cgroups *groups)
{
    for (int kind = 0; kind < CGROUP_KINDS; kind++) {
        delete_empty(groups->parents[kind], "");
        if (groups->parents[kind])
            rmdir(groups->parents[kind]);
    }
    if (!groups->home || !groups->from)
        return;
    /* With ours go those of supervisors that were killed and have no successor. */
    if (cgroup_write(groups->from, "cgroup.procs", "0"))
        delete_empty(groups->version_2, PREFIX);
}
