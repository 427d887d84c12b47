/* links.c - all servers: which of them leads whom is theirs to say, and each that leads
 * gets a share of the free places.
 *
 * A place is offered to one server at a time. What is taken from one is given to
 * another only when the first has answered: so no two fill the same place, and none is
 * asked for twice. While something waits somewhere, places go where they are wanted, by
 * how much is wanted there, counted with what runs; while nothing does, each has as
 * many as the others. */
#include "cli/executor/executor_priv.h"

#include <string.h>
#include <strings.h>

#define REST_US UNITS_SECOND

/* --- sessions --- */

void links_register(struct executor *ex)
{
    for (size_t i = 0; i < ex->n_links; i++)
        link_register(&ex->links[i]);
}

bool links_any_session(const struct executor *ex)
{
    for (size_t i = 0; i < ex->n_links; i++)
        if (link_is_up(&ex->links[i]))
            return true;
    return false;
}

static bool holds_any(const struct link *l)
{
    void *value;

    for (size_t i = 0; map_next(&l->ex->hosted, &i, &value);)
        if (((const struct hosted *)value)->link == l)
            return true;
    return false;
}

/* Who has a session may lead what the lost one led, and be told of an attempt only by
 * that; who has none is asked soon: most likely one of them leads next. */
void links_lost(struct link *lost)
{
    struct executor *ex = lost->ex;
    const bool is_theirs = holds_any(lost);

    if (ex->gone || (ex->leaving && ex->hosted.n == 0))
        return;
    for (size_t i = 0; i < ex->n_links; i++) {
        struct link *l = &ex->links[i];
        if (l == lost)
            continue;
        if (!link_is_up(l) || is_theirs) {
            l->n_failed = 0;
            link_register(l);
        }
    }
    links_share(ex, NULL);
}

/* --- places --- */

static int64_t count_free(const struct executor *ex)
{
    const int64_t n = ex->settings.places - hosted_running(ex, NULL);

    return n > 0 && !ex->leaving && !ex->rest ? n : 0;
}

static bool is_any_wanted(const struct executor *ex)
{
    for (size_t i = 0; i < ex->n_links; i++)
        if (link_is_up(&ex->links[i]) && ex->links[i].wanted > 0)
            return true;
    return false;
}

struct standing {
    struct link *link;
    int64_t has, weight;
};

/* Of fractions: has / weight. Where there are fewer places than servers only the turn
 * keeps the same ones from getting all of them. */
static bool is_behind(const struct standing *a, const struct standing *b)
{
    const int64_t x = a->has * b->weight, y = b->has * a->weight;

    return x < y || (x == y && a->link->turn < b->link->turn);
}

static size_t find_last(const struct standing *s, size_t n)
{
    size_t last = 0;

    for (size_t i = 1; i < n; i++)
        if (is_behind(&s[i], &s[last]))
            last = i;
    return last;
}

/* Each free place to whoever has least for what it wants. */
static void divide(struct executor *ex, int64_t n_free, bool wanted)
{
    struct standing *s = mem_array(ex->n_links, sizeof(*s));
    size_t n = 0;

    for (size_t i = 0; i < ex->n_links; i++) {
        struct link *l = &ex->links[i];
        l->share = 0;
        if (link_is_up(l) && !l->slow && (!wanted || l->wanted > 0))
            s[n++] = (struct standing){.link = l,
                                       .has = wanted ? hosted_running(ex, l) : 0,
                                       .weight = wanted ? l->wanted : 1};
    }
    for (; n > 0 && n_free > 0; n_free--) {
        struct standing *last = &s[find_last(s, n)];
        last->link->share++;
        last->has++;
    }
    mem_free(s);
}

/* Not more than the others leave, who may believe yet to have what is to be ours. */
static void bound(struct executor *ex, int64_t n_free)
{
    for (size_t i = 0; i < ex->n_links; i++) {
        int64_t left = n_free;

        for (size_t k = 0; k < ex->n_links; k++)
            left -= k == i ? 0 : link_credit(&ex->links[k]);
        if (ex->links[i].share > left)
            ex->links[i].share = left > 0 ? left : 0;
    }
}

/* Where nothing is wanted a place more here or there is not worth a request. */
static bool is_even(const struct executor *ex, int64_t n_free)
{
    int64_t all = 0, least = INT64_MAX;
    size_t n = 0;

    for (size_t i = 0; i < ex->n_links; i++) {
        const struct link *l = &ex->links[i];
        if (!link_is_up(l))
            continue;
        n++;
        all += l->share;
        least = l->share < least ? l->share : least;
    }
    return n > 0 && all == n_free && least >= n_free / (int64_t)(2 * n);
}

/* From then on each is told that what it has of us is not all. */
static bool is_now_shared(struct executor *ex)
{
    size_t n = 0;

    for (size_t i = 0; i < ex->n_links; i++)
        n += link_is_up(&ex->links[i]);
    if (ex->shared || n < 2)
        return false;
    return ex->shared = true;
}

void links_share(struct executor *ex, struct link *tell)
{
    const int64_t n_free = count_free(ex);
    const bool wanted = is_any_wanted(ex);

    if (ex->gone)
        return;
    MEM_AUTO int64_t *before = mem_array(ex->n_links, sizeof(*before));
    for (size_t i = 0; i < ex->n_links; i++)
        before[i] = ex->links[i].share;
    if (wanted || !is_even(ex, n_free)) {
        divide(ex, n_free, wanted);
        bound(ex, n_free);
    }
    const bool all = is_now_shared(ex);
    for (size_t i = 0; i < ex->n_links; i++)
        if (all || ex->links[i].share != before[i] || &ex->links[i] == tell)
            link_tell(&ex->links[i]);
}

void links_tell_all(struct executor *ex)
{
    links_share(ex, NULL);
    for (size_t i = 0; i < ex->n_links; i++)
        link_tell(&ex->links[i]);
}

static void on_rested(void *arg)
{
    links_share(arg, NULL);
}

void links_rest(struct executor *ex)
{
    if (!ex->rest)
        loop_timer_add(ex->loop, REST_US, on_rested, ex, &ex->rest);
    links_share(ex, NULL);
}

/* --- leaving --- */

void links_leave(struct executor *ex)
{
    if (!links_any_session(ex)) {
        executor_end(ex, CLI_OK);
        return;
    }
    for (size_t i = 0; i < ex->n_links; i++)
        link_leave(&ex->links[i]);
}

/* --- opening and closing --- */

static bool is_local(const char *url)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]",
                                        "http://localhost"};

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        const size_t n = strlen(hosts[i]);
        if (strncmp(url, hosts[i], n) == 0 && (url[n] == ':' || !url[n]))
            return true;
    }
    return false;
}

static int check_server(const struct executor *ex, char *url, struct ff_err *err)
{
    const size_t len = strlen(url);

    if (len > 0 && url[len - 1] == '/')
        url[len - 1] = '\0';
    if (strncmp(url, "https://", 8) == 0 || is_local(url))
        return FF_OK;
    if (strncmp(url, "http://", 7) != 0)
        return ff_fail(err, FF_INVALID, 0,
                       "executor.servers: %.120s is no URL as https://HOST:PORT", url);
    if (ex->settings.insecure)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0,
                   "executor.servers: the credential and what tasks are given would be "
                   "seen on the way to %.80s; take https",
                   url);
}

static size_t count_servers(const char *text)
{
    size_t n = 0;

    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        text += strcspn(text, ", ");
        n++;
    }
    return n;
}

int links_open(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *text = mem_text(ex->settings.servers);
    const size_t n = count_servers(text);
    char *save = NULL;

    if (n == 0)
        return ff_fail(err, FF_INVALID, 0, "executor.servers names no server");
    ex->links = mem_array(n, sizeof(*ex->links));
    for (char *url = strtok_r(text, ", ", &save); url;
         url = strtok_r(NULL, ", ", &save))
        if (check_server(ex, url, err) != FF_OK ||
            link_open(&ex->links[ex->n_links++], ex, url, err) != FF_OK)
            return err->code;
    return FF_OK;
}

void links_close(struct executor *ex)
{
    for (size_t i = 0; i < ex->n_links; i++)
        link_close(&ex->links[i]);
    loop_timer_del(ex->rest);
}

void links_free(struct executor *ex)
{
    mem_free(ex->links);
}
