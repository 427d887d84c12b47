/* launch.c - starts the supervisor, which detaches itself, and waits on a pipe for its
 * word that it is ready. */
#include "local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD       3
#define READY_LIMIT_US INT64_C(30000000)
#define BUSY_PAUSE_US  INT64_C(20000)

/* 0 or an errno. The supervisor closes what else it inherits, and resets its
 * signals. */
static int start(struct local *local, int ready_fd)
{
    char *env[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    char ready[16];
    char idle[32];
    char nofile[32];

    snprintf(ready, sizeof(ready), "%d", READY_FD);
    snprintf(idle, sizeof(idle), "%lld", (long long)local->idle_exit_us);
    snprintf(nofile, sizeof(nofile), "%llu", (unsigned long long)local->nofile);
    char *argv[] = {(char *)"flowforge-supervisor",
                    (char *)"--dir",
                    local->dir,
                    (char *)"--idle-exit-us",
                    idle,
                    (char *)"--ready-fd",
                    ready,
                    (char *)"--nofile",
                    nofile,
                    local->cgroup ? (char *)"--cgroup" : NULL,
                    local->cgroup,
                    NULL};
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
    if (!failed)
        failed =
            posix_spawn(&local->launched, local->program, &actions, NULL, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static void give_up(struct local *local, const char *why)
{
    ff_log(local->host, FF_ERROR, "%s", why);
    calls_refuse(local, why);
    link_lost(local, why);
}

static void leave_pipe(struct local *local)
{
    const struct ff_host *host = local->host;

    host->watch_del(host->self, local->watch);
    if (local->retry)
        host->timer_del(host->self, local->retry);
    close(local->fd);
    local->watch = NULL;
    local->retry = NULL;
    local->fd = -1;
    local->state = LINK_DOWN;
}

static void on_pipe(void *arg, int fd, uint32_t events)
{
    struct local *local = arg;
    char word[240];
    char why[400];

    (void)events;
    const ssize_t n = read(fd, word, sizeof(word) - 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    word[n > 0 ? n : 0] = '\0';
    leave_pipe(local);
    /* It started its successor and ended; this does not wait. */
    while (waitpid(local->launched, NULL, 0) < 0 && errno == EINTR)
        ;
    if (word[0] == 'R') {
        link_connect(local);
        return;
    }
    if (word[0] == 'B') {
        if (local->pause_us < BUSY_PAUSE_US)
            local->pause_us = BUSY_PAUSE_US;
        link_lost(local, "another supervisor is beginning or ending");
        return;
    }
    snprintf(why, sizeof(why), "the supervisor did not start: %s",
             word[0] == 'E' ? word + 1 : "it ended at once");
    give_up(local, why);
}

static void on_limit(void *arg)
{
    struct local *local = arg;

    local->retry = NULL;
    give_up(local, "the supervisor did not become ready");
}

void launch(struct local *local)
{
    const struct ff_host *host = local->host;
    char why[400];
    int fds[2];

    if (pipe2(fds, O_CLOEXEC)) {
        link_lost(local, strerror(errno));
        return;
    }
    const int failed = start(local, fds[1]);
    close(fds[1]);
    if (failed) {
        close(fds[0]);
        snprintf(why, sizeof(why), "cannot run %.200s: %s", local->program,
                 strerror(failed));
        give_up(local, why);
        return;
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    local->fd = fds[0];
    local->watch = host->watch_add(host->self, fds[0], FF_FD_READ, on_pipe, local);
    if (!local->watch) {
        give_up(local, "the supervisor cannot be waited for");
        return;
    }
    local->state = LINK_LAUNCHING;
    local->retry = host->timer_add(host->self, READY_LIMIT_US, on_limit, local);
}
