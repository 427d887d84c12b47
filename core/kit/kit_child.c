/* kit/kit_child.c - processes and threads of a check. */
#include "kit/kit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- processes --- */

static void wait_for_go(int fd)
{
    char byte;

    if (read(fd, &byte, 1) != 1)
        _exit(KIT_PASSED); /* the check is gone, or does not need us any more */
    close(fd);
}

noreturn static void be_child(struct kit *k, int tell_fd, int go_fd, kit_child_fn *fn,
                              void *arg)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    k->tell_fd = tell_fd;
    wait_for_go(go_fd);
    fn(k, arg);
    kit_drop(k);
    _exit(KIT_PASSED);
}

void kit_start(struct kit *k, struct kit_child *c, kit_child_fn *fn, void *arg)
{
    int tell[2];
    int go[2];

    if (k->loop)
        kit_fail(k, "a mistake of the kit: a process started after the driver");
    if (pipe2(tell, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0)
        kit_skip(k, "no pipe: %s", strerror(errno));
    c->pid = fork();
    if (c->pid < 0)
        kit_skip(k, "no process: %s", strerror(errno));
    if (c->pid == 0) {
        close(tell[0]);
        close(go[1]);
        be_child(k, tell[1], go[0], fn, arg);
    }
    close(tell[1]);
    close(go[0]);
    c->from = tell[0];
    c->to = go[1];
}

void kit_let_go(struct kit_child *c)
{
    const ssize_t n = write(c->to, "g", 1);

    (void)n; /* a child that is gone shows at its end */
    close(c->to);
    c->to = -1;
}

/* The exit status as waitpid gives it. */
static int reap(struct kit_child *c)
{
    int status = 0;

    if (c->to >= 0)
        close(c->to);
    close(c->from);
    c->to = c->from = -1;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

void kit_end(struct kit *k, struct kit_child *c)
{
    const int status = reap(c);
    struct buf why = {0};

    /* Whoever ends with KIT_FAILED has written its verdict. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == KIT_FAILED)
        _exit(KIT_FAILED);
    if (status != 0) {
        kit_why_ended(status, &why);
        kit_fail(k, "a process of the check did not go on: %s", buf_text(&why));
    }
}

void kit_kill(struct kit_child *c)
{
    kill(c->pid, SIGKILL);
    reap(c);
}

bool kit_hear(struct kit_child *c, int64_t *number)
{
    ssize_t n;

    do
        n = read(c->from, number, sizeof(*number));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(*number);
}

void kit_kill_hearing(struct kit_child *c, int64_t *last)
{
    kill(c->pid, SIGKILL);
    while (kit_hear(c, last))
        ;
    reap(c);
}

void kit_tell(struct kit *k, int64_t number)
{
    if (write(k->tell_fd, &number, sizeof(number)) != (ssize_t)sizeof(number))
        _exit(KIT_PASSED); /* nobody listens any more */
}

/* --- threads --- */

struct kit_thread {
    pthread_t id;
    struct kit *k;
    kit_child_fn *fn;
    void *arg;
};

static void *run_thread(void *arg)
{
    struct kit_thread *t = arg;

    t->fn(t->k, t->arg);
    return NULL;
}

struct kit_thread *kit_thread(struct kit *k, kit_child_fn *fn, void *arg)
{
    struct kit_thread *t = mem_alloc(sizeof(*t));

    *t = (struct kit_thread){.k = k, .fn = fn, .arg = arg};

    const int failed = pthread_create(&t->id, NULL, run_thread, t);

    if (failed)
        kit_skip(k, "no thread: %s", strerror(failed));
    return t;
}

void kit_join(struct kit_thread *t)
{
    pthread_join(t->id, NULL);
    mem_free(t);
}
