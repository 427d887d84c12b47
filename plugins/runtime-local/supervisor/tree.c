/* tree.c - see tree.h. */
#include "tree.h"

#include "sup.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct orphan *find_orphan(struct orphans *orphans, pid_t pid)
{
    for (size_t i = 0; i < orphans->n; i++)
        if (orphans->list[i].pid == pid)
            return &orphans->list[i];
    return NULL;
}

static struct attempt *owner_of(struct sup *sup, pid_t pid,
                                const struct proc_stat *stat)
{
    char name[RL_NAME_SIZE];
    struct attempt *attempt = table_by_pid(&sup->table, stat->session);

    if (attempt && stat->start_ticks >= attempt->born_ticks)
        return attempt;
    if (!proc_out_name(pid, sup->out_prefix, name, sizeof(name)))
        return NULL;
    attempt = table_by_dir(&sup->table, name);
    return attempt && attempt->phase >= RUNNING && attempt->phase <= KILLING ? attempt
                                                                             : NULL;
}

static void add_orphan(struct sup *sup, pid_t pid)
{
    struct orphans *orphans = &sup->orphans;
    struct proc_stat stat;

    if (!proc_stat(pid, &stat))
        return;
    if (orphans->n == orphans->cap) {
        const size_t cap = orphans->cap ? orphans->cap * 2 : 16;
        struct orphan *list = realloc(orphans->list, cap * sizeof(*list));
        if (!list)
            return;
        orphans->list = list;
        orphans->cap = cap;
    }
    orphans->list[orphans->n++] = (struct orphan){
        .pid = pid,
        .start_ticks = stat.start_ticks,
        .owner = owner_of(sup, pid, &stat),
    };
}

static bool is_main(const struct sup *sup, pid_t pid)
{
    const struct attempt *attempt = table_by_pid(&sup->table, pid);
    return (attempt && !attempt->reaped) || pid == sup->sweeper;
}

void tree_refresh(struct sup *sup)
{
    struct pids *children = &sup->children;

    children->n = 0;
    proc_children(children);
    for (size_t i = 0; i < children->n; i++) {
        const pid_t pid = children->list[i];
        if (!is_main(sup, pid) && !find_orphan(&sup->orphans, pid))
            add_orphan(sup, pid);
    }
}

/* Whether an attempt that still runs may be the owner. */
static bool may_be_wanted(struct sup *sup, const struct orphan *orphan)
{
    for (const struct attempt *attempt = table_first(&sup->table); attempt;
         attempt = table_next(&sup->table, attempt))
        if (attempt->phase == RUNNING && !attempt->reaped &&
            attempt->born_ticks <= orphan->start_ticks)
            return true;
    return false;
}

size_t tree_orphans(struct sup *sup, struct attempt *ending)
{
    size_t n = 0;

    for (size_t i = 0; i < sup->orphans.n; i++) {
        struct orphan *orphan = &sup->orphans.list[i];
        if (!orphan->owner && !may_be_wanted(sup, orphan))
            orphan->owner = ending;
        n += orphan->owner == ending;
    }
    return n;
}

struct attempt *tree_reaped(struct sup *sup, pid_t pid)
{
    struct orphan *orphan = find_orphan(&sup->orphans, pid);

    if (!orphan)
        return NULL;
    struct attempt *owner = orphan->owner;
    *orphan = sup->orphans.list[--sup->orphans.n];
    return owner;
}

void tree_disown(struct sup *sup, const struct attempt *attempt)
{
    for (size_t i = 0; i < sup->orphans.n; i++)
        if (sup->orphans.list[i].owner == attempt)
            sup->orphans.list[i].owner = NULL;
}

/* A group is killed in one step, which a process that forks as fast as we look
 * cannot escape. Only groups that a member of the tree leads are ours to kill. */
static void kill_groups(const struct attempt *attempt, const struct pids *pids)
{
    if (attempt->pid && !attempt->reaped)
        kill(-attempt->pid, SIGKILL);
    for (size_t i = 0; i < pids->n; i++) {
        const pid_t group = getpgid(pids->list[i]);
        if (group > 0 && (group == attempt->pid || pids_has(pids, group)))
            kill(-group, SIGKILL);
    }
}

void tree_signal(struct sup *sup, const struct attempt *attempt, int signal)
{
    struct pids pids = {0};

    /* Parents come before their children: a shell that outlived its child for a
     * moment would go on with the next line of its script. A number read from /proc
     * cannot be another process's by now: numbers are given in turn. */
    if (attempt->pid && !attempt->reaped) {
        pids_add(&pids, attempt->pid);
        proc_tree(attempt->pid, &pids);
    }
    for (size_t i = 0; i < sup->orphans.n; i++) {
        if (sup->orphans.list[i].owner != attempt)
            continue;
        pids_add(&pids, sup->orphans.list[i].pid);
        proc_tree(sup->orphans.list[i].pid, &pids);
    }
    if (signal == SIGKILL)
        kill_groups(attempt, &pids);
    for (size_t i = 0; i < pids.n; i++) {
        kill(pids.list[i], signal);
        if (signal != SIGKILL)
            kill(pids.list[i], SIGCONT); /* a stopped one could not act on it */
    }
    pids_done(&pids);
}
