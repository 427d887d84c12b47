/* record.c - the end of attempts: their outcomes go to the journal, then to the
 * clients, and at last they are forgotten. */
#include "../../shared/failpoint.h"
#include "attempt.h"
#include "client.h"
#include "dirs.h"
#include "limits.h"
#include "sup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static void close_spool(struct attempt *attempt)
{
    struct spool *spool = attempt->spool;
    struct outcome *outcome = &attempt->outcome;

    if (!spool)
        return;
    spool_finish(spool);
    outcome->log_chunks = spool->chunks;
    outcome->log_bytes = spool->kept;
    outcome->log_dropped = spool->dropped;
    if (spool->dropped > spool->over)
        outcome_say(outcome, "%llu bytes of output could not be written: %s",
                    (unsigned long long)(spool->dropped - spool->over),
                    strerror(spool->gap_errno));
    spool->next = attempt->sup->dead;
    attempt->sup->dead = spool;
    attempt->spool = NULL;
}

void attempt_finish(struct attempt *attempt)
{
    struct sup *sup = attempt->sup;

    loop_timer_del(&sup->loop, &attempt->timer);
    close_spool(attempt);
    limits_end(attempt);
    if (attempt->pid) {
        tree_disown(sup, attempt);
        table_del_pid(&sup->table, attempt);
        sup->n_running--;
    }
    attempt->phase = FINISHED;
    attempt->serial = journal_serial(&sup->journal);
    attempt->next = sup->finished;
    sup->finished = attempt;
}

void attempts_keep(void *arg, struct journal *journal)
{
    struct sup *sup = arg;

    for (struct attempt *attempt = table_first(&sup->table); attempt;
         attempt = table_next(&sup->table, attempt))
        if (attempt->phase >= FINISHED)
            journal_put(journal, attempt->serial, attempt->id, &attempt->outcome);
}

static void forget(struct attempt *attempt)
{
    struct sup *sup = attempt->sup;

    FAILPOINT("supervisor.forget");
    journal_forget(&sup->journal, attempt->serial);
    journal_unreserve(&sup->journal, attempt->id);
    dirs_remove(sup, attempt);
    table_del(&sup->table, attempt);
    free(attempt->outcome.message);
    free(attempt);
}

void attempt_release(struct attempt *attempt)
{
    if (attempt->phase == ENDED)
        forget(attempt);
    else
        attempt->released = true;
}

static void publish(struct attempt *attempt)
{
    attempt->phase = ENDED;
    live_give(&attempt->sup->live, attempt->slot);
    attempt->slot = LIVE_NONE;
    FAILPOINT("supervisor.told.before");
    if (attempt->client)
        client_event(attempt->client, attempt);
    if (attempt->released)
        forget(attempt);
}

/* What was told may be lost with it: nobody is taken for such as never began. */
static void die_of_journal(struct sup *sup, int failed)
{
    live_new_line(&sup->live);
    sup_die(sup, "cannot write " RL_JOURNAL, failed);
}

static void on_flushed(struct source *source, uint32_t events)
{
    struct sup *sup = container_of(source, struct sup, flushed);

    (void)events;
    const int failed = flusher_end(&sup->journal.flusher);
    FAILPOINT("supervisor.journal.flushed");
    if (failed)
        die_of_journal(sup, failed);
}

bool attempts_record_begin(struct sup *sup)
{
    if (!flusher_start(&sup->journal.flusher))
        return false;
    sup->flushed =
        (struct source){.fn = on_flushed, .fd = sup->journal.flusher.done_fd};
    return loop_watch(&sup->loop, &sup->flushed, EPOLLIN);
}

/* Not before those that were called lost are in the journal: a successor must not take
 * them for such as never began. After a reboot it takes nobody for such. */
static void note_knowledge(struct sup *sup)
{
    if (!sup->all_named || sup->finished)
        return;
    sup->all_named = false;
    live_set_knows(&sup->live, LIVE_ALL);
}

static void write_journal(struct sup *sup)
{
    struct attempt *attempt = sup->finished;

    for (; attempt; attempt = attempt->next)
        journal_put(&sup->journal, attempt->serial, attempt->id, &attempt->outcome);
    FAILPOINT("supervisor.journal.before");
    const int failed = journal_write(&sup->journal, attempts_keep, sup);
    if (failed)
        die_of_journal(sup, failed);
}

/* What is written survives us, and is told. Its flush, for a failure of the machine,
 * goes on meanwhile: who is told makes it durable in its own store before it acts, and
 * the flush before would only delay that. One flush at a time: what is written during
 * it goes together in the next. */
void attempts_record(struct sup *sup)
{
    if (sup->finished || sup->journal.pending.len >= JOURNAL_LAZY_BYTES)
        write_journal(sup);
    if (sup->finished)
        FAILPOINT("supervisor.journal.written");
    journal_flush(&sup->journal);
    while (sup->finished) {
        struct attempt *attempt = sup->finished;
        sup->finished = attempt->next;
        publish(attempt);
    }
    note_knowledge(sup);
}
