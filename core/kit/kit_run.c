/* kit/kit_run.c - one check in a child process: its directory, its deadline, what it
 * said and how it ended. */
#include "kit/kit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_LINES 40
#define OUTPUT_BYTES 65536

/* --- told to end --- */

volatile sig_atomic_t kit_signal;

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

static void note_signal(int signo)
{
    kit_signal = signo;
}

static void nothing(int signo)
{
    (void)signo;
}

void kit_catch_signals(void)
{
    const struct sigaction note = {.sa_handler = note_signal};
    /* A handler, not SIG_IGN: that would be inherited by what drivers start. */
    const struct sigaction ignore = {.sa_handler = nothing, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < COUNT_OF(caught); i++)
        sigaction(caught[i], &note, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static void forget_signals(void)
{
    for (size_t i = 0; i < COUNT_OF(caught); i++)
        signal(caught[i], SIG_DFL);
}

/* --- how it ended --- */

void kit_why_ended(int status, struct buf *out)
{
    if (WIFSIGNALED(status))
        buf_printf(out, "ended by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else
        buf_printf(out, "ended with exit code %d", WEXITSTATUS(status));
}

void kit_result_done(struct kit_result *r)
{
    buf_done(&r->why);
    buf_done(&r->expected);
    buf_done(&r->got);
    buf_done(&r->at);
    for (size_t i = 0; i < r->output.n; i++)
        mem_free((void *)(uintptr_t)r->output.items[i]);
    ARRAY_DONE(&r->output);
}

/* The first line on the pipe is the verdict, whichever process wrote it. */
static void read_verdict(const struct buf *said, struct kit_result *r)
{
    const char *text = buf_text(said);
    const char *end = strchr(text, '\n');
    json_t *line = end ? json_parse(text, (size_t)(end - text), NULL) : NULL;
    const char *verdict = json_string_value(json_object_get(line, "verdict"));
    const struct {
        const char *key;
        struct buf *out;
    } texts[] = {
        {"why", &r->why}, {"expected", &r->expected}, {"got", &r->got}, {"at", &r->at}};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *value = json_string_value(json_object_get(line, texts[i].key));

        if (value)
            buf_add_text(texts[i].out, value);
    }
    if (verdict)
        r->verdict = strcmp(verdict, "passed") == 0    ? KIT_OK
                     : strcmp(verdict, "skipped") == 0 ? KIT_SKIPPED
                                                       : KIT_NOT_OK;
    json_decref(line);
}

static void judge(const struct buf *said, int status, bool hung, int64_t deadline_s,
                  struct kit_result *r)
{
    read_verdict(said, r);
    if (hung && r->verdict != KIT_NOT_OK) {
        buf_clear(&r->why);
        buf_printf(&r->why, "it took longer than %lld s", (long long)deadline_s);
        r->verdict = KIT_NOT_OK;
    } else if (r->verdict == KIT_VERDICT_NONE) {
        buf_add_text(&r->why, "the process of the check ");
        kit_why_ended(status, &r->why);
        r->verdict = KIT_NOT_OK;
    } else if (r->verdict == KIT_OK && status != 0) {
        /* All was well until the driver was left: a sanitizer, or its destructor. */
        buf_add_text(&r->why, "after the last call the process ");
        kit_why_ended(status, &r->why);
        r->verdict = KIT_NOT_OK;
    }
}

static void read_output(int fd, struct kit_result *r)
{
    struct buf all = {.max = OUTPUT_BYTES};
    char chunk[4096];
    ssize_t n;

    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0)
        buf_add(&all, chunk, (size_t)n);
    for (const char *at = buf_text(&all); *at && r->output.n < OUTPUT_LINES;) {
        const size_t len = strcspn(at, "\n");
        struct buf line = {0};

        kit_clean(&line, at, len);
        if (line.len > 0)
            ARRAY_ADD(&r->output, buf_take(&line));
        buf_done(&line);
        at += len + (at[len] == '\n');
    }
    buf_done(&all);
}

/* --- in the child --- */

noreturn static void be_check(const struct kit_runner *runner,
                              const struct kit_item *item, const char *dir,
                              int report_fd, int output_fd, int64_t deadline_us)
{
    static const char passed[] = "{\"verdict\":\"passed\"}\n";
    struct kit k;

    setpgid(0, 0);
    forget_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    kit_init(&k, runner->settings, item, dir);
    k.report_fd = report_fd;
    k.deadline_us = deadline_us;
    kit_new_place(&k);
    driver_strict = true;
    item->check->run(&k);
    kit_done(&k);
    if (write(report_fd, passed, sizeof(passed) - 1) != (ssize_t)sizeof(passed) - 1)
        _exit(KIT_FAILED);
    /* exit and not _exit: the leak checker of a sanitized build runs there. */
    exit(KIT_PASSED);
}

/* --- in the kit --- */

/* Reads what is said until the child has ended or its time is over; true: it is over.
 * The pipe alone would not do: a process that the driver left behind may hold it. */
static bool follow(pid_t pid, int from, int64_t deadline_us, struct buf *said)
{
    struct pollfd fds[] = {{.fd = pidfd_open(pid, 0), .events = POLLIN},
                           {.fd = from, .events = POLLIN}};
    bool hung = false;
    bool ended = false;

    while (!ended && !hung && !kit_signal) {
        const int64_t left_us = deadline_us - kit_mono_us();
        char chunk[4096];

        hung = left_us <= 0;
        if (hung || poll(fds, 2, (int)(left_us / 1000) + 1) <= 0)
            continue;
        ended = fds[0].revents != 0;
        if (fds[1].revents) {
            const ssize_t n = read(from, chunk, sizeof(chunk));

            if (n > 0)
                buf_add(said, chunk, (size_t)n);
            else
                fds[1].fd = -1;
        }
    }
    close(fds[0].fd);
    return hung;
}

static void read_rest(int from, struct buf *said)
{
    char chunk[4096];
    ssize_t n;

    fcntl(from, F_SETFL, O_NONBLOCK);
    while ((n = read(from, chunk, sizeof(chunk))) > 0)
        buf_add(said, chunk, (size_t)n);
}

static int open_output(const char *dir)
{
    MEM_AUTO char *path = file_join(dir, "output");

    return open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_APPEND, 0600);
}

static void fail_to_run(struct kit_result *r, const char *doing)
{
    r->verdict = KIT_NOT_OK;
    buf_printf(&r->why, "the kit cannot run it: %s: %s", doing, strerror(errno));
}

static void run_in(const struct kit_runner *runner, const struct kit_item *item,
                   const char *dir, int output, struct kit_result *r)
{
    const int64_t least_s = item->check->deadline_s;
    const int64_t deadline_s =
        least_s > runner->settings->deadline_s ? least_s : runner->settings->deadline_s;
    const int64_t deadline_us = kit_mono_us() + deadline_s * UNITS_SECOND;
    struct buf said = {0};
    int status = 0;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        fail_to_run(r, "pipe");
        return;
    }

    const pid_t pid = fork();

    if (pid == 0)
        be_check(runner, item, dir, fds[1], output, deadline_us);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        fail_to_run(r, "fork");
        return;
    }
    setpgid(pid, pid);

    const bool hung = follow(pid, fds[0], deadline_us, &said);

    /* All of its processes; it is not reaped yet, so the number is still its own. */
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    kit_reap();
    read_rest(fds[0], &said);
    close(fds[0]);
    judge(&said, status, hung, deadline_s, r);
    buf_done(&said);
}

int kit_runner_init(struct kit_runner *runner, const struct kit_settings *settings,
                    struct ff_err *err)
{
    const char *tmp = getenv("TMPDIR");
    struct buf base = {0};

    buf_printf(&base, "%s/flowforge-kit-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
    kit_reap_init();
    *runner = (struct kit_runner){.settings = settings, .base = buf_take(&base)};
    if (mkdtemp(runner->base))
        return FF_OK;
    return ff_fail(err, FF_UNAVAILABLE, errno, "no directory %s: %s; set TMPDIR",
                   runner->base, strerror(errno));
}

void kit_runner_done(struct kit_runner *runner)
{
    if (!runner->settings->keep)
        file_remove_tree(runner->base);
    mem_free(runner->base);
}

void kit_run(struct kit_runner *runner, const struct kit_item *item,
             struct kit_result *result)
{
    char name[16];

    snprintf(name, sizeof(name), "%zu", ++runner->n_runs);
    MEM_AUTO char *dir = file_join(runner->base, name);
    const int failed = file_make_dirs(dir, 0700);
    const int output = failed ? -1 : open_output(dir);

    *result = (struct kit_result){.seed = runner->settings->seed};
    if (output < 0) {
        fail_to_run(result, dir);
        return;
    }
    run_in(runner, item, dir, output, result);
    if (result->verdict == KIT_NOT_OK)
        read_output(output, result);
    close(output);
    if (!runner->settings->keep)
        file_remove_tree(dir);
}
