/* sup.h - the supervisor: what its parts share. */
#ifndef SUPERVISOR_SUP_H
#define SUPERVISOR_SUP_H

#include "attempt.h"
#include "cgroup.h"
#include "journal.h"
#include "live.h"
#include "loop.h"
#include "protocol.h"
#include "table.h"
#include "tree.h"

#include <stddef.h>
#include <sys/types.h>

#define KNOWN_MAX 65536 /* attempts not released yet, running or ended */

#define container_of(ptr, type, member)                                                \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct sup {
    struct loop loop;
    struct table table;
    struct journal journal;
    struct live live;
    struct orphans orphans;
    struct pids children; /* kept for its memory */
    const char *dir;      /* absolute; also the current directory */
    char *out_prefix;     /* what every $FF_OUT begins with */
    struct cgroups cgroups;
    uid_t uid; /* ours, and the tasks' */
    int dir_fd;
    int out_fd;
    int work_fd;
    int trash_fd;
    struct source listener;
    struct source signals;
    struct source flushed;
    struct timer idle;
    struct timer listen_again; /* after there were no descriptors for a client */
    struct timer sweep_again;
    int64_t idle_exit_us;
    uint64_t nofile;
    int spare_fd; /* closed to refuse a client when there is no other */
    struct client *clients;
    uint32_t n_clients;
    uint32_t n_greeted; /* of them: only these keep an idle supervisor */
    uint32_t n_running;
    uint64_t n_started;
    struct attempt *finished;
    struct spool *dead; /* freed between rounds, when no event points to them */
    pid_t sweeper;      /* the process that empties the trash; 0: none */
    bool trash;         /* there is something in it */
    bool forgot;        /* outcomes that the supervisor before us knew */
    bool all_named;     /* the core has named all that stood when it came */
    bool stopping;
    bool stop_now;
    char **words; /* scratch for argv and env */
    size_t words_cap;
};

/* Makes DIR/supervisor.log standard error. */
void open_log(const struct sup *sup);

/* One line to the log, which is kept small. */
void say(struct sup *sup, const char *fmt, ...) FF_PRINTF(2, 3);

/* What the disk holds is not known any more: kills all tasks and ends. */
_Noreturn void sup_die(struct sup *sup, const char *what, int sys);

#endif
