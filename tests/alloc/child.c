/* tests/alloc/child.c - one command of the program, in a forked process. */
#include "alloc.h"
#include "cli/cli.h"
#include "gate.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 60

bool child_loud;
const char *const *child_settings;

static int open_output(const char *dir, const char *name)
{
    MEM_AUTO char *path = file_join(dir, name);

    return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* The whole environment: drivers where the build has put them, data in the folder. */
static char **make_env(const char *dir)
{
    static char *env[6 + SETTINGS_MAX];
    struct buf b = {0};

    buf_printf(&b, "FLOWFORGE_ENGINE_DATA_DIR=%s/data", dir);
    env[0] = buf_take(&b);
    buf_printf(&b, "FLOWFORGE_ENGINE_DRIVER_DIR=%s", getenv("FLOWFORGE_LIB"));
    env[1] = buf_take(&b);
    env[2] = mem_text("FLOWFORGE_RUNTIME_LOCAL_IDLE_EXIT=100ms");
    env[3] = mem_text("PATH=/usr/bin:/bin");
    env[4] = mem_text("FLOWFORGE_CONFIG=/dev/null");
    for (size_t i = 0; i < SETTINGS_MAX && child_settings[i]; i++)
        env[5 + i] = mem_text(child_settings[i]);
    return env;
}

static void settle_in(const char *dir)
{
    const int out = open_output(dir, "out");
    const int err = open_output(dir, "err");

    if (chdir(dir) != 0)
        _exit(125);
    dup2(out, STDOUT_FILENO);
    if (!child_loud)
        dup2(err, STDERR_FILENO);
    alarm(PATIENCE_S);
}

/* Once before, undisturbed: what libraries make at their first call and keep is theirs,
 * and some of them (OpenSSL's tables of algorithms) are lost for good when it fails. */
static _Noreturn void call(int (*direct)(void), long at, bool on)
{
    if (direct() != 0)
        exit(125);
    gate_arm(at, on);
    const int code = direct();

    gate_disarm();
    exit(code);
}

static _Noreturn void be(const char *dir, const char *const *args, long at, bool on)
{
    char *argv[ARGS_MAX + 2] = {(char *)"flowforge"};
    int argc = 1;
    char **env = make_env(dir);

    while (args[argc - 1]) {
        argv[argc] = mem_text(args[argc - 1]);
        argc++;
    }
    environ = env;
    gate_arm(at, on);
    const int code = cli_main(argc, argv, env);

    gate_disarm();
    for (int i = 1; i < argc; i++)
        mem_free(argv[i]);
    for (char **e = env; *e; e++)
        mem_free(*e);
    exit(code);
}

static void read_output(const char *dir, const char *name, struct buf *b)
{
    MEM_AUTO char *path = file_join(dir, name);

    file_read(path, (size_t)16 << 20, b);
}

/* One of args and direct. */
static void run(const char *dir, const char *const *args, int (*direct)(void), long at,
                bool on, struct ended *e)
{
    int status = 0;

    *e = (struct ended){.code = -1};
    fflush(NULL);
    const pid_t pid = fork();

    if (pid == 0)
        settle_in(dir);
    if (pid == 0 && direct)
        call(direct, at, on);
    if (pid == 0)
        be(dir, args, at, on);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("alloc: fork");
        exit(2);
    }
    gate_disarm();
    if (WIFEXITED(status))
        e->code = WEXITSTATUS(status);
    else
        e->signal = WTERMSIG(status);
    read_output(dir, "out", &e->out);
    read_output(dir, "err", &e->err);
}

void child_run(const char *dir, const char *const *args, long at, bool on,
               struct ended *e)
{
    run(dir, args, NULL, at, on, e);
}

void child_call(const char *dir, int (*direct)(void), long at, bool on, struct ended *e)
{
    run(dir, NULL, direct, at, on, e);
}

void ended_done(struct ended *e)
{
    buf_done(&e->out);
    buf_done(&e->err);
}
