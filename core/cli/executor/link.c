/* link.c - one server: one request that waits for commands, one that tells.
 *
 * Whatever fails, the executor registers again: the answer brings a new session, and
 * nothing that was said in an older one counts any more. Attempts go on meanwhile. A
 * server that does not lead refuses, and is asked again later. */
#include "cli/executor/executor_priv.h"

#include <string.h>

#define RETRY_US     (UNITS_SECOND / 5)
#define RETRY_MAX_US (5 * UNITS_SECOND)
#define SLOW_US      (2 * UNITS_SECOND)
#define POLL_SHARE   3 /* the server answers within such a share of the lease */
#define TIMEOUT_MIN  (2 * UNITS_SECOND)
#define TIMEOUT_MAX  (60 * UNITS_SECOND)

/* --- one request, on a lane --- */

struct talk {
    struct link *link;
    struct asker *asker;
    char *url, *body;
    struct ask ask;
    struct answer answer;
    struct ff_err err;
    json_t *told; /* the events of a tell, or the ids of a registration */
    struct link_said said;
    char session[ID_TEXT_SIZE]; /* "": that is what is asked for */
};

static void talk_on_lane(void *arg)
{
    struct talk *t = arg;

    t->err.code = FF_OK;
    ask(t->asker, &t->ask, &t->answer, &t->err);
}

static void talk_free(struct talk *t)
{
    buf_done(&t->answer.body);
    json_decref(t->told);
    mem_free(t->url);
    mem_free(t->body);
    mem_free(t);
}

static int64_t timeout_us(const struct link *l)
{
    const int64_t us = l->lease_us / POLL_SHARE * 2;

    if (us < TIMEOUT_MIN)
        return TIMEOUT_MIN;
    return us < TIMEOUT_MAX ? us : TIMEOUT_MAX;
}

struct ask link_ask(const struct link *l)
{
    return (struct ask){
        .token = l->ex->tokens.items[0],
        .ca = l->ex->settings.ca,
        .timeout_us = timeout_us(l),
        .given_up = &l->ex->given_up,
    };
}

bool link_may_pass(long status)
{
    static const long passing[] = {0, 401, 403, 408, 409, 429};

    for (size_t i = 0; i < COUNT_OF(passing); i++)
        if (status == passing[i])
            return true;
    return status >= 500;
}

/* Takes the body. */
static struct talk *talk_new(struct link *l, struct asker *asker, const char *path,
                             json_t *body)
{
    struct talk *t = mem_alloc(sizeof(*t));
    struct buf url = {0};

    buf_printf(&url, "%s/executor/v1/%s", l->url, path);
    *t = (struct talk){.link = l, .asker = asker};
    t->url = buf_take(&url);
    snprintf(t->session, sizeof(t->session), "%s", l->session);
    t->body = json_text(body);
    json_decref(body);
    t->ask = link_ask(l);
    t->ask.method = "POST";
    t->ask.url = t->url;
    t->ask.type = "application/json";
    t->ask.body = t->body;
    t->ask.len = strlen(t->body);
    return t;
}

static json_t *answer_json(const struct talk *t)
{
    struct ff_err ignored;

    return t->answer.status == 200
               ? json_parse(buf_text(&t->answer.body), t->answer.body.len, &ignored)
               : NULL;
}

bool link_is_up(const struct link *l)
{
    return l && l->session[0];
}

static bool is_of_session(const struct talk *t)
{
    return link_is_up(t->link) && strcmp(t->session, t->link->session) == 0;
}

/* --- what every request of a session says --- */

static json_t *say(struct link *l, struct link_said *said)
{
    const struct executor *ex = l->ex;

    *said = (struct link_said){.request = ++l->request, .credit = l->share};
    return json_pack("{s:s, s:I, s:I, s:I, s:b, s:b}", "session", l->session, "request",
                     (json_int_t)said->request, "ack", (json_int_t)l->ack, "credit",
                     (json_int_t)said->credit, "draining", ex->leaving, "shared",
                     ex->shared);
}

/* Whatever was said before a request that is answered is past. */
static void was_heard(const struct talk *t)
{
    struct link *l = t->link;

    if (t->said.request > l->heard.request)
        l->heard = t->said;
}

static int64_t more(const struct link *l, int64_t most, const struct link_said *said)
{
    return said->request > l->heard.request && said->credit > most ? said->credit
                                                                   : most;
}

int64_t link_credit(const struct link *l)
{
    if (!link_is_up(l) || l->slow)
        return 0;
    return more(l, more(l, l->heard.credit, &l->pulled), &l->told);
}

/* The server counts it off from whatever was said before it came here. */
static void take_one(struct link *l)
{
    struct link_said *const all[] = {&l->heard, &l->pulled, &l->told};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        all[i]->credit -= all[i]->credit > 0;
    l->share -= l->share > 0;
    l->turn = ++l->ex->turns;
}

/* --- registering --- */

static void on_retry(void *arg)
{
    link_register(arg);
}

static void end_session(struct link *l)
{
    const bool was_up = link_is_up(l);

    l->session[0] = '\0';
    l->heard = l->pulled = l->told = (struct link_said){0};
    l->wanted = l->share = 0;
    if (was_up)
        links_lost(l);
}

static void retry(struct link *l)
{
    const int64_t share = l->lease_us / POLL_SHARE;
    const int64_t most = share < RETRY_MAX_US ? share : RETRY_MAX_US;
    int64_t delay = RETRY_US << (l->n_failed < 5 ? l->n_failed : 5);

    if (delay > most)
        delay = most;
    /* Not all of them at once, when a server is back. */
    delay = delay / 2 + (int64_t)(loop_random(l->ex->loop) % (uint64_t)(delay / 2 + 1));
    end_session(l);
    if (!l->retry)
        loop_timer_add(l->ex->loop, delay, on_retry, l, &l->retry);
}

static void pull(struct link *l);

static bool is_among(const json_t *ids, const char *id)
{
    const json_t *one;
    size_t i;

    json_array_foreach(ids, i, one)
    {
        const char *text = json_string_value(one);
        if (text && strcmp(text, id) == 0)
            return true;
    }
    return false;
}

/* Of those that were named: which others lead is said, the rest is this server's. */
static void bind_named(struct link *l, const json_t *named, const json_t *others,
                       bool again)
{
    const json_t *one;
    size_t i;

    json_array_foreach(named, i, one)
    {
        struct hosted *h = map_get_text(&l->ex->hosted, json_string_value(one));
        if (!h)
            continue;
        if (!is_among(others, h->id))
            hosted_bind(h, l, again);
        else if (h->link == l)
            hosted_bind(h, NULL, false);
    }
}

static void take_session(struct link *l, const struct talk *t, const json_t *said)
{
    const char *session = json_string_value(json_object_get(said, "session"));
    const char *controller = json_string_value(json_object_get(said, "controller"));
    const json_int_t lease = json_integer_value(json_object_get(said, "lease_us"));

    if (!session || !controller || lease < FLEET_LEASE_MIN || lease > FLEET_LEASE_MAX) {
        l->n_failed++;
        retry(l);
        return;
    }
    const bool other = strcmp(l->controller, controller) != 0;
    snprintf(l->session, sizeof(l->session), "%s", session);
    snprintf(l->controller, sizeof(l->controller), "%s", controller);
    l->lease_us = lease;
    l->request = l->ack = 0;
    l->heard = l->pulled = l->told = (struct link_said){0};
    l->wanted = l->share = 0;
    l->n_failed = 0;
    l->ex->n_sessions++;
    log_info("registered with %s", l->url);
    l->ever = true;
    bind_named(l, t->told, json_object_get(said, "others"), other);
    links_share(l->ex, l);
    ship_retry_later(l->ex);
    pull(l);
}

/* Who has never been taken was set up wrongly; later it may be the server's that is. */
static void refused(struct link *l, struct talk *t)
{
    struct executor *ex = l->ex;
    const bool denied = t->answer.status == 401;
    const bool never = (denied || t->answer.status == 422) && !l->ever;

    if (t->answer.status > 0)
        ff_fail(&t->err, FF_DENIED, (int)t->answer.status, "%s",
                denied ? "it does not take this executor's credential"
                       : buf_text(&t->answer.body));
    if (never && ex->n_links == 1) {
        executor_end(ex, cli_fail(denied ? CLI_DENIED : CLI_CONFIG, "%s: %s", l->url,
                                  t->err.msg));
        return;
    }
    /* Where another one leads that this one does not is as it should be. */
    if (l->n_failed % 20 == 0 && (denied || !links_any_session(ex)))
        log_warn("%s: %s", l->url, t->err.msg);
    l->n_failed++;
    retry(l);
}

static void after_register(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;
    json_t *said = answer_json(t);

    l->registering = false;
    if (l->ex->gone)
        ;
    else if (said)
        take_session(l, t, said);
    else
        refused(l, t);
    json_decref(said);
    talk_free(t);
}

/* All that is here, whose it is: the server says what is not its own. */
static json_t *registration(const struct executor *ex, json_t *ids, json_t *hashes)
{
    const uint64_t caps = driver_instance_info(ex->driver)->d.caps;

    return json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:b, s:O, s:o}", "protocol", 1, "id",
        ex->id, "name", ex->name, "version", FLOWFORGE_VERSION, "labels",
        buf_text(&ex->labels), "places", (json_int_t)ex->settings.places, "masks",
        (caps & FF_RUNTIME_MASKS) != 0, "files", (caps & FF_RUNTIME_LOCAL_FILES) != 0,
        "shared", ex->shared || links_any_session(ex), "attempts", ids, "tenant_hashes",
        hashes);
}

void link_register(struct link *l)
{
    struct executor *ex = l->ex;
    void *value;

    loop_timer_del(l->retry);
    if (l->registering || l->left || ex->gone)
        return;
    json_t *ids = json_array(), *hashes = json_array();
    for (size_t i = 0; map_next(&ex->hosted, &i, &value);) {
        struct hosted *h = value;
        if (h->link == l)
            h->seq = 0;
        if (h->dropped) /* that one was not started is told next: it is not lost */
            continue;
        json_array_append_new(ids, json_string(h->id));
        json_array_append_new(hashes, json_integer(h->tenant_hash));
    }
    l->registering = true;
    l->session[0] = '\0';
    struct talk *t =
        talk_new(l, l->tell_asker, "register", registration(ex, ids, hashes));
    t->told = ids;
    lane_do(l->tell_lane, talk_on_lane, after_register, t);
}

/* --- pulling --- */

static void obey(struct link *l, const json_t *command)
{
    const char *what = json_string_value(json_object_get(command, "do"));
    const char *id = json_string_value(json_object_get(command, "attempt"));
    const uint64_t seq = (uint64_t)json_integer_value(json_object_get(command, "seq"));

    if (!what || !id || seq <= l->ack)
        return;
    l->ack = seq;
    if (strcmp(what, "start") == 0) {
        take_one(l);
        hosted_start(l, id, command, seq);
    } else if (strcmp(what, "cancel") == 0) {
        hosted_cancel(l, id, json_integer_value(json_object_get(command, "grace_us")));
    } else if (strcmp(what, "drop") == 0) {
        hosted_drop(l, id);
    }
}

static void take_commands(struct link *l, const json_t *said)
{
    const json_t *one;
    size_t i;

    l->wanted = json_integer_value(json_object_get(said, "wanted"));
    json_array_foreach(json_object_get(said, "commands"), i, one) obey(l, one);
}

/* Of a session that is over nothing counts: the next one has a request of its own. */
static void after_pull(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;
    struct executor *ex = l->ex;
    json_t *said = answer_json(t);

    if (!ex->gone && said && is_of_session(t)) {
        was_heard(t);
        take_commands(l, said);
        links_share(ex, NULL);
        if (!ex->gone && link_is_up(l))
            pull(l);
    } else if (!ex->gone && is_of_session(t)) {
        log_info("%s: %s", t->url,
                 t->answer.status ? buf_text(&t->answer.body) : t->err.msg);
        retry(l);
    }
    json_decref(said);
    talk_free(t);
}

static void pull(struct link *l)
{
    struct talk *t = talk_new(l, l->pull_asker, "pull", say(l, &l->pulled));

    t->said = l->pulled;
    lane_do(l->pull_lane, talk_on_lane, after_pull, t);
}

/* --- telling --- */

/* What there is to say of it; false: nothing. */
static bool event_of(const struct hosted *h, struct fleet_event *out)
{
    *out = (struct fleet_event){.seq = h->seq, .event = h->end};
    out->event.attempt_id = h->id;
    out->event.message = h->message;
    if (h->dropped)
        return false;
    if (h->state == HOSTED_UNBORN)
        out->word = h->unborn;
    else if (h->state == HOSTED_ENDED)
        out->word = FLEET_ENDED;
    else
        out->word = FLEET_STARTED;
    if (h->state == HOSTED_ENDED)
        return h->shipped && !h->told;
    return h->state == HOSTED_UNBORN || (h->state == HOSTED_RUNNING && !h->started);
}

static json_t *events(const struct link *l)
{
    json_t *list = json_array();
    struct fleet_event e;
    void *value;

    for (size_t i = 0; map_next(&l->ex->hosted, &i, &value);)
        if (((const struct hosted *)value)->link == l && event_of(value, &e))
            json_array_append_new(list, fleet_event_json(&e));
    return list;
}

static void was_told(const struct link *l, const json_t *said)
{
    struct fleet_event e;
    struct ff_err ignored;

    if (fleet_event_read(said, &e, &ignored) != FF_OK)
        return;
    struct hosted *h = map_get_text(&l->ex->hosted, e.event.attempt_id);
    if (!h || h->link != l)
        return;
    if (e.word == FLEET_ENDED)
        h->told = true;
    else if (e.word == FLEET_STARTED)
        h->started = true;
    else if (h->state == HOSTED_UNBORN && h->seq == e.seq) {
        h->dropped = true;
        hosted_settle(h);
    }
}

static void on_tell_retry(void *arg)
{
    link_tell(arg);
}

static void tell_later(struct link *l)
{
    if (!l->tell_retry && !l->ex->gone)
        loop_timer_add(l->ex->loop, UNITS_SECOND / 2, on_tell_retry, l, &l->tell_retry);
}

static void after_tell(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;
    const json_t *one;
    size_t i;

    l->telling = l->slow = false;
    loop_timer_del(l->tell_slow);
    /* Whom another session is with has not heard what was said in this one. */
    const bool heard = t->answer.status == 200 && is_of_session(t);
    if (heard) {
        was_heard(t);
        json_array_foreach(t->told, i, one) was_told(l, one);
    } else {
        tell_later(l);
    }
    const bool again = l->tell_again && t->answer.status == 200;
    talk_free(t);
    if (again)
        link_tell(l);
    if (heard)
        links_share(l->ex, NULL);
    executor_check_left(l->ex);
}

/* One that hangs keeps no place from others. */
static void on_tell_slow(void *arg)
{
    struct link *l = arg;

    l->slow = true;
    links_share(l->ex, NULL);
}

/* An end that comes meanwhile is told by the next. */
void link_tell(struct link *l)
{
    l->tell_again = l->telling;
    if (l->telling || !link_is_up(l) || l->ex->gone)
        return;
    l->telling = true;
    json_t *told = events(l);
    json_t *body = say(l, &l->told);
    json_object_set(body, "events", told);
    struct talk *t = talk_new(l, l->tell_asker, "tell", body);
    t->told = told;
    t->said = l->told;
    if (!l->tell_slow)
        loop_timer_add(l->ex->loop, SLOW_US, on_tell_slow, l, &l->tell_slow);
    lane_do(l->tell_lane, talk_on_lane, after_tell, t);
}

/* --- leaving --- */

/* Refused: it was given something before it was heard to take no more. That is on its
 * way, or has to be told to be another's. */
static void after_leave(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;
    const bool holds = t->answer.status == 422;

    talk_free(t);
    if (holds) {
        l->left = false;
        tell_later(l);
        return;
    }
    end_session(l);
    executor_check_left(l->ex);
}

void link_leave(struct link *l)
{
    struct link_said said;

    if (l->left || l->telling || !link_is_up(l) || l->ex->gone)
        return;
    l->left = true;
    struct talk *t = talk_new(l, l->tell_asker, "leave", say(l, &said));
    lane_do(l->tell_lane, talk_on_lane, after_leave, t);
}

/* --- opening and closing --- */

int link_open(struct link *l, struct executor *ex, const char *url, struct ff_err *err)
{
    *l = (struct link){.ex = ex, .url = mem_text(url)};
    l->lease_us = 30 * UNITS_SECOND; /* until the server says */
    l->pull_asker = asker_new();
    l->tell_asker = asker_new();
    l->pull_lane = lane_new(ex->loop, "pull", err);
    if (l->pull_lane)
        l->tell_lane = lane_new(ex->loop, "tell", err);
    return l->tell_lane ? FF_OK : err->code;
}

void link_close(struct link *l)
{
    if (l->pull_lane)
        lane_free(l->pull_lane);
    if (l->tell_lane)
        lane_free(l->tell_lane);
    loop_timer_del(l->retry);
    loop_timer_del(l->tell_retry);
    loop_timer_del(l->tell_slow);
    asker_free(l->pull_asker);
    asker_free(l->tell_asker);
    mem_free(l->url);
}
