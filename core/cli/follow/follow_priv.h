/* cli/follow/follow_priv.h - following: follow.c leads from owner to client and back,
 * follow_read.c brings what is committed into the tracks, follow_inside.c what is
 * inside them, follow_there.c does all of it for runs of a server, follow_stop.c is how
 * it is told to stop. */
#ifndef CLI_FOLLOW_FOLLOW_PRIV_H
#define CLI_FOLLOW_FOLLOW_PRIV_H

#include "cli/follow/follow.h"
#include "cli/owner/owner.h"
#include "cli/owner/owner_link.h"
#include "cli/owner/signals.h"
#include "cli/view/view.h"

enum stop {
    STOP_DONE = 1,  /* all runs are final */
    STOP_LEAVE,     /* told to, by a signal */
    STOP_FATAL,     /* the store is dead */
    STOP_OWNER_LOST /* try again to be the owner, or to find it */
};

struct follow {
    struct follow_setup setup;
    struct {
        struct track **items;
        size_t n, cap;
    } tracks;
    struct view view;
    struct signals *signals;
    struct owner owner;
    bool led;       /* it was the owner, now or before */
    bool leads;     /* owner is started */
    char *socket;   /* of the owner, while this is a client */
    bool elsewhere; /* it is on another host: there are only its rows */
    bool heard;     /* from an owner, in this attempt */
    bool happened;  /* something was read, since it was last looked at */
    bool away;      /* so is the server, for the moment */
    bool untold;    /* it has not heard of `asked` */
    bool in_loop;   /* a loop_stop would end our wait, and nobody else's */
    enum cancel_mode asked;
    enum cancel_mode left; /* of that, as a request of its rows */
    int n_interrupts;
    int signo;
    struct loop_timer *retry_cancel, *look_again, *pause, *look_at_limits;
    int looks;
    struct ff_err fatal;
};

/* follow.c */
enum stop follow_wait(struct follow *f);

/* follow_there.c. Exit code; has printed why. */
int follow_there(struct follow *f, enum stop *why);

/* follow_read.c */
int follow_open_tracks(struct follow *f);
/* Reads what happened since; ends the wait when all runs are final. Exit code. */
int follow_read(struct follow *f, struct track *t, bool silent);
/* The same without a word where it cannot be. */
void follow_try(struct follow *f, struct track *t);
/* One step that somebody tells. */
void follow_step(struct follow *f, struct track *t, const struct event_row *step,
                 const json_t *events);
int follow_read_all(struct follow *f, bool silent);
bool follow_all_final(const struct follow *f);
struct track *follow_find(const struct follow *f, int64_t run);
/* A run is said to be final: its row is what counts. */
void follow_saw_final(struct follow *f, struct track *t);

/* follow_limits.c: until its timer is deleted. */
void follow_limits_begin(struct follow *f);

/* follow_inside.c. Before each picture, with the follow itself. */
void follow_inside_look(void *arg);
/* The run of this number, if a picture shows it inside a followed one. */
struct track *follow_inside_find(const struct follow *f, int64_t run);

/* follow_stop.c */
void follow_on_signal(void *arg, int signo);
void follow_end_wait(struct follow *f, enum stop why);
/* Passes on what was asked, once there is somebody to pass it to. */
void follow_pass_cancel(struct follow *f);

#endif
