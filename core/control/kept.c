/* kept.c - signals that are kept until a node waits for them. They belong to the
 * outermost run, and all runs inside it take from the same ones.
 *
 * A signal becomes a row in the commit that takes its message out of the inbox; the row
 * goes in the commit of the node that takes it. So it is kept once and taken once,
 * whoever dies. Memory only knows which rows there are, and which wait has looked at
 * which: a node may refuse a signal of the right name and key, for its `if`. */
#include "control/control_priv.h"

#include <string.h>

struct kept {
    struct list link;
    int64_t no;
    int64_t with; /* the run that it is offered to; 0: none */
    bool doubt;   /* whether that run took it is asked of the store */
    bool fresh;   /* came while the rows were being read */
    char *name, *key;
    json_t *data;
};

struct await {
    struct list link;
    struct live *live;
    int64_t node, attempt;
    char *name, *key; /* key: or NULL, any */
    bool offered;     /* a signal is on its way */
    struct {
        int64_t *items;
        size_t n, cap;
    } refused; /* signals, by number */
};

/* Of one outermost run. */
struct post {
    int64_t root;
    struct list kept;  /* oldest first */
    struct list waits; /* the same */
    size_t n_kept, n_coming;
    size_t n_loading; /* reads of its rows under way */
    struct {
        int64_t *items;
        size_t n, cap;
    } gone; /* taken meanwhile */
};

/* --- making and freeing --- */

static struct post *post_of(struct control *c, int64_t root)
{
    struct post *p = map_get(&c->posts, root);

    if (p)
        return p;
    p = mem_alloc(sizeof(*p));
    p->root = root;
    list_init(&p->kept);
    list_init(&p->waits);
    map_set(&c->posts, root, p);
    return p;
}

static void free_kept(struct post *p, struct kept *k)
{
    list_del(&k->link);
    p->n_kept--;
    mem_free(k->name);
    mem_free(k->key);
    json_decref(k->data);
    mem_free(k);
}

static void free_await(struct await *w)
{
    list_del(&w->link);
    mem_free(w->name);
    mem_free(w->key);
    ARRAY_DONE(&w->refused);
    mem_free(w);
}

static void free_post(struct control *c, struct post *p)
{
    struct list *link;

    while ((link = list_first(&p->kept)))
        free_kept(p, LIST_OF(link, struct kept, link));
    while ((link = list_first(&p->waits)))
        list_del(link); /* its run frees it */
    ARRAY_DONE(&p->gone);
    map_del(&c->posts, p->root);
    mem_free(p);
}

void control_posts_free(struct control *c)
{
    void *value;

    for (size_t i = 0; map_next(&c->posts, &i, &value);)
        free_post(c, value);
    map_done(&c->posts);
}

static char *copy_text(const json_t *body, const char *key)
{
    const char *text = json_string_value(json_object_get(body, key));

    return text ? mem_text(text) : NULL;
}

static struct kept *find_kept(struct post *p, int64_t no)
{
    for (struct list *at = p->kept.next; at != &p->kept; at = at->next)
        if (LIST_OF(at, struct kept, link)->no == no)
            return LIST_OF(at, struct kept, link);
    return NULL;
}

/* --- offering --- */

static bool was_refused(const struct await *w, int64_t no)
{
    for (size_t i = 0; i < w->refused.n; i++)
        if (w->refused.items[i] == no)
            return true;
    return false;
}

static bool fits(const struct await *w, const struct kept *k)
{
    return !w->offered && k->with == 0 && strcmp(w->name, k->name) == 0 &&
           (!w->key || (k->key && strcmp(w->key, k->key) == 0)) &&
           !was_refused(w, k->no);
}

static void offer(struct await *w, struct kept *k)
{
    struct queued q = {
        .in = {.type = INPUT_SIGNAL, .node = w->node, .attempt = w->attempt},
        .kept_no = k->no,
    };
    json_t *body = json_pack("{ss}", "name", k->name);

    if (k->key)
        json_object_set_new(body, "key", json_string(k->key));
    if (k->data)
        json_object_set(body, "data", k->data);
    q.signal = mem_alloc(sizeof(*q.signal));
    *q.signal = (struct signal){.word = mem_text(SIGNAL_KEPT), .body = body};
    w->offered = true;
    k->with = w->live->no;
    control_queue(w->live, &q);
}

static void offer_kept(struct post *p, struct kept *k)
{
    for (struct list *at = p->waits.next; at != &p->waits; at = at->next) {
        struct await *w = LIST_OF(at, struct await, link);
        if (fits(w, k)) {
            offer(w, k);
            return;
        }
    }
}

static void offer_to(struct post *p, struct await *w)
{
    for (struct list *at = p->kept.next; at != &p->kept; at = at->next) {
        struct kept *k = LIST_OF(at, struct kept, link);
        if (fits(w, k)) {
            offer(w, k);
            return;
        }
    }
}

static void offer_all(struct post *p)
{
    for (struct list *at = p->kept.next; at != &p->kept; at = at->next)
        offer_kept(p, LIST_OF(at, struct kept, link));
}

/* --- waits --- */

static void end_await(struct live *l, int64_t node)
{
    struct await *w = map_del(&l->awaits, node);

    if (w)
        free_await(w);
}

void control_await(struct live *l, const struct effect *e)
{
    struct post *p;
    struct await *w;

    end_await(l, e->node);
    if (!e->name)
        return;
    p = post_of(l->control, l->root);
    w = mem_alloc(sizeof(*w));
    w->live = l;
    w->node = e->node;
    w->attempt = e->attempt;
    w->name = mem_text(e->name);
    w->key = e->key ? mem_text(e->key) : NULL;
    list_add_tail(&p->waits, &w->link);
    map_set(&l->awaits, e->node, w);
    offer_to(p, w);
}

void control_awaits_clear(struct live *l)
{
    void *value;

    for (size_t i = 0; map_next(&l->awaits, &i, &value);)
        free_await(value);
    map_done(&l->awaits);
    l->awaits = (struct map){0};
}

/* --- keeping --- */

static const char *cannot_keep(const struct live *l, const json_t *body)
{
    const struct post *p = map_get(&l->control->posts, l->root);

    if (!json_is_string(json_object_get(body, "name")))
        return "bad_inputs";
    if (p && p->n_kept + p->n_coming >= CONTROL_SIGNALS_MAX)
        return "too_many";
    return NULL;
}

/* A store that was cut off may write a message once more that was written anew
 * meanwhile, and carried out. */
static bool is_kept(const struct live *l, int64_t no)
{
    struct post *p = map_get(&l->control->posts, l->root);

    return p && find_kept(p, no);
}

static void note_received(struct step *s, const char *name, const char *key)
{
    struct jsonw w = step_event(s, "signal.received");

    jsonw_key(&w, "name");
    jsonw_text(&w, name);
    if (key) {
        jsonw_key(&w, "key");
        jsonw_text(&w, key);
    }
    step_event_end(s, &w);
}

const char *control_keep(struct live *l, struct queued *q)
{
    const json_t *body = q->signal->body;
    const char *why = cannot_keep(l, body);
    json_t *data = json_object_get(body, "data");
    MEM_AUTO char *text = data ? json_text(data) : NULL;

    if (why || run_state_final(l->run->row.state) || is_kept(l, q->inbox_no))
        return why;
    const struct signal_row row = {
        .tenant = l->tenant.no,
        .run = l->root,
        .no = q->inbox_no,
        .name = span_of(json_string_value(json_object_get(body, "name"))),
        .key = span_of(json_string_value(json_object_get(body, "key"))),
        .body = span_of(text),
        .at = l->step.now_us,
    };
    batch_put(&l->step.batch, &record_signal, &row, FF_ABSENT);
    note_received(&l->step, row.name.s, row.key.s);
    post_of(l->control, l->root)->n_coming++;
    q->keeping = true;
    return NULL;
}

static struct kept *add_kept(struct post *p, int64_t no, const json_t *body)
{
    struct kept *k = mem_alloc(sizeof(*k));

    k->no = no;
    k->name = copy_text(body, "name");
    k->key = copy_text(body, "key");
    k->data = json_incref(json_object_get(body, "data"));
    k->fresh = p->n_loading > 0;
    list_add_tail(&p->kept, &k->link);
    p->n_kept++;
    return k;
}

/* --- what became of an input --- */

static void taken(struct post *p, struct kept *k)
{
    if (p->n_loading > 0)
        ARRAY_ADD(&p->gone, k->no);
    free_kept(p, k);
}

static void refused(struct live *l, struct post *p, struct kept *k, int64_t node)
{
    struct await *w = map_get(&l->awaits, node);

    k->with = 0;
    if (w) {
        w->offered = false;
        ARRAY_ADD(&w->refused, k->no);
        offer_to(p, w);
    }
    if (k->with == 0)
        offer_kept(p, k);
}

void control_kept_durable(struct live *l, struct queued *q)
{
    struct post *p = map_get(&l->control->posts, l->root);
    struct kept *k;

    if (!p)
        return;
    if (q->keeping) {
        p->n_coming--;
        q->keeping = false;
        offer_kept(p, add_kept(p, q->inbox_no, q->signal->body));
    }
    k = q->kept_no > 0 ? find_kept(p, q->kept_no) : NULL;
    if (!k)
        return;
    if (q->taken)
        taken(p, k);
    else
        refused(l, p, k, q->in.node);
}

/* The run is loaded again: what it was offered is offered anew, once the store has told
 * which signals there still are; messages are found in the inbox again, unless they
 * were kept after all. True: the input is to be forgotten. */
bool control_kept_undone(struct live *l, struct queued *q)
{
    struct post *p = map_get(&l->control->posts, l->root);
    struct kept *k = p && q->kept_no > 0 ? find_kept(p, q->kept_no) : NULL;

    if (q->keeping && p)
        p->n_coming--;
    if (k)
        k->doubt = true;
    return q->keeping || q->kept_no > 0;
}

/* The run is over, or is not led here any more. */
void control_kept_refused(struct live *l, struct queued *q)
{
    struct post *p = map_get(&l->control->posts, l->root);
    struct kept *k = p && q->kept_no > 0 ? find_kept(p, q->kept_no) : NULL;

    if (q->keeping && p)
        p->n_coming--;
    if (!k)
        return;
    k->with = 0;
    k->doubt = false;
    offer_kept(p, k);
}

/* --- ends --- */

static void delete_row(struct live *l, int64_t no)
{
    const struct signal_row row = {.tenant = l->tenant.no, .run = l->no, .no = no};

    batch_delete(&l->step.batch, &record_signal, &row, FF_ANY_VERSION);
}

void control_kept_ending(struct live *l)
{
    struct post *p = map_get(&l->control->posts, l->no);

    if (!p)
        return;
    for (struct list *at = p->kept.next; at != &p->kept; at = at->next)
        delete_row(l, LIST_OF(at, struct kept, link)->no);
    for (size_t i = 0; i < l->applied.n; i++)
        if (l->applied.items[i].keeping)
            delete_row(l, l->applied.items[i].inbox_no);
}

void control_kept_ended(struct live *l)
{
    struct post *p = map_get(&l->control->posts, l->no);

    control_awaits_clear(l);
    if (p)
        free_post(l->control, p);
}

/* --- loading --- */

void control_kept_loading(struct control *c, int64_t root, bool begins)
{
    struct post *p = begins ? post_of(c, root) : map_get(&c->posts, root);

    if (begins)
        p->n_loading++;
    if (begins || !p || p->n_loading == 0 || --p->n_loading > 0)
        return;
    ARRAY_DONE(&p->gone);
    for (struct list *at = p->kept.next; at != &p->kept; at = at->next)
        LIST_OF(at, struct kept, link)->fresh = false;
}

static int add_signal(void *arg, const void *row)
{
    struct loaded_signals *signals = arg;
    const struct signal_row *r = row;
    struct loaded_signal loaded = {.no = r->no, .body = json_object()};
    struct ff_err ignored;

    json_object_set_new(loaded.body, "name", json_stringn(r->name.s, r->name.len));
    if (r->key.s)
        json_object_set_new(loaded.body, "key", json_stringn(r->key.s, r->key.len));
    if (r->body.s) /* it was parsed when it came */
        json_object_set_new(loaded.body, "data",
                            json_parse(r->body.s, r->body.len, &ignored));
    ARRAY_ADD(signals, loaded);
    return 0;
}

int control_kept_read(struct control *c, struct tenant t, int64_t root,
                      struct loaded_signals *signals, struct ff_err *err)
{
    const struct signal_row like = {.tenant = t.no, .run = root};

    signals->read = true;
    return store_scan(
        c->setup.store, STORE_READER_LANE,
        &(struct store_query){.record = &record_signal, .like = &like, .n_equal = 2},
        add_signal, signals, err);
}

void control_signals_done(struct loaded_signals *signals)
{
    for (size_t i = 0; i < signals->n; i++)
        json_decref(signals->items[i].body);
    ARRAY_DONE(signals);
}

static bool is_loaded(const struct loaded_signals *signals, int64_t no)
{
    for (size_t i = 0; i < signals->n; i++)
        if (signals->items[i].no == no)
            return true;
    return false;
}

static bool is_gone(const struct post *p, int64_t no)
{
    for (size_t i = 0; i < p->gone.n; i++)
        if (p->gone.items[i] == no)
            return true;
    return false;
}

/* What the store has, against what memory knows. */
void control_kept_loaded(struct live *l, const struct loaded_signals *signals)
{
    struct post *p = map_get(&l->control->posts, l->root);
    struct list *next;

    if (!signals->read || (!p && signals->n == 0))
        return;
    p = post_of(l->control, l->root);
    for (struct list *at = p->kept.next; at != &p->kept; at = next) {
        struct kept *k = LIST_OF(at, struct kept, link);
        next = at->next;
        if (!k->fresh && !is_loaded(signals, k->no))
            free_kept(p, k);
        else if (k->doubt && k->with == l->no)
            k->with = k->doubt = 0;
    }
    for (size_t i = 0; i < signals->n; i++)
        if (!find_kept(p, signals->items[i].no) && !is_gone(p, signals->items[i].no))
            add_kept(p, signals->items[i].no, signals->items[i].body);
    offer_all(p);
}
