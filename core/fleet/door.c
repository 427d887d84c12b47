/* door.c - the routes that executors ask, under /executor/v1. Whoever shows the service
 * credential is an executor; a session is one registration of one of them. */
#include "fleet/fleet_priv.h"

#include <string.h>

enum {
    REGISTER_MAX = 4 << 20, /* the ids of all that it holds */
    PULL_MAX = 4096,
    TELL_MAX = 4 << 20,
    PIECE_MAX = FLEET_PIECE,
};

/* --- who asks --- */

/* Takes as long for a wrong one as for a right one; its length is no secret. */
static bool is_token(const char *token, const char *given)
{
    const size_t len = strlen(token);
    unsigned char difference = 0;

    if (strlen(given) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)(token[i] ^ given[i]);
    return difference == 0;
}

static bool is_executor(const struct fleet *f, const char *given)
{
    bool known = false;

    for (size_t i = 0; i < f->tokens.n; i++)
        known |= is_token(f->tokens.items[i], given);
    return known;
}

static bool admit(void *arg, const struct http_request *r, struct http_reply *reply)
{
    const struct fleet *f = arg;
    const char *given = http_bearer(r);

    if (!given || !is_executor(f, given)) {
        http_reply_problem(reply, 401, "this is not the credential of executors here");
        return false;
    }
    if (f->host && f->lane && f->setup.leads(f->setup.arg))
        return true;
    http_reply_problem(reply, 503, "this server does not lead");
    return false;
}

/* --- requests with a JSON body --- */

static json_t *read_body(const struct http_request *r, struct http_reply *reply)
{
    struct ff_err err = {0};
    json_t *said = http_json(r, &err);

    if (said && json_is_object(said))
        return said;
    if (said)
        ff_fail(&err, FF_INVALID, 0, "the body is not a JSON object");
    json_decref(said);
    http_reply_err(reply, &err);
    return NULL;
}

static void no_session(struct http_reply *reply)
{
    http_reply_problem(reply, 409, "there is no such session: register again");
}

/* The member of the session, with what it says of itself noted; NULL: answered. */
static struct member *read_member(struct fleet *f, const json_t *said,
                                  struct http_reply *reply)
{
    struct member *m =
        fleet_member_by_session(f, json_string_value(json_object_get(said, "session")));

    if (m)
        fleet_member_note(m, said);
    else
        no_session(reply);
    return m;
}

static void take_register(void *arg, const struct http_request *r,
                          struct http_reply *reply)
{
    struct fleet *f = arg;
    struct ff_err err = {0};
    struct member *m = NULL;
    json_t *said = read_body(r, reply);

    if (!said)
        return;
    if (fleet_member_register(f, said, r->peer->address, &m, &err) != FF_OK)
        http_reply_err(reply, &err);
    else
        fleet_member_greet(m, reply);
    json_decref(said);
}

static void take_pull(void *arg, const struct http_request *r, struct http_reply *reply)
{
    json_t *said = read_body(r, reply);
    struct member *m = said ? read_member(arg, said, reply) : NULL;

    if (m)
        fleet_pull_begin(m, reply);
    json_decref(said);
}

/* --- what it tells --- */

static void take_failed(struct fleet_attempt *a, const struct ff_run_event *e)
{
    struct ff_err err;

    fleet_member_command(a->member, COMMAND_DROP, a->id, 0);
    if (!a->op) { /* the core was told that it had started */
        const struct ff_run_event refused = {
            .state = FF_RUN_REFUSED,
            .message = e->message,
            .ended_us = loop_wall_us(a->fleet->setup.loop),
        };
        fleet_attempt_end(a, &refused);
        return;
    }
    ff_fail(&err, e->exit_code ? e->exit_code : FF_INTERNAL, 0, "%s",
            e->message ? e->message : "its executor cannot start it");
    fleet_attempt_answer(a, &err);
    fleet_attempt_free(a);
}

static void take_unstarted(struct fleet_attempt *a)
{
    if (a->state == FLEET_IS_SENT)
        fleet_attempt_wait(a);
    else
        fleet_attempt_unknown(a);
}

/* Of an attempt that is somebody else's, or nobody's, it is told to let go. What it
 * says of another start than its last one is past: a request may come late, and twice.
 */
static void take_event(struct member *m, const struct fleet_event *e)
{
    struct fleet_attempt *a = map_get_text(&m->fleet->attempts, e->event.attempt_id);

    if (!a || a->member != m) {
        fleet_member_command(m, COMMAND_DROP, e->event.attempt_id, 0);
        return;
    }
    if (a->state == FLEET_IS_ENDED || (e->word != FLEET_ENDED && e->seq != a->start))
        return;
    if (e->word == FLEET_ENDED)
        fleet_attempt_end(a, &e->event);
    else if (e->word == FLEET_UNSTARTED)
        take_unstarted(a);
    else if (e->word == FLEET_STARTED && a->state == FLEET_IS_SENT)
        fleet_attempt_runs(a, m);
    else if (e->word == FLEET_FAILED)
        take_failed(a, &e->event);
}

static void take_events(struct member *m, const json_t *events)
{
    struct fleet_event event;
    struct ff_err err = {0};
    const json_t *one;
    size_t i;

    json_array_foreach(events, i, one)
    {
        if (fleet_event_read(one, &event, &err) == FF_OK)
            take_event(m, &event);
        else
            log_warn("executor %s: %s", m->name, err.msg);
    }
}

static void answer_empty(struct http_reply *reply)
{
    json_t *answer = json_object();

    http_reply_json(reply, 200, answer);
    json_decref(answer);
}

static void take_tell(void *arg, const struct http_request *r, struct http_reply *reply)
{
    json_t *said = read_body(r, reply);
    struct member *m = said ? read_member(arg, said, reply) : NULL;

    if (m) {
        take_events(m, json_object_get(said, "events"));
        answer_empty(reply);
    }
    json_decref(said);
}

/* It has nothing left, or goes although it has. */
static void take_leave(void *arg, const struct http_request *r,
                       struct http_reply *reply)
{
    json_t *said = read_body(r, reply);
    struct member *m = said ? read_member(arg, said, reply) : NULL;

    if (m && fleet_member_attempts(m) > 0)
        http_reply_problem(reply, 422, "it still holds attempts");
    else if (m) {
        log_info("executor %s leaves", m->name);
        fleet_member_left(m);
        answer_empty(reply);
    }
    json_decref(said);
}

/* --- files --- */

struct fleet_attempt *fleet_door_attempt(struct fleet *f, const struct http_request *r,
                                         struct http_reply *reply)
{
    struct member *m = fleet_member_by_session(f, http_query(r, "session"));
    const char *id = http_query(r, "attempt");

    if (!m) {
        no_session(reply);
        return NULL;
    }
    fleet_member_heard(m);
    struct fleet_attempt *a = id ? map_get_text(&f->attempts, id) : NULL;
    const bool open = a && a->member == m && a->state != FLEET_IS_ENDED;
    if (open && a->named)
        return a;
    if (open)
        http_reply_problem(reply, 503, "nobody has asked for this attempt yet");
    else
        http_reply_problem(reply, 404, "this attempt is not yours, or has ended");
    return NULL;
}

static const struct http_route routes[] = {
    {"POST", "/executor/v1/register", take_register, REGISTER_MAX, admit},
    {"POST", "/executor/v1/pull", take_pull, PULL_MAX, admit},
    {"POST", "/executor/v1/tell", take_tell, TELL_MAX, admit},
    {"POST", "/executor/v1/leave", take_leave, PULL_MAX, admit},
    {"PUT", "/executor/v1/log", fleet_take_log, PIECE_MAX, admit},
    {"PUT", "/executor/v1/output", fleet_take_output, PIECE_MAX, admit},
    {"GET", "/executor/v1/file", fleet_give_file, 0, admit},
    {"PUT", "/executor/v1/file", fleet_take_file, PIECE_MAX, admit},
};

void fleet_mount(struct fleet *f, struct http_server *server)
{
    http_server_mount(server, routes, COUNT_OF(routes), f);
}
