/* logs_follow_priv.h - following logs: logs_follow.c waits and decides when it is over,
 * logs_follow_run.c knows runs, the runs inside them, and the folders of their
 * attempts.
 */
#ifndef CLI_LOGS_LOGS_FOLLOW_PRIV_H
#define CLI_LOGS_LOGS_FOLLOW_PRIV_H

#include "cli/logs/logs_follow.h"
#include "cli/owner/owner_link.h"
#include "cli/view/track.h"

/* The folder of one attempt. */
struct attempt_dir {
    int wd; /* -1: not watched, its attempt is over */
    char *path;
    struct log_source *sources[2];
    size_t n_sources;
};

/* A run: the one that was asked for, or one inside it. */
struct followed {
    struct track *track;
    char *way; /* to it, before the names of its tasks: "city.2/"; "" */
    char *run_dir, *logs_dir;
    int run_wd, logs_wd; /* -1: not watched */
    struct map inside;   /* node + 1 -> struct followed, that run now */
    struct map flows;    /* task + 1 -> struct flow of the runs that it is */
    struct {
        struct attempt_dir **items;
        size_t n, cap;
    } dirs; /* that are watched */
    struct {
        struct turn {
            int64_t node, attempt;
            bool begins;
        } * items;
        size_t n, cap;
    } turns; /* of runs inside, read and not yet followed */
};

struct following {
    struct logs_follow_setup setup;
    struct followed *root;
    struct map by_id; /* of the run -> struct followed */
    int inotify;
    int data_wd, runs_wd;
    struct loop_watch *watch;
    struct map runs_by_wd; /* wd + 1, of a run's folders -> struct followed */
    struct map dirs_by_wd; /* wd + 1 -> struct attempt_dir */
    struct map by_path;    /* text -> the same, of all that were ever seen */
    struct log_merge merge;
    struct owner_link *link;
    char *socket;
    struct loop_timer *retry;
    int tries;
    bool waited;      /* it was not over when it was looked at first */
    bool begun;       /* events from now on are news */
    bool picked_over; /* the item or the attempt that was asked for has ended */
    int code;
};

/* Takes the track and the way over; reads and watches nothing yet. */
struct followed *followed_new(struct following *f, struct track *track, char *way);
/* Also those inside it. Takes NULL. */
void followed_free(struct following *f, struct followed *x);
/* What happened since, in it and then in those inside that began. Exit code. */
int followed_read(struct following *f, struct followed *x);
/* Of what ran before it was followed: those inside, however deep. Exit code. */
int followed_open_inside(struct following *f, struct followed *x);
/* Its folder of logs, once there is one. */
void followed_watch(struct following *f, struct followed *x);
/* Its attempts that are there and not known yet. */
void followed_scan(struct following *f, struct followed *x);

/* A folder that is there: new sources, unless they are known. */
void followed_add_dir(struct following *f, struct followed *x, const char *path,
                      bool is_new);
/* A source that was found otherwise; takes it over. */
void followed_adopt(struct following *f, struct log_source *s);
void followed_look_at(struct following *f, const struct attempt_dir *d, bool last);

#endif
