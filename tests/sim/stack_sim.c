/* stack_sim.c - calls on stacks of their own. core/node gives the shard up by running
 * its loop until all is durable; in this world that loop is one of several, so the call
 * has to wait while the others go on. A thread each, of which exactly one runs: what
 * they do is as much in one order as without them. */
#include "sim.h"

#include <pthread.h>

struct stack {
    ff_call_fn *fn;
    void *arg;
    bool done;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static struct stack *turn; /* who runs; NULL: the world */

static void wait_for(const struct stack *s)
{
    while (turn != s)
        pthread_cond_wait(&turned, &mutex);
}

static void hand_to(struct stack *s)
{
    turn = s;
    pthread_cond_broadcast(&turned);
}

static void *run(void *arg)
{
    struct stack *s = arg;

    pthread_mutex_lock(&mutex);
    wait_for(s);
    s->fn(s->arg);
    s->done = true;
    hand_to(NULL);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

struct stack *stack_new(ff_call_fn *fn, void *arg)
{
    struct stack *s = mem_alloc(sizeof(*s));
    pthread_t thread;

    *s = (struct stack){.fn = fn, .arg = arg};
    if (pthread_create(&thread, NULL, run, s) != 0)
        sim_fail("there is no thread to be had");
    pthread_detach(thread);
    return s;
}

bool stack_go(struct stack *s)
{
    pthread_mutex_lock(&mutex);
    hand_to(s);
    wait_for(NULL);
    pthread_mutex_unlock(&mutex);
    if (!s->done)
        return false;
    mem_free(s);
    return true;
}

/* The mutex is held by whoever runs on a stack. */
void stack_wait(void)
{
    struct stack *s = turn;

    sim_check(s, "the world itself waits in a loop");
    hand_to(NULL);
    wait_for(s);
}
