/* spawn.c - see spawn.h. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES  ((size_t)64 << 10)
#define STACK_ALIGN  64
#define SHELL        "/bin/sh"
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* The child runs in our memory until it calls execve, on a stack of its own; we
 * sleep meanwhile. Sanitizers would take its frames, which never return, for ours. */
#if defined(__clang__)
#define CHILD_CODE __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define CHILD_CODE                                                                     \
    __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

struct child {
    const struct spawn *spawn;
    char *const *paths; /* to try, one after the other; ends with NULL */
    volatile enum spawn_step step;
    volatile int sys; /* 0: the program runs */
};

static char *stack;
static struct rlimit nofile_limit;
static pid_t supervisor;

bool spawn_init(const struct rlimit *nofile)
{
    nofile_limit = *nofile;
    supervisor = getpid();
    stack = aligned_alloc(STACK_ALIGN, STACK_BYTES);
    return stack != NULL;
}

/* As execvp does: look on after a name that is not there, and give a file without
 * a known format to the shell. The most telling errno is the one of a file that
 * was there. */
CHILD_CODE static int run_program(const struct child *child)
{
    char **argv = child->spawn->argv;
    int sys = ENOENT;

    for (int i = 0; child->paths[i]; i++) {
        execve(child->paths[i], argv, child->spawn->env);
        if (errno == ENOEXEC) {
            char *name = argv[0];
            argv[-1] = (char *)SHELL;
            argv[0] = child->paths[i];
            execve(SHELL, argv - 1, child->spawn->env);
            argv[0] = name;
            return errno;
        }
        if (errno != ENOENT && errno != ENOTDIR)
            sys = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            break;
    }
    return sys;
}

CHILD_CODE static int set_limits(const struct spawn *spawn)
{
    if (setrlimit(RLIMIT_NOFILE, &nofile_limit))
        return errno;
    if (spawn->data_limit) {
        const struct rlimit data = {spawn->data_limit, spawn->data_limit};
        if (setrlimit(RLIMIT_DATA, &data))
            return errno;
    }
    return 0;
}

CHILD_CODE static int enter_groups(const struct spawn *spawn)
{
    for (int i = 0; i < spawn->n_groups; i++)
        if (write(spawn->group_fds[i], "0", 1) != 1)
            return errno;
    return 0;
}

CHILD_CODE static int prepare(struct child *child)
{
    const struct spawn *spawn = child->spawn;

    /* When the supervisor is killed its tasks end too. It may have died before
     * this call, which then would never fire. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(1);
    setsid();

    child->step = SPAWN_GROUP;
    int failed = enter_groups(spawn);
    if (failed)
        return failed;

    if ((spawn->in_fd >= 0 && dup2(spawn->in_fd, STDIN_FILENO) < 0) ||
        dup2(spawn->out_fd, STDOUT_FILENO) < 0 ||
        dup2(spawn->err_fd, STDERR_FILENO) < 0)
        return errno;
    syscall(SYS_close_range, 3u, ~0u, 0u); /* all are close-on-exec anyway */

    child->step = SPAWN_DIR;
    if (spawn->dir && chdir(spawn->dir))
        return errno;
    child->step = SPAWN_LIMIT;
    return set_limits(spawn);
}

CHILD_CODE static int child_main(void *arg)
{
    struct child *child = arg;

    child->sys = prepare(child);
    if (!child->sys) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        child->step = SPAWN_EXEC;
        child->sys = 0;
        const int failed = run_program(child);
        child->sys = failed ? failed : EINVAL;
    }
    _exit(127);
}

static const char *path_of(char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return DEFAULT_PATH;
}

/* Every place where `name` may be, each NUL-terminated in `text`. */
static void list_paths(const char *name, const char *path, char *text, char **paths,
                       size_t n_paths)
{
    const size_t name_len = strlen(name);
    size_t n = 0;

    while (n + 1 < n_paths) {
        const size_t len = strcspn(path, ":");
        paths[n++] = text;
        if (len) {
            memcpy(text, path, len);
            text[len] = '/';
            text += len + 1;
        }
        memcpy(text, name, name_len + 1);
        text += name_len + 1;
        if (!path[len])
            break;
        path += len + 1;
    }
    paths[n] = NULL;
}

static pid_t clone_child(struct child *child, struct spawn_error *error)
{
    child->step = SPAWN_CLONE;
    child->sys = 0;
    const pid_t pid =
        clone(child_main, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, child);
    if (pid < 0) {
        *error = (struct spawn_error){SPAWN_CLONE, errno};
        return -1;
    }
    if (!child->sys)
        return pid;
    *error = (struct spawn_error){child->step, child->sys};
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return -1;
}

pid_t spawn(const struct spawn *spawn, struct spawn_error *error)
{
    const char *name = spawn->argv[0];
    char *only[2] = {spawn->argv[0], NULL};
    struct child child = {.spawn = spawn, .paths = only};

    if (!*name) {
        *error = (struct spawn_error){SPAWN_EXEC, ENOENT};
        return -1;
    }
    if (strchr(name, '/'))
        return clone_child(&child, error);

    const char *path = path_of(spawn->env);
    size_t n_dirs = 1;
    for (const char *at = path; *at; at++)
        n_dirs += *at == ':';
    const size_t text_len = strlen(path) + n_dirs * (strlen(name) + 2);
    char **paths = malloc((n_dirs + 1) * sizeof(char *) + text_len);
    if (!paths) {
        *error = (struct spawn_error){SPAWN_CLONE, ENOMEM};
        return -1;
    }
    list_paths(name, path, (char *)(paths + n_dirs + 1), paths, n_dirs + 1);
    child.paths = paths;
    const pid_t pid = clone_child(&child, error);
    free(paths);
    return pid;
}
