/* cmd_doctor.c - is everything as it should be, and what is to be done if not? The
 * checks are a table; each reads and changes nothing. */
#include "cli/admin/admin.h"
#include "cli/admin/doctor.h"
#include "cli/owner/owner_link.h"

#include <string.h>

void doctor_says(struct doctor *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&d->says, fmt, ap);
    va_end(ap);
    buf_add_char(&d->says, '\n');
}

/* --- the checks --- */

static int check_store_that_is_away(struct doctor *d)
{
    d->bad = true;
    doctor_says(d, "%s could not be opened: %s", node_settings(d->s->node)->store,
                d->away->msg);
    d->remedy = "see that it runs, can be reached from here, and lets this user in; "
                "`flowforge config show --sources` has what was tried";
    return FF_OK;
}

static int check_store(struct doctor *d)
{
    if (d->away)
        return check_store_that_is_away(d);

    const int64_t now = store_now_us(node_store(d->s->node));

    d->bad = store_health(node_store(d->s->node), &d->err) != FF_OK;
    if (d->bad)
        doctor_says(d, "%s", d->err.msg);
    else
        doctor_says(d, "%s answers; its schema is version %d",
                    node_settings(d->s->node)->store, MODEL_SCHEMA_VERSION);
    if (now <= 0) {
        d->bad = true;
        doctor_says(d, "it does not tell the time");
    }
    d->remedy = "look at the settings with `flowforge config show --sources`";
    return FF_OK;
}

static int count_open(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}

struct leaders {
    struct doctor *doctor;
    size_t n;
};

/* Of hosts that share the store: what of all tenants it leads. */
static void tell_leader(void *arg, const struct node_leader *leader)
{
    struct leaders *all = arg;
    struct doctor *d = all->doctor;
    const double part =
        (double)(leader->range.high - leader->range.low) / (double)RANGE_END;
    char since[UNITS_TEXT], whom[64] = "them";

    if (range_is_empty(leader->range) && !leader->leads)
        return; /* what is left of one that joined once */
    all->n++;
    d->led = d->led && leader->leads;
    if (!range_is_all(leader->range))
        snprintf(whom, sizeof(whom), "%.1f %% of all tenants", 100 * part);
    if (!leader->leads) {
        doctor_says(d, "no host leads %s (epoch %lld)", whom, (long long)leader->epoch);
        return;
    }
    units_time_text(leader->since_us, since);
    doctor_says(d, "%s leads %s%s%s, since %s (epoch %lld), for %lld ms at least",
                leader->owner, whom, leader->address[0] ? " at " : "", leader->address,
                since, (long long)leader->epoch,
                (long long)leader->lease_left_us / 1000);
}

static int check_leaders(struct doctor *d)
{
    struct leaders all = {.doctor = d};

    d->led = true;
    const int code =
        node_read_leaders(d->s->node, STORE_READER_CALLER, tell_leader, &all, &d->err);
    if (code == FF_OK && all.n == 0) {
        d->led = false;
        doctor_says(d, "no host leads them yet");
    }
    return code;
}

static int check_owner(struct doctor *d)
{
    MEM_AUTO char *socket = node_socket_path(d->s->node);
    const struct open_run_row like = {.shard = 0};
    struct ff_err none;
    int64_t n = 0;
    const int code = store_scan(
        node_store(d->s->node), STORE_READER_CALLER,
        &(struct store_query){.record = &record_open_run, .like = &like, .n_equal = 1},
        count_open, &n, &d->err);

    if (code != FF_OK)
        return code;
    const bool led =
        owner_call(socket, "GET", "/api/v1/owner", NULL, NULL, &none) == FF_OK;
    doctor_says(d, "%lld open runs, %s", (long long)n,
                led ? "led by the owner at its socket" : "and nobody leads here");
    const bool elsewhere =
        node_is_leased(d->s->node) && check_leaders(d) == FF_OK && d->led;
    d->bad = n > 0 && !led && !elsewhere;
    d->remedy = "`flowforge resume` goes on with them";
    return FF_OK;
}

static int check_version(struct doctor *d)
{
    doctor_says(d, "flowforge %s, driver ABI %s", FLOWFORGE_VERSION, FF_ABI_STATUS);
    return FF_OK;
}

static const struct {
    const char *name;
    int (*check)(struct doctor *d);
    bool needs_rows;
} checks[] = {
    {"store", check_store, false},     {"owner", check_owner, true},
    {"version", check_version, false}, {"queue", doctor_queue, false},
    {"slots", doctor_slots, true},     {"artifacts", doctor_blobs, false},
    {"paused", doctor_paused, true},
};

/* Nothing is known then: neither that it is well nor that it is not. */
static bool is_unknown(size_t check, const struct doctor *d)
{
    return d->away && checks[check].needs_rows;
}

static int carry_out(size_t check, struct doctor *d)
{
    if (!is_unknown(check, d))
        return checks[check].check(d);
    doctor_says(d, "not looked at: the store could not be opened");
    return FF_OK;
}

/* --- what they say --- */

static void add_json(struct jsonw *w, size_t check, const struct doctor *d)
{
    const char *name = checks[check].name;

    jsonw_open(w, '{');
    jsonw_key(w, "check");
    jsonw_text(w, name);
    jsonw_key(w, "ok");
    if (is_unknown(check, d))
        jsonw_raw(w, "null", 4);
    else
        jsonw_bool(w, !d->bad);
    jsonw_key(w, "says");
    jsonw_text_len(w, buf_text(&d->says), d->says.len > 0 ? d->says.len - 1 : 0);
    if (strcmp(name, "slots") == 0 && !is_unknown(check, d)) {
        jsonw_key(w, "leaked");
        jsonw_int(w, d->leaked);
        jsonw_key(w, "ghosts");
        jsonw_int(w, d->ghosts);
    }
    if (strcmp(name, "paused") == 0 && !is_unknown(check, d)) {
        jsonw_key(w, "paused");
        jsonw_int(w, d->paused);
    }
    if (d->bad && d->remedy) {
        jsonw_key(w, "remedy");
        jsonw_text(w, d->remedy);
    }
    jsonw_close(w, '}');
}

static void add_text(const struct cli *c, struct buf *out, size_t check,
                     const struct doctor *d)
{
    if (is_unknown(check, d))
        cli_add_coloured(out, c->colour, CLI_YELLOW, "?  ");
    else
        cli_add_coloured(out, c->colour, d->bad ? CLI_RED : CLI_GREEN,
                         d->bad ? "bad" : "ok ");
    buf_printf(out, " %-8s ", checks[check].name);
    for (const char *p = buf_text(&d->says); *p; p++) {
        buf_add_char(out, *p);
        if (*p == '\n' && p[1])
            buf_add_text(out, "             ");
    }
    if (d->bad && d->remedy)
        buf_printf(out, "             %s\n", d->remedy);
}

static bool is_chosen(const struct cli *c, const char *name)
{
    for (size_t i = 0; i < c->args.words.n; i++)
        if (strcmp(c->args.words.items[i], name) == 0)
            return true;
    return c->args.words.n == 0;
}

static int check_words(const struct cli *c)
{
    for (size_t i = 0; i < c->args.words.n; i++) {
        size_t k = 0;
        while (k < COUNT_OF(checks) &&
               strcmp(checks[k].name, c->args.words.items[i]) != 0)
            k++;
        if (k == COUNT_OF(checks))
            return cli_fail(CLI_USAGE,
                            "there is no check %.40s; there are store, owner, version, "
                            "queue, slots, artifacts and paused",
                            c->args.words.items[i]);
    }
    return CLI_OK;
}

/* away: why the store could not be opened; or NULL. */
static int examine(struct cli *c, const struct cli_session *s,
                   const struct ff_err *away)
{
    struct buf out = {0};
    struct jsonw w = {.out = &out};
    bool bad = false;

    if (c->json)
        jsonw_open(&w, '[');
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        struct doctor d = {.s = s, .away = away};
        if (!is_chosen(c, checks[i].name))
            continue;
        const int found = carry_out(i, &d);
        if (found == FF_NO_MEMORY) { /* which says nothing of the installation */
            buf_done(&d.says);
            buf_done(&out);
            return cli_fail_err(&d.err);
        }
        if (found != FF_OK) {
            d.bad = true;
            doctor_says(&d, "%s", d.err.msg);
        }
        bad = bad || d.bad;
        if (c->json)
            add_json(&w, i, &d);
        else
            add_text(c, &out, i, &d);
        buf_done(&d.says);
    }
    if (c->json) {
        jsonw_close(&w, ']');
        buf_add_char(&out, '\n');
    }
    const int code = cli_print(&out);
    return code == CLI_OK && bad ? CLI_RUN_FAILED : code;
}

int cmd_doctor(struct cli *c)
{
    struct cli_session s;
    struct ff_err why;

    int code = check_words(c);
    if (code != CLI_OK)
        return code;
    code = cli_open_partly(c, &s, &why);
    if (code == CLI_OK)
        code = examine(c, &s, why.code == FF_OK ? NULL : &why);
    cli_close(&s);
    return code;
}
