/* cmd_engine.c - leads runs and schedules without a terminal, until nothing is left to
 * do or, with --stay, until it is told to leave. Started by engine_spawn.c, with a pipe
 * on descriptor 3 to say so, or by hand. */
#include "cli/admin/admin.h"
#include "cli/owner/owner.h"
#include "cli/owner/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_FD 3
#define AGAIN_US (UNITS_SECOND / 5)

struct engine {
    struct cli_session *session;
    bool in_loop;
    bool stays;
    int signo;
    struct ff_err fatal;
    bool told;
    bool lost; /* it led, where hosts share the store */
    bool part; /* what is left is for others to lead */
};

/* Without the pipe (started by hand) descriptor 3 is one of ours: a socket, a file. */
static bool has_pipe(void)
{
    struct stat st;

    return fstat(READY_FD, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void tell(struct engine *e, bool pipe_is_there, char answer)
{
    if (e->told || !pipe_is_there)
        return;
    e->told = true;
    const ssize_t ignored = write(READY_FD, &answer, 1);
    (void)ignored;
    close(READY_FD);
}

static void end_wait(struct engine *e)
{
    if (e->in_loop)
        loop_stop(e->session->loop, 0);
    e->in_loop = false;
}

/* It may be asked again when it is known which schedules there are. */
static void on_idle(void *arg)
{
    struct engine *e = arg;

    if (!e->stays && !node_is_needed(e->session->node))
        end_wait(e);
}

static void on_fatal(void *arg, const struct ff_err *err)
{
    struct engine *e = arg;

    e->fatal = *err;
    end_wait(e);
}

static void on_signal(void *arg, int signo)
{
    struct engine *e = arg;

    if (signo == SIGWINCH)
        return;
    e->signo = signo;
    end_wait(e);
}

/* Another host may lead now. */
static int note_lost(struct engine *e)
{
    log_warn("%s", e->fatal.msg);
    e->fatal = (struct ff_err){0};
    e->lost = true;
    return CLI_UNAVAILABLE;
}

static void may_lead(void *arg)
{
    end_wait(arg);
}

/* Where hosts share the store whoever stays waits until the shard could be had. */
static int wait_to_lead(struct engine *e)
{
    struct ff_err err = {0};

    if (node_follow(e->session->node, AGAIN_US, may_lead, e, &err) != FF_OK)
        return cli_fail_config(e->session->config, &err);
    e->in_loop = true;
    loop_run(e->session->loop);
    e->in_loop = false;
    node_follow_no_more(e->session->node);
    return CLI_OK;
}

/* Exit code; CLI_OK: nothing was left to lead. */
static int lead(struct cli *c, struct engine *e, bool pipe_is_there)
{
    const struct owner_events events = {
        .arg = e, .idle = on_idle, .fatal = on_fatal, .stays = e->stays};
    struct owner owner;
    struct ff_err err = {0};
    const int code = owner_start(&owner, e->session, &events, &err);

    if (code == FF_OK) {
        tell(e, pipe_is_there, 'y');
        e->in_loop = true;
        loop_run(e->session->loop);
        e->in_loop = false;
        e->part = !node_leads_all(e->session->node);
    }
    if (code == FF_BUSY)
        tell(e, pipe_is_there, 'b');
    if (e->fatal.code == FF_DENIED && !e->signo)
        owner_step_down(&owner);
    else
        owner_stop(&owner, e->signo ? 128 + e->signo : CLI_IO);
    if (e->lost && (code == FF_UNAVAILABLE || code == FF_IN_DOUBT))
        return CLI_UNAVAILABLE;
    if (code != FF_OK && code != FF_BUSY)
        return cli_fail_config(e->session->config, &err);
    if (e->fatal.code == FF_DENIED && node_is_leased(e->session->node))
        return note_lost(e);
    if (e->fatal.code != FF_OK)
        return cli_fail(CLI_IO, "%s", e->fatal.msg);
    if (code == FF_OK && !e->signo) {
        int64_t n_gone;
        if (node_retention(e->session->node, &n_gone, &err) != FF_OK)
            log_warn("old runs stay: %s", err.msg);
    }
    (void)c;
    return code == FF_BUSY ? CLI_UNAVAILABLE : CLI_OK;
}

int cmd_engine(struct cli *c)
{
    const bool pipe_is_there = has_pipe();
    struct engine e = {0};
    struct cli_session s;
    struct signals *signals = NULL;
    struct ff_err err = {0};

    cli_log_sentences();
    if (pipe_is_there)
        fcntl(READY_FD, F_SETFD, FD_CLOEXEC);
    int code = cli_open(c, &s);
    e.session = &s;
    e.stays = cli_has(&c->args, "stay");
    if (code == CLI_OK) {
        signals = signals_open(s.loop, on_signal, &e, &err);
        code = signals ? CLI_OK : cli_fail_err(&err);
    }
    /* A run that came while this process let go would otherwise be led by nobody. */
    while (code == CLI_OK && !e.signo) {
        code = lead(c, &e, pipe_is_there);
        if (code == CLI_UNAVAILABLE && (e.stays || e.lost) && node_is_leased(s.node)) {
            code = wait_to_lead(&e);
            continue;
        }
        if (code == CLI_OK &&
            (e.part || (owner_count_open(&s) <= 0 && !node_has_schedules(s.node))))
            break;
    }
    signals_close(signals);
    cli_close(&s);
    if (e.signo && code == CLI_OK)
        return 128 + e.signo;
    return code == CLI_UNAVAILABLE ? CLI_OK : code;
}
