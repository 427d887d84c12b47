/* link.c - the server that leads: one request that waits for commands, one that tells.
 *
 * Whatever fails, the executor registers again, with each server in turn until one
 * takes it: the answer brings a new session, and nothing that was said in an older one
 * counts any more. Attempts go on meanwhile. */
#include "cli/executor/executor_priv.h"

#include <string.h>
#include <strings.h>

#define RETRY_US     (UNITS_SECOND / 5)
#define RETRY_MAX_US (5 * UNITS_SECOND)
#define REST_US      UNITS_SECOND
#define POLL_SHARE   3 /* the server answers within such a share of the lease */
#define TIMEOUT_MIN  (2 * UNITS_SECOND)
#define TIMEOUT_MAX  (60 * UNITS_SECOND)

/* --- one request, on a lane --- */

struct talk {
    struct executor *ex;
    struct asker *asker;
    char *url, *body;
    struct ask ask;
    struct answer answer;
    struct ff_err err;
    json_t *told; /* the events of a tell */
    size_t server;
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

int64_t link_timeout_us(const struct executor *ex)
{
    const int64_t us = ex->lease_us / POLL_SHARE * 2;

    if (us < TIMEOUT_MIN)
        return TIMEOUT_MIN;
    return us < TIMEOUT_MAX ? us : TIMEOUT_MAX;
}

struct ask link_ask(const struct executor *ex)
{
    return (struct ask){
        .token = ex->tokens.items[0],
        .ca = ex->settings.ca,
        .timeout_us = link_timeout_us(ex),
        .given_up = &ex->given_up,
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
static struct talk *talk_new(struct executor *ex, struct asker *asker, const char *path,
                             json_t *body)
{
    struct talk *t = mem_alloc(sizeof(*t));
    struct buf url = {0};

    buf_printf(&url, "%s/executor/v1/%s", ex->servers[ex->server], path);
    *t = (struct talk){.ex = ex, .asker = asker, .server = ex->server};
    t->url = buf_take(&url);
    snprintf(t->session, sizeof(t->session), "%s", ex->session);
    t->body = json_text(body);
    json_decref(body);
    t->ask = link_ask(ex);
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

/* What every request of a session says. */
static json_t *say(struct executor *ex)
{
    const int64_t room = ex->settings.places - hosted_running(ex);
    const bool takes = room > 0 && !ex->leaving && !ex->rest;

    return json_pack("{s:s, s:I, s:I, s:I, s:b}", "session", ex->session, "request",
                     (json_int_t)++ex->request, "ack", (json_int_t)ex->ack, "credit",
                     (json_int_t)(takes ? room : 0), "draining", ex->leaving);
}

static void on_rested(void *arg)
{
    link_tell(arg);
}

void link_rest(struct executor *ex)
{
    if (!ex->rest)
        loop_timer_add(ex->loop, REST_US, on_rested, ex, &ex->rest);
}

/* --- registering --- */

static void on_retry(void *arg)
{
    link_register(arg);
}

static void retry(struct executor *ex)
{
    const int64_t share = ex->lease_us / POLL_SHARE;
    const int64_t most = share < RETRY_MAX_US ? share : RETRY_MAX_US;
    int64_t delay = RETRY_US << (ex->n_failed < 5 ? ex->n_failed : 5);

    if (delay > most)
        delay = most;
    /* Not all of them at once, when a server is back. */
    delay = delay / 2 + (int64_t)(loop_random(ex->loop) % (uint64_t)(delay / 2 + 1));
    ex->session[0] = '\0';
    if (!ex->retry)
        loop_timer_add(ex->loop, delay, on_retry, ex, &ex->retry);
}

static void pull(struct executor *ex);

static void next_server(struct executor *ex)
{
    ex->server = (ex->server + 1) % ex->n_servers;
}

static void take_session(struct executor *ex, const json_t *said)
{
    const char *session = json_string_value(json_object_get(said, "session"));
    const char *controller = json_string_value(json_object_get(said, "controller"));
    const json_int_t lease = json_integer_value(json_object_get(said, "lease_us"));

    if (!session || !controller || lease < FLEET_LEASE_MIN || lease > FLEET_LEASE_MAX) {
        ex->n_failed++;
        retry(ex);
        return;
    }
    const bool other = strcmp(ex->controller, controller) != 0;
    snprintf(ex->session, sizeof(ex->session), "%s", session);
    snprintf(ex->controller, sizeof(ex->controller), "%s", controller);
    ex->lease_us = lease;
    ex->request = ex->ack = 0;
    ex->n_failed = 0;
    ex->n_sessions++;
    mem_free(ex->url);
    ex->url = mem_text(ex->servers[ex->server]);
    log_info("registered with %s", ex->url);
    if (other && ex->ever)
        hosted_resend(ex);
    ex->ever = true;
    ship_retry_later(ex);
    link_tell(ex);
    pull(ex);
}

/* Who has never been taken was set up wrongly; later it may be the server's that is. */
static void refused(struct executor *ex, struct talk *t)
{
    const bool denied = t->answer.status == 401;
    const bool never = (denied || t->answer.status == 422) && !ex->ever;

    if (t->answer.status > 0)
        ff_fail(&t->err, FF_DENIED, (int)t->answer.status, "%s",
                denied ? "it does not take this executor's credential"
                       : buf_text(&t->answer.body));
    if (never && ex->n_servers == 1) {
        executor_end(ex, cli_fail(denied ? CLI_DENIED : CLI_CONFIG, "%s: %s",
                                  ex->servers[t->server], t->err.msg));
        return;
    }
    if (ex->n_failed % 20 == 0)
        log_warn("%s: %s", ex->servers[t->server], t->err.msg);
    next_server(ex);
    ex->n_failed++;
    retry(ex);
}

static void after_register(void *arg)
{
    struct talk *t = arg;
    struct executor *ex = t->ex;
    json_t *said = answer_json(t);

    if (ex->gone)
        ;
    else if (said)
        take_session(ex, said);
    else
        refused(ex, t);
    json_decref(said);
    talk_free(t);
}

void link_register(struct executor *ex)
{
    const uint64_t caps = driver_instance_info(ex->driver)->d.caps;
    json_t *ids = json_array();
    void *value;

    for (size_t i = 0; map_next(&ex->hosted, &i, &value);) {
        struct hosted *h = value;
        h->seq = 0;
        if (!h->dropped) /* that one was not started is told next: it is not lost */
            json_array_append_new(ids, json_string(h->id));
    }
    json_t *body =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:o}", "protocol", 1, "id",
                  ex->id, "name", ex->name, "version", FLOWFORGE_VERSION, "labels",
                  buf_text(&ex->labels), "places", (json_int_t)ex->settings.places,
                  "masks", (caps & FF_RUNTIME_MASKS) != 0, "files",
                  (caps & FF_RUNTIME_LOCAL_FILES) != 0, "attempts", ids);
    ex->session[0] = '\0';
    lane_do(ex->pull_lane, talk_on_lane, after_register,
            talk_new(ex, ex->pull_asker, "register", body));
}

/* --- pulling --- */

static void obey(struct executor *ex, const json_t *command)
{
    const char *what = json_string_value(json_object_get(command, "do"));
    const char *id = json_string_value(json_object_get(command, "attempt"));
    const uint64_t seq = (uint64_t)json_integer_value(json_object_get(command, "seq"));

    if (!what || !id || seq <= ex->ack)
        return;
    ex->ack = seq;
    if (strcmp(what, "start") == 0)
        hosted_start(ex, id, json_object_get(command, "spec"), seq);
    else if (strcmp(what, "cancel") == 0)
        hosted_cancel(ex, id, json_integer_value(json_object_get(command, "grace_us")));
    else if (strcmp(what, "drop") == 0)
        hosted_drop(ex, id);
}

static void after_pull(void *arg)
{
    struct talk *t = arg;
    struct executor *ex = t->ex;
    json_t *said = answer_json(t);
    const json_t *one;
    size_t i;

    if (!ex->gone && said) {
        json_array_foreach(json_object_get(said, "commands"), i, one) obey(ex, one);
        if (!ex->gone)
            pull(ex);
    } else if (!ex->gone) {
        log_info("%s: %s", t->url,
                 t->answer.status ? buf_text(&t->answer.body) : t->err.msg);
        /* One that hangs would be waited for again, longer than the one that leads
         * instead waits for us. */
        if (t->answer.status != 409)
            next_server(ex);
        retry(ex);
    }
    json_decref(said);
    talk_free(t);
}

static void pull(struct executor *ex)
{
    lane_do(ex->pull_lane, talk_on_lane, after_pull,
            talk_new(ex, ex->pull_asker, "pull", say(ex)));
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

static json_t *events(const struct executor *ex)
{
    json_t *list = json_array();
    struct fleet_event e;
    void *value;

    for (size_t i = 0; map_next(&ex->hosted, &i, &value);)
        if (event_of(value, &e))
            json_array_append_new(list, fleet_event_json(&e));
    return list;
}

static void was_told(struct executor *ex, const json_t *said)
{
    struct fleet_event e;
    struct ff_err ignored;

    if (fleet_event_read(said, &e, &ignored) != FF_OK)
        return;
    struct hosted *h = map_get_text(&ex->hosted, e.event.attempt_id);
    if (!h)
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

static void tell_later(struct executor *ex)
{
    if (!ex->tell_retry && !ex->gone)
        loop_timer_add(ex->loop, UNITS_SECOND / 2, on_tell_retry, ex, &ex->tell_retry);
}

static void after_tell(void *arg)
{
    struct talk *t = arg;
    struct executor *ex = t->ex;
    const json_t *one;
    size_t i;

    ex->telling = false;
    /* Whom another session is with has not heard what was said in this one. */
    if (t->answer.status == 200 && strcmp(t->session, ex->session) == 0)
        json_array_foreach(t->told, i, one) was_told(ex, one);
    else
        tell_later(ex);
    const bool again = ex->tell_again && t->answer.status == 200;
    talk_free(t);
    if (again)
        link_tell(ex);
    executor_check_left(ex);
}

/* An end that comes meanwhile is told by the next. */
void link_tell(struct executor *ex)
{
    ex->tell_again = ex->telling;
    if (ex->telling || !ex->session[0] || ex->gone)
        return;
    ex->telling = true;
    json_t *told = events(ex);
    json_t *body = say(ex);
    json_object_set(body, "events", told);
    struct talk *t = talk_new(ex, ex->tell_asker, "tell", body);
    t->told = told;
    lane_do(ex->tell_lane, talk_on_lane, after_tell, t);
}

/* --- leaving --- */

/* Refused: it was given something before it was heard to take no more. That is on its
 * way, or has to be told to be another's. */
static void after_leave(void *arg)
{
    struct talk *t = arg;
    struct executor *ex = t->ex;
    const bool holds = t->answer.status == 422;

    talk_free(t);
    if (!holds) {
        executor_end(ex, CLI_OK);
        return;
    }
    ex->left = false;
    tell_later(ex);
}

void link_leave(struct executor *ex)
{
    if (ex->left || ex->telling || ex->gone)
        return;
    ex->left = true;
    if (!ex->session[0]) {
        executor_end(ex, CLI_OK);
        return;
    }
    struct talk *t = talk_new(ex, ex->tell_asker, "leave", say(ex));
    lane_do(ex->tell_lane, talk_on_lane, after_leave, t);
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

static int read_servers(struct executor *ex, struct ff_err *err)
{
    MEM_AUTO char *text = mem_text(ex->settings.servers);
    char *save = NULL;

    ex->servers = mem_array(strlen(text) + 1, sizeof(*ex->servers));
    for (char *url = strtok_r(text, ", ", &save); url;
         url = strtok_r(NULL, ", ", &save)) {
        if (check_server(ex, url, err) != FF_OK)
            return err->code;
        ex->servers[ex->n_servers++] = mem_text(url);
    }
    if (ex->n_servers > 0)
        return FF_OK;
    return ff_fail(err, FF_INVALID, 0, "executor.servers names no server");
}

int link_open(struct executor *ex, struct ff_err *err)
{
    ex->lease_us = 30 * UNITS_SECOND; /* until the server says */
    if (read_servers(ex, err) != FF_OK)
        return err->code;
    ex->url = mem_text(ex->servers[0]);
    ex->pull_asker = asker_new();
    ex->tell_asker = asker_new();
    ex->pull_lane = lane_new(ex->loop, "pull", err);
    if (ex->pull_lane)
        ex->tell_lane = lane_new(ex->loop, "tell", err);
    return ex->tell_lane ? FF_OK : err->code;
}

void link_close(struct executor *ex)
{
    if (ex->pull_lane)
        lane_free(ex->pull_lane);
    if (ex->tell_lane)
        lane_free(ex->tell_lane);
    loop_timer_del(ex->retry);
    loop_timer_del(ex->tell_retry);
    loop_timer_del(ex->rest);
    asker_free(ex->pull_asker);
    asker_free(ex->tell_asker);
    for (size_t i = 0; i < ex->n_servers; i++)
        mem_free(ex->servers[i]);
    mem_free(ex->servers);
    mem_free(ex->url);
}
