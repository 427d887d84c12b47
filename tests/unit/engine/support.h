/* support.h - a run in memory with the least shell around it: rows kept in an array,
 * slots without end, results by a script. Time is a number. */
#ifndef TESTS_ENGINE_SUPPORT_H
#define TESTS_ENGINE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "flow/flow.h"

struct stored_task {
    struct task_row row;
    char task[64], reason[64], message[300], awaits[300];
    char *outputs;
};

struct timer_set {
    int64_t node, at;
    enum timer_kind kind;
};

struct told_wait {
    int64_t node, attempt;
    char name[64], key[64];
};

struct world {
    struct plan *plan;
    struct run *run;
    struct run_row row; /* as stored */
    char reason[64], message[400], reset[128], paused[300];
    char *outputs;
    struct buf artifacts; /* hashes of the rows written: "HASH SIZE; " */
    struct {
        struct stored_task *items;
        size_t n, cap;
    } tasks;
    struct {
        int64_t *items;
        size_t n, cap;
    } offered, started, adopted, stopped;
    struct {
        struct timer_set *items;
        size_t n, cap;
    } timers;
    struct { /* EFFECT_LOOK_UP without an answer */
        struct look_up_wanted {
            int64_t node;
            char hash[SHA256_TEXT];
        } * items;
        size_t n, cap;
    } look_ups;
    struct { /* rows of the cache, which other worlds may be given */
        struct cached {
            char hash[SHA256_TEXT], task[64], key[64], artifacts[128];
            char *outputs;
            int64_t expires_at;
        } * items;
        size_t n, cap;
    } cache;
    struct { /* as EFFECT_AWAIT says, and as rows say: without a version */
        struct told_wait *items;
        size_t n, cap;
    } waits, wait_rows;
    struct buf history; /* all event bodies, a line a step */
    char asked[256];    /* the key of the last EFFECT_ADMIT */
    struct buf limits;  /* of all offers: "0+3 semaphore:gpu*1/0/0; " */
    int64_t now;
    int64_t slots_out; /* granted and not free again */
    bool ended;
    bool taken;                   /* the last signal */
    enum effect_pause told_child; /* by the last EFFECT_CHILD since it was loaded */
    int child_stops;              /* the same, how many */
};

/* Parses and begins. inputs: JSON object or NULL. Fails the test on a bad file. */
struct world *world_new(const char *yaml, const char *inputs);
void world_free(struct world *w);

/* Inputs; each is a step of its own. */
void world_input(struct world *w, struct input in);
/* Grants everything that is offered; true if there was something. */
bool world_grant(struct world *w);
bool world_grant_one(struct world *w);
/* The running attempt of this node ends. outputs: JSON or NULL. */
void world_result(struct world *w, const char *path, enum outcome outcome,
                  int exit_code, const char *outputs);
void world_succeed(struct world *w, const char *path);
/* Grants and succeeds until nothing runs any more. */
void world_finish(struct world *w);
void world_cancel(struct world *w, enum cancel_mode mode);
/* 0: there is none. */
int64_t world_timer_at(const struct world *w, int64_t node, enum timer_kind kind);
/* Lets time pass to the next timer and fires it; false: there is none. */
bool world_next_timer(struct world *w);

/* Answers all look-ups from the rows of `cache`, which may be another world's; how many
 * were answered. */
size_t world_look_up(struct world *w, const struct world *cache);

/* Throws the run away and loads it again from its rows, as after a crash. */
void world_restart(struct world *w);

/* Opens a run that is over again, as engine.h has it, and loads it. */
void world_reopen(struct world *w, const char *reset);

/* What is stored of a task ("fetch", "fetch.3"): its state's name, or "" when it has
 * no row. */
const char *world_state(struct world *w, const char *path);
const char *world_reason(struct world *w, const char *path);
const char *world_run_state(const struct world *w);
int64_t world_node(struct world *w, const char *path);
int64_t world_attempt(struct world *w, const char *path);
size_t world_running(const struct world *w);

#endif
