/* rest/live.h - streams that go on: what happens in a tenant or a run, and what a task
 * writes, as server-sent events or by a WebSocket.
 *
 * A source is what streams have in common: one tenant's steps, one run's, one task's
 * log. When something new is there it is read once, a page at a time, and given to all
 * streams that are at its tip; who is behind reads for himself, and takes no more while
 * he owes. Nothing is kept for anybody: each stream has a place, which is the cursor
 * that its reader comes back with. Loop thread, but for what `open` and `read` do. */
#ifndef REST_LIVE_H
#define REST_LIVE_H

#include "rest/rest_priv.h"

struct live_source;
struct live;

/* Where a stream is, in the order of its source: a before b. */
struct live_place {
    int64_t a, b;
};
static inline bool live_is_behind(struct live_place x, struct live_place y)
{
    return x.a < y.a || (x.a == y.a && x.b < y.b);
}

/* What a source is about. */
struct live_about {
    const struct live_kind *kind;
    struct tenant tenant;
    int64_t project;
    int64_t run, node; /* 0: of all of them */
    int64_t attempt;   /* of a log; 0: this one, and those after it */
    bool sdk;
    char run_id[ID_TEXT];
    char task[96]; /* as folders of logs are called */
};

/* What some streams of a tenant leave out. */
#define LIVE_KINDS_MAX 16
struct live_filter {
    char run[ID_TEXT];
    char workflow[64];
    char kinds[LIVE_KINDS_MAX][64];
    size_t n_kinds;
};

/* Text stands in the read's arena. */
struct live_item {
    struct live_place place;
    const char *json;
    size_t len;
    const char *cursor;
    const char *run, *workflow; /* of a tenant's steps, as the rest; else NULL */
    const char *types;          /* " task.failed run.finished " */
    int64_t project;
};

#define LIVE_PAGE_ITEMS 200
#define LIVE_PAGE_BYTES ((size_t)256 * 1024) /* then the page ends */

/* One page behind `from`. */
struct live_read {
    struct rest *rest;
    struct live_about about;
    struct live_place from;
    struct store *store;
    struct store_reader *reader;
    struct arena arena;
    struct {
        struct live_item *items;
        size_t n, cap;
    } page;
    size_t bytes;
    struct live_place last; /* that was looked at */
    bool full;              /* there may be more */
    bool over;              /* there will never be more */
    int code;
    struct ff_err err;
};
bool live_has_room(const struct live_read *r);
/* json is a whole object but for its '{' and the cursor in front. */
void live_add_item(struct live_read *r, struct live_item item, const struct buf *json);

/* What `open` finds out, on a lane, for live_begin. */
struct live_ask {
    struct live_about about;
    struct live_place at;
    bool returns; /* there may be something behind `at` already */
    struct live_filter filter;
    bool filters;
};

struct live_kind {
    const char *name;
    /* FF_OK: c->live says what is wanted; or the problem. */
    rest_handle_fn *open;
    int (*read)(struct live_read *r, struct ff_err *err);
    bool files; /* what is told stands in files: see live_files.c */
};
extern const struct live_kind live_events, live_history, live_logs;

extern const struct rest_shape shape_live_step;
rest_handle_fn rest_events_list; /* live_events.c */

void live_cursor_add(const struct rest *r, const struct live_about *about,
                     struct live_place place, struct buf *out);
/* That of the request: Last-Event-ID, or ?cursor. *given false: it has none. */
int live_cursor_read(struct rest_call *c, const struct live_about *about,
                     struct live_place *place, bool *given, struct ff_err *err);
bool live_wants(const struct live_filter *f, const struct live_item *item);

/* --- the streams of a server (live.c) --- */

/* Whose credential streams were opened with (live_callers.c). */
struct live_caller {
    char hash[SHA256_TEXT];
    char *token; /* NULL: the local user */
    struct principal who;
    struct http_peer peer; /* of the first of them */
    size_t n_streams;
    bool asking;
};

struct live_source {
    struct live_about about;
    struct live_source *next_of_run;
    struct list streams;
    struct list turn; /* of those that wait to be read; else linked to itself */
    uint64_t n_wakes;
    bool wanted;  /* something is there to be read for those at the tip */
    bool reading; /* for them */
    size_t n_reads;
    struct live_files {
        int wd; /* -1: none */
        int64_t attempt;
        bool missing; /* the folder is looked for now and then */
    } files;
};

enum live_state {
    LIVE_TIP,
    LIVE_RETURNING, /* waits for a page of its own, or has it read */
    LIVE_OWING      /* takes nothing until all that was sent is out */
};

struct live {
    struct list link; /* of its source */
    struct list turn; /* of those that return; else linked to itself */
    struct live_streams *all;
    struct live_source *source;
    struct live_caller *caller;
    struct live_filter *filter; /* NULL: none */
    struct http_stream *sse;    /* one of the two; both NULL: it has gone */
    struct http_websocket *ws;
    struct live_place at;
    enum live_state state;
    bool reading;
};

struct live_streams {
    struct rest *rest;
    struct map sources; /* by key */
    struct map by_run;  /* the first source of each */
    struct map callers; /* by hash */
    struct list returning;
    struct list waiting; /* sources */
    size_t n_streams;
    size_t n_returning; /* pages being read for them */
    size_t n_tips;      /* for those at the tip of their sources */
    struct loop_timer *retry, *check;
    struct live_watch *watch; /* live_files.c; NULL: not needed yet */
    struct live_look *look;   /* live_follow.c; the same */
};

struct live_streams *live_streams_new(struct rest *r);
/* Has all of them end; new ones are refused. */
void live_streams_end(struct live_streams *all);
void live_streams_free(struct live_streams *all); /* takes NULL */

/* Is the request one for a stream? (live_open.c) */
bool live_is_wanted(const struct rest_call *c);
/* Turns the reply into a stream, or answers; the call is gone. */
void live_begin(struct rest_call *c);

/* There may be something new. */
void live_wake(struct live_streams *all, struct live_source *s);
/* It reads for itself, until it is at the tip. */
void live_return(struct live *s);
void live_drained(struct live *s); /* all that was sent is out */
void live_let_go(struct live *s);  /* its reader has gone */
/* Ends it; "over", "denied", "stopping". It may be gone afterwards. */
void live_end(struct live *s, const char *why);
void live_source_put(struct live_streams *all, struct live_source *s); /* if unused */
struct live_source *live_source_get(struct live_streams *all,
                                    const struct live_about *about);

/* --- live_callers.c --- */

/* NULL with a problem: he has as many streams as he may. */
struct live_caller *live_caller_get(struct live_streams *all, struct rest_call *c,
                                    struct ff_err *err);
void live_caller_put(struct live_streams *all, struct live_caller *caller);
/* Credentials are looked at again: now; every few seconds, while there are streams. */
void live_callers_look(struct live_streams *all);
void live_callers_watch(struct live_streams *all);

/* What is spoken on its WebSockets; the credential of a browser, which can send no
 * header, is another one that it offers: this and the token. */
#define LIVE_PROTOCOL "flowforge.events.v1"
#define LIVE_BEARER   "flowforge.bearer."

/* --- live_send.c: one stream as its protocol has it --- */

/* False: the request was answered in another way. It begins with its cursor. */
bool live_open(struct live *s, struct http_reply *reply, bool ws, const char *cursor);
bool live_send(struct live *s, const struct live_item *item);
size_t live_owes(const struct live *s);
void live_close(struct live *s, const char *why);

/* A step of this run is there. */
void live_step(struct live_streams *all, struct tenant t, int64_t run);

/* --- live_follow.c: what other processes commit --- */

void live_follow(struct live_streams *all); /* there are streams */
void live_follow_free(struct live_streams *all);

/* --- live_files.c: inotify tells of what is written --- */

/* Watches the folder of that attempt. True: from now on, so there may be more than was
 * read. */
bool live_files_watch(struct live_streams *all, struct live_source *s, int64_t attempt);
void live_files_leave(struct live_streams *all, struct live_source *s);
void live_files_free(struct live_streams *all);

/* --- live_logs.c: places in logs --- */

int64_t live_log_attempt(struct live_place place);

#endif
