/* engine_spawn.c - starts `flowforge engine` in the background, in a session of its
 * own, and hears over a pipe when it leads. */
#include "cli/owner/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#define READY_FD      3
#define READY_WAIT_MS 15000

struct words {
    char **items;
    size_t n, cap;
};

static void add(struct words *words, const char *option, const char *value)
{
    struct buf text = {0};

    buf_printf(&text, "--%s=%s", option, value);
    ARRAY_ADD(words, buf_take(&text));
}

/* The settings that this process was given go on to the next. */
static struct words make_argv(const struct cli *c, const struct cli_session *s)
{
    const char *config = cli_get(&c->args, "config");
    struct words words = {0};
    const char *value;

    ARRAY_ADD(&words, mem_text("flowforge"));
    ARRAY_ADD(&words, mem_text("engine"));
    for (size_t i = 0; (value = cli_next(&c->args, "set", &i));)
        add(&words, "set", value);
    if (config)
        add(&words, "config", config);
    add(&words, "data-dir", node_settings(s->node)->data_dir);
    if (c->verbose)
        ARRAY_ADD(&words, mem_text("--verbose"));
    ARRAY_ADD(&words, NULL);
    return words;
}

static int start(const struct words *argv, const char *log, int ready_fd,
                 char *const *env)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_adddup2(&actions, ready_fd, READY_FD);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, READY_FD + 1);
    const int sys =
        posix_spawn(&pid, "/proc/self/exe", &actions, &attr, argv->items, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return sys;
}

/* 'y': it leads. 'b': somebody else does. Nothing: it has ended; its log says why. */
static enum engine_answer hear(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte = 0;

    while (poll(&wait, 1, READY_WAIT_MS) < 0 && errno == EINTR)
        ;
    if (!(wait.revents & (POLLIN | POLLHUP)) || read(fd, &byte, 1) != 1)
        return ENGINE_FAILED;
    return byte == 'y' ? ENGINE_LEADS : byte == 'b' ? ENGINE_BUSY : ENGINE_FAILED;
}

enum engine_answer engine_spawn(struct cli *c, struct cli_session *s)
{
    MEM_AUTO char *log = file_join(node_settings(s->node)->data_dir, "engine.log");
    enum engine_answer answer = ENGINE_FAILED;
    int ready[2];

    if (pipe2(ready, O_CLOEXEC) != 0) {
        cli_fail(CLI_UNAVAILABLE, "cannot make a pipe: %s", strerror(errno));
        return ENGINE_FAILED;
    }
    /* dup2 to the same number would leave it close-on-exec. */
    const int high = fcntl(ready[1], F_DUPFD_CLOEXEC, READY_FD + 1);
    close(ready[1]);
    struct words argv = make_argv(c, s);
    const int sys = high < 0 ? errno : start(&argv, log, high, c->env);
    if (high >= 0)
        close(high);
    if (sys == 0)
        answer = hear(ready[0]);
    else
        cli_fail(CLI_INTERNAL, "no background process: %s", strerror(sys));
    if (sys == 0 && answer == ENGINE_FAILED)
        cli_fail(CLI_UNAVAILABLE, "the background process did not start; see %s", log);
    close(ready[0]);
    for (size_t i = 0; i < argv.n; i++)
        mem_free(argv.items[i]);
    ARRAY_DONE(&argv);
    return answer;
}
