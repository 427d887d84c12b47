/* See support_process.h. */
#include "support_process.h"

#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct child start_child(child_fn *fn, void *arg)
{
    struct child c = {0};
    int up[2];
    int down[2];
    char go;

    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    c.pid = fork();
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        close(up[0]);
        close(down[1]);
        /* A failed assertion must not go on with the parent's tests. */
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        if (read(down[0], &go, 1) != 1)
            _exit(99);
        _exit(fn(arg, up[1]));
    }
    close(up[1]);
    close(down[0]);
    c.from = up[0];
    c.to = down[1];
    return c;
}

void let_go(struct child *c)
{
    assert_int_equal(write(c->to, "g", 1), 1);
}

int end_child(struct child *c)
{
    int status;

    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    close(c->from);
    close(c->to);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void kill_child(struct child *c)
{
    kill(c->pid, SIGKILL);
    end_child(c);
}

/* Eight bytes are one write: they come whole or not at all. */
void tell(int fd, int64_t number)
{
    if (write(fd, &number, sizeof(number)) != (ssize_t)sizeof(number))
        _exit(98);
}

bool hear(struct child *c, int64_t *number)
{
    return read(c->from, number, sizeof(*number)) == (ssize_t)sizeof(*number);
}
