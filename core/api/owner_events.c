/* owner_events.c - who follows which run, and the hints they are sent.
 *
 * A follower that reads slowly is sent no more hints until it has read on; then it gets
 * one that tells it to look at everything: hints may be merged, never lost. */
#include "api/owner_api_priv.h"

#include <string.h>

#define BEHIND_MAX  ((size_t)64 * 1024) /* unread bytes beyond which hints wait */
#define MESSAGE_MAX 200                 /* bytes of a progress message that are sent */

struct follower {
    struct list link;
    struct owner_api *api;
    struct http_stream *stream;
    int64_t run;    /* 0: all */
    int64_t family; /* also runs with this outermost one; 0: only the one */
    bool behind, final;
};

/* Of a run inside others the outermost, else itself. */
static int64_t family_of(const struct run_row *run)
{
    return run->root == MODEL_NULL ? run->run : run->root;
}

static bool hears_of(const struct follower *f, const struct run_row *run)
{
    return f->run == 0 || f->run == run->run ||
           (f->family != 0 && f->family == family_of(run));
}

static void end_follower(struct follower *f)
{
    list_del(&f->link);
    mem_free(f);
}

static void gone(void *arg)
{
    end_follower(arg);
}

static void send(const struct follower *f, const char *event, const json_t *data)
{
    struct buf text = {0};

    json_add_to(&text, data);
    http_stream_event(f->stream, NULL, event, buf_text(&text), text.len);
    buf_done(&text);
}

/* The stream ends here where nothing can follow. */
static void hint(struct follower *f, const json_t *data, bool final)
{
    f->final = f->final || final;
    if (http_stream_unread(f->stream) > BEHIND_MAX) {
        f->behind = true;
        return;
    }
    send(f, "run", data);
    if (f->final && f->run) {
        http_stream_end(f->stream);
        end_follower(f);
    }
}

static void hint_everything(struct follower *f)
{
    json_t *everything = json_object();

    hint(f, everything, false);
    json_decref(everything);
}

static void drained(void *arg)
{
    struct follower *f = arg;

    if (!f->behind)
        return;
    f->behind = false;
    hint_everything(f);
}

/* --- following --- */

/* NULL: the peer has gone meanwhile. */
static struct follower *follow(struct owner_api *api, struct http_reply *reply,
                               int64_t run)
{
    struct follower *f = mem_alloc(sizeof(*f));
    const struct http_stream_opts opts = {.gone = gone, .drained = drained, .arg = f};

    *f = (struct follower){.api = api, .run = run};
    f->stream = http_stream_open(reply, &opts);
    if (!f->stream) {
        mem_free(f);
        return NULL;
    }
    list_add_tail(&api->followers, &f->link);
    return f;
}

static int64_t last_seq(const struct owner_api *api, const struct run_row *run)
{
    struct ff_err err = {0};
    int64_t seq;

    if (store_last_seq(node_store(api->setup.node), STORE_READER_CALLER,
                       (struct tenant){run->tenant}, run->run, &seq, &err) != FF_OK)
        log_debug("a hint goes out without its number: %s", err.msg);
    return seq;
}

static json_t *hint_of(const struct owner_api *api, const struct run_row *run)
{
    return json_pack("{s:s%, s:I, s:s}", "run", run->id.s, run->id.len, "seq",
                     (json_int_t)last_seq(api, run), "state",
                     run_state_names[run->state]);
}

/* The first hint goes out at once: what happened before the reader came is hinted too.
 */
void owner_events_one(void *arg, const struct http_request *r, struct http_reply *reply)
{
    struct owner_api *api = arg;
    struct arena arena = {0};
    struct run_row run;

    if (owner_leads(api, reply) && owner_find_run(api, r, reply, &arena, &run)) {
        const char *inside = http_query(r, "inside");
        struct follower *f = follow(api, reply, run.run);
        json_t *data = hint_of(api, &run);
        if (f) {
            f->family = inside && strcmp(inside, "true") == 0 ? family_of(&run) : 0;
            if (f->family) /* of runs inside anything may have happened before */
                hint_everything(f);
            hint(f, data, run_state_final(run.state));
        }
        json_decref(data);
    }
    arena_done(&arena);
}

void owner_events_all(void *arg, const struct http_request *r, struct http_reply *reply)
{
    (void)r;
    if (!owner_leads(arg, reply))
        return;
    struct follower *f = follow(arg, reply, 0);

    if (f)
        hint_everything(f);
}

/* --- telling --- */

static bool is_heard_of(const struct owner_api *api, const struct run_row *run)
{
    for (const struct list *l = api->followers.next; l != &api->followers; l = l->next)
        if (hears_of(LIST_OF(l, struct follower, link), run))
            return true;
    return false;
}

void owner_api_changed(struct owner_api *api, const struct run_row *run)
{
    if (!is_heard_of(api, run))
        return;
    json_t *data = hint_of(api, run);
    for (struct list *l = api->followers.next, *next; l != &api->followers; l = next) {
        struct follower *f = LIST_OF(l, struct follower, link);
        next = l->next;
        if (hears_of(f, run))
            hint(f, data,
                 run_state_final(run->state) && (f->run == 0 || f->run == run->run));
    }
    json_decref(data);
}

static bool is_followed(const struct owner_api *api, int64_t run)
{
    for (const struct list *l = api->followers.next; l != &api->followers;
         l = l->next) {
        const struct follower *f = LIST_OF(l, struct follower, link);
        if (f->run == 0 || f->family != 0 || f->run == run)
            return true;
    }
    return false;
}

void owner_api_progress(struct owner_api *api, const struct attempt_key *key)
{
    struct control *control = node_control(api->setup.node);
    const struct exec *exec = node_exec(api->setup.node);
    struct exec_progress said;
    char path[96];

    if (!control || !exec || !is_followed(api, key->run) ||
        !exec_progress_of(exec, key, &said) ||
        control_node_path(control, key, path, sizeof(path)) != FF_OK)
        return;
    json_t *data = json_pack("{s:I, s:s, s:i}", "run_no", (json_int_t)key->run, "task",
                             path, "progress", said.progress);
    size_t len = said.message ? strnlen(said.message, MESSAGE_MAX) : 0;
    len = said.message ? text_utf8_error(said.message, len) : 0;
    if (len > 0)
        json_object_set_new(data, "message", json_stringn(said.message, len));
    for (struct list *l = api->followers.next, *next; l != &api->followers; l = next) {
        const struct follower *f = LIST_OF(l, struct follower, link);
        next = l->next;
        /* Only the last word counts: whoever is behind does without. Whose run it is
         * inside of is not known here: who follows what is inside knows it. */
        if ((f->run == 0 || f->family != 0 || f->run == key->run) &&
            http_stream_unread(f->stream) <= BEHIND_MAX)
            send(f, "progress", data);
    }
    json_decref(data);
}

size_t owner_api_followed(const struct owner_api *api)
{
    struct map runs = {0};

    for (const struct list *l = api->followers.next; l != &api->followers;
         l = l->next) {
        struct follower *f = LIST_OF(l, struct follower, link);
        if (f->run && !f->final)
            map_set(&runs, f->run, f);
    }
    const size_t n = runs.n;
    map_done(&runs);
    return n;
}
