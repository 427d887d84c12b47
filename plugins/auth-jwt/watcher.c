/* auth-jwt/watcher.c - asks the issuer for its keys in a thread: when it is started,
 * again each interval, and when somebody wants it. While the issuer does not answer it
 * is asked less and less often. */
#include "auth_jwt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_WAIT_US INT64_C(3000000) /* whoever starts a server waits for it */
#define AGAIN_US      INT64_C(1000000) /* doubled each time */
#define AGAIN_MAX_US  INT64_C(60000000)

struct watcher {
    const struct ff_host *host;
    const struct config *config;
    watcher_fn *fn;
    void *arg;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    bool stop; /* atomic, too */
    bool wanted, asking;
    bool had; /* a set that was good */
    uint64_t n_asked;
    int64_t n_failed; /* one after the other */
    struct ff_err said;
};

/* --- the thread --- */

static struct timespec in_us(int64_t us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(us / 1000000);
    at.tv_nsec += (long)(us % 1000000) * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static int64_t pause_us(const struct watcher *w)
{
    const int64_t interval_us = w->config->issuer_interval_us;
    int64_t us = AGAIN_US << (w->n_failed < 7 ? w->n_failed : 7);

    if (w->n_failed == 0)
        return interval_us;
    us = us < AGAIN_MAX_US ? us : AGAIN_MAX_US;
    return us < interval_us ? us : interval_us;
}

static int fetch(struct watcher *w, struct ff_err *err)
{
    char *set = NULL;
    int code = issuer_fetch(w->config, &w->stop, &set, err);

    if (code == FF_OK)
        code = w->fn(w->arg, set, err);
    if (code != FF_OK && !__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
        ff_log(w->host, FF_WARN, "the issuer's keys stay as they were: %s", err->msg);
    return code;
}

/* With the mutex, which is given back meanwhile. */
static void ask_once(struct watcher *w)
{
    struct ff_err err = {0};
    int code;

    w->wanted = false;
    w->asking = true;
    pthread_mutex_unlock(&w->mutex);
    code = fetch(w, &err);
    pthread_mutex_lock(&w->mutex);
    w->asking = false;
    w->said = err;
    w->said.code = code;
    w->n_failed = code == FF_OK ? 0 : w->n_failed + 1;
    w->had = w->had || code == FF_OK;
    w->n_asked++;
    pthread_cond_broadcast(&w->changed);
}

static void *watch(void *arg)
{
    struct watcher *w = arg;

    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        ask_once(w);

        const struct timespec until = in_us(pause_us(w));

        while (!w->stop && !w->wanted &&
               pthread_cond_timedwait(&w->changed, &w->mutex, &until) != ETIMEDOUT)
            continue;
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* --- begin and end --- */

static void free_parts(struct watcher *w)
{
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

/* Signals are the core's. */
static int start_thread(struct watcher *w)
{
    sigset_t all;
    sigset_t before;
    int sys;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sys = pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sys;
}

int watcher_start(const struct ff_host *host, const struct config *c, watcher_fn *fn,
                  void *arg, struct watcher **w, struct ff_err *err)
{
    pthread_condattr_t attr;
    int sys;

    if (get_ready(err) != FF_OK)
        return err->code;
    *w = calloc(1, sizeof(**w));
    if (!*w)
        return ff_fail(err, FF_NO_MEMORY, 0, "no memory for a thread");
    **w = (struct watcher){.host = host, .config = c, .fn = fn, .arg = arg};
    pthread_mutex_init(&(*w)->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&(*w)->changed, &attr);
    pthread_condattr_destroy(&attr);
    sys = start_thread(*w);
    if (sys == 0)
        return FF_OK;
    free_parts(*w);
    *w = NULL;
    return ff_fail(err, FF_UNAVAILABLE, sys, "no thread asks the issuer: %s",
                   strerror(sys));
}

void watcher_stop(struct watcher *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    __atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    free_parts(w);
}

/* --- what others ask --- */

void watcher_wait_first(struct watcher *w)
{
    const struct timespec until = in_us(FIRST_WAIT_US);

    pthread_mutex_lock(&w->mutex);
    while (w->n_asked == 0 &&
           pthread_cond_timedwait(&w->changed, &w->mutex, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&w->mutex);
}

void watcher_wake(struct watcher *w)
{
    pthread_mutex_lock(&w->mutex);
    w->wanted = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

int watcher_ask(struct watcher *w, struct ff_err *err)
{
    uint64_t n;

    pthread_mutex_lock(&w->mutex);
    /* What is being asked may have been answered before the keys changed. */
    n = w->n_asked + (w->asking ? 2 : 1);
    w->wanted = true;
    pthread_cond_broadcast(&w->changed);
    while (w->n_asked < n)
        pthread_cond_wait(&w->changed, &w->mutex);
    if (err)
        *err = w->said;

    const int code = w->said.code;

    pthread_mutex_unlock(&w->mutex);
    return code;
}

bool watcher_is_unsure(struct watcher *w)
{
    bool unsure;

    pthread_mutex_lock(&w->mutex);
    unsure = w->asking || w->wanted || !w->had;
    pthread_mutex_unlock(&w->mutex);
    return unsure;
}

bool watcher_has(struct watcher *w)
{
    bool had;

    pthread_mutex_lock(&w->mutex);
    had = w->had;
    pthread_mutex_unlock(&w->mutex);
    return had;
}
