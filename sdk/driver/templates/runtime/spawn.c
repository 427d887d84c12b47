/* spawn.c - the process of an attempt.
 *
 *   TODO  this is a child of the engine's process: start yours where it lives on
 * without the engine, under the attempt's name, and find it again in adopt() */
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* argv[0] is looked up in the PATH of the task, not in ours. */
static int find_program(const struct ff_run_spec *spec, char out[MAX_PATH])
{
    const char *path = "/usr/bin:/bin";

    for (size_t i = 0; spec->env[i]; i++)
        if (strncmp(spec->env[i], "PATH=", 5) == 0)
            path = spec->env[i] + 5;
    snprintf(out, MAX_PATH, "%s", spec->argv[0]);
    if (strchr(spec->argv[0], '/'))
        return 0;
    while (*path) {
        const size_t len = strcspn(path, ":");

        snprintf(out, MAX_PATH, "%.*s/%s", (int)len, path, spec->argv[0]);
        if (access(out, X_OK) == 0)
            return 0;
        path += len + (path[len] == ':');
    }
    return ENOENT;
}

/* The task's standard input as a file that has no name. */
static int open_input(const struct ff_run_spec *spec)
{
    int fd;

    if (!spec->input)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, spec->input, spec->input_len) != (ssize_t)spec->input_len ||
        lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static char **env_with(const struct ff_run_spec *spec, char *out_variable)
{
    size_t n = 0;
    char **env;

    while (spec->env[n])
        n++;
    env = calloc(n + 2, sizeof(*env));
    if (!env)
        return NULL;
    for (size_t i = 0; i < n; i++)
        env[i] = (char *)(uintptr_t)spec->env[i];
    env[n] = out_variable;
    return env;
}

static int run(const struct ff_run_spec *spec, const char *program, char **env,
               const int fds[3], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int sys = 0;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(
        &attr,
        (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    if (spec->dir)
        sys = posix_spawn_file_actions_addchdir_np(&actions, spec->dir);
    for (int i = 0; i < 3 && sys == 0; i++)
        sys = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (sys == 0)
        sys = posix_spawn(pid, program, &actions, &attr,
                          (char *const *)(uintptr_t)spec->argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return sys;
}

/* --- what is left of a process that is gone --- */

/* When the kernel started the process: with its number it names it for good. */
static unsigned long long start_of(pid_t pid)
{
    char path[64], stat[1024];
    const char *p;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    stat[n] = '\0';
    p = strrchr(stat, ')'); /* the name before it may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p, NULL, 10) : 0;
}

static void note_pid(const char *folder, pid_t pid)
{
    char path[MAX_PATH + 8];
    FILE *file;

    snprintf(path, sizeof(path), "%s/pid", folder);
    file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, "%ld %llu\n", (long)pid, start_of(pid));
    fclose(file);
}

void spawn_kill_left(const char *folder)
{
    char path[MAX_PATH + 8];
    unsigned long long start = 0;
    long pid = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/pid", folder);
    file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%ld %llu", &pid, &start) == 2 && pid > 1 && start != 0 &&
        start_of((pid_t)pid) == start)
        kill((pid_t)-pid, SIGKILL);
    fclose(file);
}

/* --- starting --- */

static int make_folder(const char *folder, char out[MAX_PATH + 16])
{
    if (mkdir(folder, 0700) != 0)
        return errno; /* EEXIST: a former process has started it */
    snprintf(out, MAX_PATH + 16, "FF_OUT=%s/out", folder);
    return mkdir(out + strlen("FF_OUT="), 0700) == 0 ? 0 : errno;
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static enum spawn_result fail(const char *what, int sys, char why[200])
{
    snprintf(why, 200, "%.120s: %s", what, strerror(sys));
    return SPAWN_FAILED;
}

enum spawn_result spawn(const struct ff_run_spec *spec, const char *folder,
                        struct spawned *s, char why[200])
{
    int ends[6] = {-1, -1, -1, -1, -1, -1}; /* input, two pipes, pidfd */
    char program[MAX_PATH], out_variable[MAX_PATH + 16];
    char **env;
    int sys = find_program(spec, program);

    if (sys == 0)
        sys = make_folder(folder, out_variable);
    if (sys == EEXIST)
        return SPAWN_TWICE;
    if (sys != 0)
        return fail(spec->argv[0], sys, why);
    ends[0] = open_input(spec);
    if (ends[0] < 0 || pipe2(ends + 1, O_CLOEXEC) != 0 || pipe2(ends + 3, O_CLOEXEC)) {
        sys = errno;
        close_all(ends, 5);
        return fail("its standard streams", sys, why);
    }
    env = env_with(spec, out_variable);
    sys = env ? run(spec, program, env, (int[3]){ends[0], ends[2], ends[4]}, &s->pid)
              : ENOMEM;
    free(env);
    close_all((int[3]){ends[0], ends[2], ends[4]}, 3);
    if (sys != 0) {
        close_all((int[2]){ends[1], ends[3]}, 2);
        return fail(spec->argv[0], sys, why);
    }
    note_pid(folder, s->pid);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    fcntl(ends[3], F_SETFL, O_NONBLOCK);
    s->out = ends[1];
    s->err = ends[3];
    s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    return SPAWN_STARTED;
}
