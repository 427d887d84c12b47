/* attempt.c - from the start of an attempt to its exit, see attempt.h. What comes
 * after is in record.c. */
#include "attempt.h"

#include "../../shared/failpoint.h"

#include "dirs.h"
#include "limits.h"
#include "spawn.h"
#include "sup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Most tasks are gone before their pipes need watching: two calls saved for each. */
#define WATCH_AFTER_US 2000

#define LEFTOVER_GRACE_US 1000000  /* for what a task left running behind it */
#define KILL_PATIENCE_US  30000000 /* for what cannot be killed (a broken disk) */
#define KILL_PAUSE_MIN_US 1000
#define KILL_PAUSE_MAX_US 100000
#define INPUT_IN_MEMORY   ((size_t)1 << 20)

static void begin_killing(struct attempt *attempt);

static void kill_again(struct attempt *attempt)
{
    struct sup *sup = attempt->sup;
    const int64_t now = sup->loop.now_us;

    tree_refresh(sup);
    const size_t n_orphans = tree_orphans(sup, attempt);
    if (attempt->reaped && !n_orphans) {
        attempt_finish(attempt);
        return;
    }
    if (attempt->reaped && now - attempt->kill_us > KILL_PATIENCE_US) {
        outcome_say(&attempt->outcome, "%zu of its processes could not be killed",
                    n_orphans);
        attempt_finish(attempt);
        return;
    }
    tree_signal(sup, attempt, SIGKILL);
    int64_t pause = KILL_PAUSE_MAX_US;
    if (attempt->passes < 7)
        pause = (int64_t)KILL_PAUSE_MIN_US << attempt->passes;
    attempt->passes++;
    loop_timer(&sup->loop, &attempt->timer, now + pause);
}

static void begin_killing(struct attempt *attempt)
{
    attempt->phase = KILLING;
    attempt->kill_us = attempt->sup->loop.now_us;
    attempt->passes = 0;
    kill_again(attempt);
}

static void terminate(struct attempt *attempt, int64_t grace_us)
{
    struct sup *sup = attempt->sup;

    if (grace_us <= 0) {
        begin_killing(attempt);
        return;
    }
    attempt->phase = TERMINATING;
    attempt->kill_us = sup->loop.now_us + grace_us;
    tree_refresh(sup);
    tree_signal(sup, attempt, SIGTERM);
    loop_timer(&sup->loop, &attempt->timer, attempt->kill_us);
}

void attempt_cancel(struct attempt *attempt, int64_t grace_us)
{
    if (attempt->phase == RUNNING) {
        /* Not the engine, but whoever shuts the machine down? Then it runs again. */
        attempt->outcome.reason =
            attempt->sup->stopping ? FF_REASON_EVICTED : FF_REASON_CANCELLED;
        terminate(attempt, grace_us);
    } else if (attempt->phase == TERMINATING) {
        const int64_t kill_us = attempt->sup->loop.now_us + grace_us;
        if (kill_us < attempt->kill_us) {
            attempt->kill_us = kill_us;
            loop_timer(&attempt->sup->loop, &attempt->timer, kill_us);
        }
    }
}

void attempt_exited(struct attempt *attempt)
{
    if (!tree_orphans(attempt->sup, attempt))
        attempt_finish(attempt);
    else if (attempt->phase == RUNNING)
        terminate(attempt, LEFTOVER_GRACE_US);
}

void attempt_look(struct attempt *attempt)
{
    if (attempt->reaped && attempt->phase <= KILLING && attempt->phase > RUNNING &&
        !tree_orphans(attempt->sup, attempt))
        attempt_finish(attempt);
}

static void on_running_timer(struct attempt *attempt)
{
    struct loop *loop = &attempt->sup->loop;
    int64_t next = attempt->expires_us;

    if (next && loop->now_us >= next) {
        attempt->outcome.reason = FF_REASON_TIMEOUT;
        spool_watch(attempt->spool);
        terminate(attempt, attempt->grace_us);
        return;
    }
    if (!spool_watch(attempt->spool)) {
        const int64_t again = loop->now_us + KILL_PAUSE_MAX_US;
        if (!next || again < next)
            next = again;
    }
    if (next)
        loop_timer(loop, &attempt->timer, next);
}

static void on_timer(struct timer *timer)
{
    struct attempt *attempt = container_of(timer, struct attempt, timer);

    if (attempt->phase == RUNNING)
        on_running_timer(attempt);
    else if (attempt->phase == TERMINATING)
        begin_killing(attempt);
    else if (attempt->phase == KILLING)
        kill_again(attempt);
}

/* A file that has no name, positioned at its start; -1 with errno. */
static int make_input(struct sup *sup, const void *bytes, size_t len)
{
    int fd;

    if (len <= INPUT_IN_MEMORY)
        fd = memfd_create("input", MFD_CLOEXEC);
    else
        fd = openat(sup->work_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && len > INPUT_IN_MEMORY) {
        fd = openat(sup->work_fd, ".input",
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        unlinkat(sup->work_fd, ".input", 0);
    }
    for (size_t done = 0; fd >= 0 && done < len;) {
        const ssize_t n =
            pwrite(fd, (const char *)bytes + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            const int failed = n ? errno : EIO;
            close(fd);
            errno = failed;
            return -1;
        }
        done += (size_t)n;
    }
    return fd;
}

static bool may_pass(int sys)
{
    return sys == EAGAIN || sys == ENOMEM || sys == EMFILE || sys == ENFILE ||
           sys == ETXTBSY;
}

static void refuse(struct attempt *attempt, const struct start *start,
                   const struct spawn_error *error)
{
    struct outcome *outcome = &attempt->outcome;
    const char *why = strerror(error->sys);

    outcome->state = FF_RUN_REFUSED;
    outcome->started_us = 0;
    free(outcome->message); /* of limits */
    outcome->message = NULL;
    if (error->step == SPAWN_DIR)
        outcome_say(outcome, "cannot work in %.150s: %s", start->dir, why);
    else if (error->step == SPAWN_EXEC && error->sys == E2BIG)
        outcome_say(outcome,
                    "cannot run %.120s: its arguments and environment are "
                    "larger than the system allows",
                    start->argv[0]);
    else if (error->step == SPAWN_EXEC)
        outcome_say(outcome, "cannot run %.150s: %s", start->argv[0], why);
    else
        outcome_say(outcome, "cannot set the limits of the process: %s", why);
    attempt_finish(attempt);
}

static int run(struct attempt *attempt, const struct start *start, int in_fd,
               const int out_fds[2], struct ff_err *err)
{
    struct sup *sup = attempt->sup;
    char work[PATH_MAX];
    struct spawn_error error;
    struct spawn how = {
        .argv = start->argv,
        .env = start->env,
        .dir = start->dir,
        .in_fd = in_fd,
        .out_fd = out_fds[0],
        .err_fd = out_fds[1],
    };

    if (!how.dir) {
        dirs_work_path(sup, attempt, work, sizeof(work));
        how.dir = work;
    }
    limits_begin(attempt, start, &how);
    attempt->outcome.started_us = wall_us();
    attempt->pid = spawn(&how, &error);
    FAILPOINT("supervisor.spawned");
    limits_started(attempt);
    if (attempt->pid > 0)
        return FF_OK;
    attempt->pid = 0;
    if (error.step == SPAWN_CLONE || may_pass(error.sys))
        return ff_fail(err, FF_BUSY, error.sys, "cannot start a process: %s",
                       strerror(error.sys));
    refuse(attempt, start, &error);
    return FF_OK;
}

static void close_all(int in_fd, const int out_fds[2])
{
    if (in_fd >= 0)
        close(in_fd);
    close(out_fds[0]);
    close(out_fds[1]);
}

static int launch(struct attempt *attempt, const struct start *start,
                  struct ff_err *err)
{
    struct sup *sup = attempt->sup;
    int in_fd = -1;
    int out_fds[2];

    if (start->input) {
        in_fd = make_input(sup, start->input, start->input_len);
        if (in_fd < 0)
            return ff_fail(err, may_pass(errno) ? FF_BUSY : FF_UNAVAILABLE, errno,
                           "standard input cannot be stored: %s", strerror(errno));
    }
    struct spool *spool = malloc(sizeof(*spool));
    if (!spool || !spool_open(spool, &sup->loop, out_fds)) {
        const int failed = errno;
        free(spool);
        if (in_fd >= 0)
            close(in_fd);
        return ff_fail(err, FF_BUSY, failed, "no pipes for the output: %s",
                       strerror(failed));
    }
    attempt->spool = spool;
    int code = FF_OK;
    if (!spool_into(spool, start->log_dir, start->log_max_bytes, start->masks))
        code = ff_fail(err, FF_BUSY, ENOMEM, "no memory for another attempt");
    else
        code = run(attempt, start, in_fd, out_fds, err);
    close_all(in_fd, out_fds);
    return code;
}

/* What must not fail later is set aside first. */
static int reserve(struct attempt *attempt, const struct start *start,
                   struct ff_err *err)
{
    struct sup *sup = attempt->sup;

    if (!loop_reserve_timers(&sup->loop, sup->table.n + 8))
        return ff_fail(err, FF_BUSY, ENOMEM, "no memory for another attempt");
    attempt->slot = live_take(&sup->live, attempt->id, attempt->born_ticks);
    if (attempt->slot == LIVE_NONE)
        return ff_fail(err, FF_BUSY, errno, "%u attempts run already, or %s is full",
                       sup->live.n_used, sup->dir);
    if (!dirs_make(sup, attempt, !start->dir))
        return ff_fail(err, may_pass(errno) ? FF_BUSY : FF_UNAVAILABLE, errno,
                       "cannot make a directory in %s: %s", sup->dir, strerror(errno));
    return FF_OK;
}

static void begin_running(struct attempt *attempt, const struct start *start)
{
    struct sup *sup = attempt->sup;
    const int64_t now = mono_us();

    attempt->grace_us = start->grace_us;
    if (start->timeout_us > 0)
        attempt->expires_us = now + start->timeout_us;
    live_started(&sup->live, attempt->slot, attempt->pid);
    FAILPOINT("supervisor.live");
    table_add_pid(&sup->table, attempt);
    sup->n_running++;
    sup->n_started++;
    loop_timer_del(&sup->loop, &sup->idle);
    int64_t due = now + WATCH_AFTER_US;
    if (attempt->expires_us && attempt->expires_us < due)
        due = attempt->expires_us;
    loop_timer(&sup->loop, &attempt->timer, due);
}

static struct attempt *make(struct sup *sup, const char *id)
{
    const size_t len = strlen(id);

    struct attempt *attempt = calloc(1, sizeof(*attempt) + len + 1);
    if (!attempt)
        return NULL;
    memcpy(attempt->id, id, len + 1);
    attempt->sup = sup;
    attempt->slot = LIVE_NONE;
    attempt->timer.fn = on_timer;
    if (table_add(&sup->table, attempt))
        return attempt;
    free(attempt);
    return NULL;
}

struct attempt *attempt_revive(struct sup *sup, const char *id, enum phase phase)
{
    struct attempt *attempt = make(sup, id);

    if (!attempt)
        return NULL;
    attempt->phase = phase;
    attempt->reaped = true;
    journal_hold(&sup->journal, id);
    return attempt;
}

struct attempt *attempt_note_lost(struct sup *sup, const char *id)
{
    if (sup->table.n >= KNOWN_MAX ||
        !journal_reserve(&sup->journal, id, attempts_keep, sup))
        return NULL;
    struct attempt *attempt = make(sup, id);
    if (!attempt) {
        journal_unreserve(&sup->journal, id);
        return NULL;
    }
    attempt->reaped = true;
    attempt->outcome.state = FF_RUN_LOST;
    attempt->outcome.ended_us = wall_us();
    outcome_say(&attempt->outcome, "the runtime does not know this attempt");
    attempt_finish(attempt);
    return attempt;
}

static void undo(struct attempt *attempt)
{
    struct sup *sup = attempt->sup;

    if (attempt->spool) {
        spool_drop(attempt->spool);
        free(attempt->spool);
    }
    if (attempt->slot != LIVE_NONE)
        dirs_remove(sup, attempt);
    limits_end(attempt);
    free(attempt->outcome.message);
    live_give(&sup->live, attempt->slot);
    journal_unreserve(&sup->journal, attempt->id);
    table_del(&sup->table, attempt);
    free(attempt);
}

int attempt_start(struct sup *sup, struct client *client, const struct start *start,
                  struct ff_err *err)
{
    struct attempt *attempt = table_by_id(&sup->table, start->id);

    if (attempt) {
        attempt->client = client;
        return FF_OK;
    }
    if (sup->stopping)
        return ff_fail(err, FF_UNAVAILABLE, 0, "the supervisor is being stopped");
    if (sup->table.n >= KNOWN_MAX)
        return ff_fail(err, FF_BUSY, 0, "%d attempts are known and not released",
                       KNOWN_MAX);
    if (!journal_reserve(&sup->journal, start->id, attempts_keep, sup))
        return ff_fail(err, FF_UNAVAILABLE, errno, "%s/" RL_JOURNAL " cannot grow: %s",
                       sup->dir, strerror(errno));
    attempt = make(sup, start->id);
    if (!attempt) {
        journal_unreserve(&sup->journal, start->id);
        return ff_fail(err, FF_BUSY, ENOMEM, "no memory for another attempt");
    }
    attempt->phase = RUNNING;
    attempt->born_ticks = live_ticks();
    int code = reserve(attempt, start, err);
    FAILPOINT("supervisor.reserved");
    if (!code)
        code = launch(attempt, start, err);
    if (code) {
        undo(attempt);
        return code;
    }
    attempt->client = client;
    if (attempt->phase == RUNNING)
        begin_running(attempt, start);
    return FF_OK;
}
