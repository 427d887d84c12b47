/* member.c - the executors that have registered: what each holds, what it is to do, and
 * how long it may be silent.
 *
 * A command has a number and stays until the executor says that it has it; each request
 * is answered with all that are left. So an answer that was lost costs nothing. Free
 * places count from the moment the executor said so: starts that it did not have by
 * then take one each. */
#include "fleet/fleet_priv.h"

#include <string.h>

/* --- finding --- */

struct member *fleet_member_by_session(const struct fleet *f, const char *session)
{
    void *value;

    for (size_t i = 0; session && map_next(&f->members, &i, &value);)
        if (strcmp(((const struct member *)value)->session, session) == 0)
            return value;
    return NULL;
}

int64_t fleet_member_attempts(const struct member *m)
{
    int64_t n = 0;
    void *value;

    for (size_t i = 0; map_next(&m->fleet->attempts, &i, &value);) {
        const struct fleet_attempt *a = value;
        n += a->member == m && a->state != FLEET_IS_ENDED;
    }
    return n;
}

bool fleet_member_hung_up(const struct member *m)
{
    return m->pull ? http_reply_ended(m->pull) : m->hung_up;
}

int64_t fleet_member_room(const struct member *m)
{
    int64_t room = m->credit;

    for (const struct list *l = m->commands.next; l != &m->commands; l = l->next)
        room -= LIST_OF(l, struct command, link)->kind == COMMAND_START;
    return m->draining ? 0 : room;
}

/* --- commands --- */

static void free_command(struct command *c)
{
    list_del(&c->link);
    mem_free(c->attempt_id);
    mem_free(c);
}

static void drop_commands(struct member *m, uint64_t upto)
{
    for (struct list *l = m->commands.next, *next; l != &m->commands; l = next) {
        struct command *c = LIST_OF(l, struct command, link);
        next = l->next;
        if (c->seq <= upto)
            free_command(c);
    }
}

uint64_t fleet_member_command(struct member *m, enum command_kind kind, const char *id,
                              int64_t grace_us)
{
    struct command *c = mem_alloc(sizeof(*c));

    *c = (struct command){.seq = ++m->seq,
                          .kind = kind,
                          .attempt_id = mem_text(id),
                          .grace_us = grace_us};
    list_add_tail(&m->commands, &c->link);
    fleet_later(m->fleet);
    return c->seq;
}

/* --- what it says of itself --- */

static int64_t number_of(const json_t *said, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(said, key));

    return n > 0 ? n : 0;
}

/* Requests may overtake each other: what an older one says of free places is past. */
void fleet_member_note(struct member *m, const json_t *said)
{
    const uint64_t request = (uint64_t)number_of(said, "request");
    const uint64_t ack = (uint64_t)number_of(said, "ack");

    fleet_member_heard(m);
    if (request <= m->request)
        return;
    m->request = request;
    if (ack > m->ack && ack <= m->seq) {
        m->ack = ack;
        drop_commands(m, ack);
    }
    m->credit = number_of(said, "credit");
    if (m->credit > m->places)
        m->credit = m->places;
    m->draining = json_is_true(json_object_get(said, "draining"));
    m->shared = json_is_true(json_object_get(said, "shared"));
    fleet_later(m->fleet);
}

/* Who leaves keeps the places of what he still has, as does who seems to have died. */
static bool takes_none(const struct member *m)
{
    return m->draining || fleet_member_hung_up(m);
}

bool fleet_member_is_whole(const struct member *m)
{
    return !m->shared && !takes_none(m);
}

int64_t fleet_member_places(const struct member *m)
{
    if (fleet_member_is_whole(m))
        return m->places;
    return m->n_held + (takes_none(m) ? 0 : fleet_member_room(m));
}

/* --- how long it may be silent --- */

static void on_lease(void *arg)
{
    struct member *m = arg;
    const struct fleet_setup *s = &m->fleet->setup;
    const int64_t due = m->heard_at + s->lease_us;
    const int64_t left = due - loop_mono_us(s->loop);
    /* While it is being kept that it is there, it waits for us. */
    const bool spare = m->noting || (!m->spared && fleet_stood_still(m->fleet, due));

    m->spared = m->spared || spare;
    if (left > 0 || spare)
        loop_timer_add(s->loop, left > 0 ? left : s->lease_us / FLEET_SPARE_SHARE,
                       on_lease, m, &m->lease);
    else
        fleet_member_gone(m, "its executor was silent for longer than its lease");
}

void fleet_member_heard(struct member *m)
{
    m->heard_at = loop_mono_us(m->fleet->setup.loop);
    m->spared = false;
    if (!m->lease)
        loop_timer_add(m->fleet->setup.loop, m->fleet->setup.lease_us, on_lease, m,
                       &m->lease);
}

static void refuse_greeting(struct member *m, const char *why)
{
    struct http_reply *reply = m->greeting;

    m->greeting = NULL;
    if (reply)
        http_reply_problem(reply, 503, "%s", why);
}

void fleet_member_free(struct member *m)
{
    void *value;

    /* Ends that it has told wait for the core to let go of them. */
    for (size_t i = 0; map_next(&m->fleet->attempts, &i, &value);) {
        struct fleet_attempt *a = value;
        if (a->member == m)
            a->member = NULL;
    }
    fleet_pull_refuse(m);
    refuse_greeting(m, "this server takes it no more");
    drop_commands(m, UINT64_MAX);
    fleet_later(m->fleet);
    loop_timer_del(m->lease);
    loop_timer_del(m->poll);
    map_del_text(&m->fleet->members, m->id);
    mem_free(m->id);
    mem_free(m->name);
    mem_free(m->version);
    mem_free(m->address);
    mem_free(m->labels);
    json_decref(m->others);
    mem_free(m);
}

/* Ends that it has told stand; what it runs may run on, but nobody hears of it. */
void fleet_member_gone(struct member *m, const char *why)
{
    void *value;

    log_warn("executor %s is gone: %s", m->name, why);
    m->fleet->n_gone++;
    for (size_t i = 0; map_next(&m->fleet->attempts, &i, &value);) {
        struct fleet_attempt *a = value;
        if (a->member != m)
            continue;
        a->member = NULL;
        if (a->state != FLEET_IS_ENDED && a->named)
            fleet_attempt_lost(a, why);
        else if (!a->named)
            fleet_attempt_free(a);
    }
    fleet_member_left(m);
}

void fleet_member_left(struct member *m)
{
    const struct fleet_setup *s = &m->fleet->setup;

    if (m->noted || m->noting)
        s->forget(s->arg, m->id);
    fleet_member_free(m);
}

/* --- registering --- */

/* It holds this one. What nobody here knows any more is ended there; as long as the
 * core has not named all that it knows, it may be one of those. What another process
 * leads is left alone. */
static void claim(struct member *m, const char *id, int64_t tenant_hash)
{
    struct fleet *f = m->fleet;
    struct fleet_attempt *a = map_get_text(&f->attempts, id);

    if (!a && !f->setup.is_ours(f->setup.arg, tenant_hash)) {
        json_array_append_new(m->others, json_string(id));
    } else if (!a && !f->all_named) {
        a = fleet_attempt_new(f, id, FLEET_IS_RUNNING);
        a->member = m;
    } else if (!a || (a->member && a->member != m) ||
               (a->state == FLEET_IS_ENDED && !a->member)) {
        fleet_member_command(m, COMMAND_DROP, id, 0);
    } else if (a->state != FLEET_IS_ENDED) {
        a->start = 0;
        fleet_attempt_runs(a, m);
    }
}

static bool holds(const json_t *ids, const char *id)
{
    const json_t *one;
    size_t i;

    json_array_foreach(ids, i,
                       one) if (strcmp(json_string_value(one), id) == 0) return true;
    return false;
}

/* It does not hold what we thought it did. What it had not said to have can be given to
 * others: it takes nothing from an answer of before. */
static void reconcile(struct member *m, const json_t *ids)
{
    void *value;

    for (size_t i = 0; map_next(&m->fleet->attempts, &i, &value);) {
        struct fleet_attempt *a = value;
        if (a->member != m || a->state == FLEET_IS_ENDED || holds(ids, a->id))
            continue;
        if (a->state == FLEET_IS_SENT)
            fleet_attempt_wait(a);
        else if (!a->named)
            fleet_attempt_free(a);
        else
            fleet_attempt_lost(a, "its executor knows nothing of it any more");
    }
}

static bool is_name(const char *text)
{
    const size_t len = text ? strlen(text) : 0;

    return len > 0 && len <= FLEET_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-._") == len;
}

static bool are_ids(const json_t *ids)
{
    const json_t *one;
    size_t i;

    if (!json_is_array(ids))
        return false;
    json_array_foreach(ids, i, one) if (json_string_length(one) == 0 ||
                                        json_string_length(one) > 255) return false;
    return true;
}

static const char *word_of(const json_t *said, const char *key)
{
    const char *text = json_string_value(json_object_get(said, key));

    return is_name(text) ? text : NULL;
}

static void set_text(char **slot, const char *text)
{
    mem_free(*slot);
    *slot = mem_text(text);
}

/* It still asks from elsewhere: they will take turns in losing what the other one has.
 */
static void warn_of_copy(const struct fleet *f, const char *id, const char *name,
                         const char *address)
{
    const struct member *m = map_get_text(&f->members, id);
    const char *port = strrchr(address, ':');
    const size_t host = port ? (size_t)(port - address) + 1 : 0;

    if (m && m->pull && !http_reply_gone(m->pull) &&
        (strcmp(m->name, name) != 0 || strncmp(m->address, address, host) != 0))
        log_warn(
            "executor %s at %s is %s at %s too: one has a copy of the executor.dir "
            "of the other",
            name, address, m->name, m->address);
}

static struct member *member_of(struct fleet *f, const char *id)
{
    struct member *m = map_get_text(&f->members, id);

    if (m) {
        fleet_pull_refuse(m);
        drop_commands(m, UINT64_MAX);
        return m;
    }
    m = mem_alloc(sizeof(*m));
    m->fleet = f;
    m->id = mem_text(id);
    list_init(&m->commands);
    map_set_text(&f->members, id, m);
    f->n_registered++;
    return m;
}

/* --- being kept, for whoever leads next --- */

static void greet(struct member *m)
{
    struct fleet *f = m->fleet;
    struct http_reply *reply = m->greeting;
    json_t *answer = json_pack("{s:s, s:s, s:I, s:O}", "session", m->session,
                               "controller", f->controller, "lease_us",
                               (json_int_t)f->setup.lease_us, "others", m->others);

    m->greeting = NULL;
    log_info("executor %s registers with %lld places", m->name, (long long)m->places);
    http_reply_json(reply, 200, answer);
    json_decref(answer);
}

void fleet_member_greet(struct member *m, struct http_reply *reply)
{
    const struct fleet_setup *s = &m->fleet->setup;

    refuse_greeting(m, "another request took the place of this one");
    m->greeting = reply;
    if (m->noted) {
        greet(m);
    } else if (!m->noting) {
        m->noting = true;
        s->note(s->arg, m->id, m->name);
    }
}

void fleet_noted(struct fleet *f, const char *id, const struct ff_err *err)
{
    struct member *m = map_get_text(&f->members, id);

    if (!m || !m->noting)
        return;
    m->noting = false;
    m->noted = !err;
    if (err)
        refuse_greeting(m, err->msg);
    else if (m->greeting)
        greet(m);
}

void fleet_await(struct fleet *f, const char *id, const char *name)
{
    if (!map_get_text(&f->awaited, id))
        map_set_text(&f->awaited, id, mem_text(name));
    fleet_expect(f);
}

/* It says what it holds, and is not waited for any more. */
static void came_back(struct member *m)
{
    struct fleet *f = m->fleet;
    char *name = map_get_text(&f->awaited, m->id);

    if (!name)
        return;
    map_del_text(&f->awaited, m->id);
    mem_free(name);
    if (f->awaited.n > 0)
        return;
    f->all_back = true;
    f->setup.all_back(f->setup.arg);
    fleet_give_up(f);
}

/* Of one of a version before, or that holds it since then, nothing is known. */
static int64_t hash_at(const json_t *hashes, size_t i)
{
    const json_t *hash = json_array_get(hashes, i);

    return json_is_integer(hash) ? json_integer_value(hash) : -1;
}

/* One of a version before says nothing of them. */
static int read_labels(const json_t *said, struct buf *out, struct ff_err *err)
{
    const json_t *labels = json_object_get(said, "labels");

    if (labels && !json_is_string(labels))
        return ff_fail(err, FF_INVALID, 0, "labels are one text");
    return labels_read(labels ? json_string_value(labels) : "", out, err);
}

int fleet_member_register(struct fleet *f, const json_t *said, const char *address,
                          struct member **out, struct ff_err *err)
{
    const char *id = word_of(said, "id"), *name = word_of(said, "name");
    const char *version = word_of(said, "version");
    const json_t *ids = json_object_get(said, "attempts");
    const json_t *hashes = json_object_get(said, "tenant_hashes");
    const int64_t places = number_of(said, "places");
    struct buf labels = {0};
    const json_t *one;
    size_t i;

    if (number_of(said, "protocol") != 1)
        return ff_fail(err, FF_UNSUPPORTED, 0, "this server speaks protocol 1");
    if (!id || !name || !version || !are_ids(ids) || places > FLEET_PLACES_MAX)
        return ff_fail(err, FF_INVALID, 0,
                       "a registration has id, name and version of letters, digits "
                       "and -._, places up to %d, and a list of attempts",
                       FLEET_PLACES_MAX);
    if (read_labels(said, &labels, err) != FF_OK) {
        buf_done(&labels);
        return FF_INVALID;
    }
    warn_of_copy(f, id, name, address);
    struct member *m = member_of(f, id);
    set_text(&m->name, name);
    set_text(&m->version, version);
    set_text(&m->address, address);
    set_text(&m->labels, buf_text(&labels));
    m->n_labels = labels_count(m->labels);
    buf_done(&labels);
    fleet_random_text(m->session);
    m->places = places;
    m->credit = 0;
    m->request = m->ack = m->seq = 0;
    m->masks = json_is_true(json_object_get(said, "masks"));
    m->files = json_is_true(json_object_get(said, "files"));
    m->draining = m->hung_up = false;
    m->shared = json_is_true(json_object_get(said, "shared"));
    m->wanted = 0;
    json_decref(m->others);
    m->others = json_array();
    fleet_member_heard(m);
    reconcile(m, ids);
    json_array_foreach(ids, i, one)
        claim(m, json_string_value(one), hash_at(hashes, i));
    came_back(m);
    fleet_later(f);
    *out = m;
    return FF_OK;
}
