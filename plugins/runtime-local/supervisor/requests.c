/* requests.c - what a client may ask for: one function per kind of frame. */
#include "client_priv.h"

#include "sup.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4000 /* of a directory, so that a file's name fits behind it */

static void fail(struct client *client, uint64_t seq, int code, const char *why)
{
    struct ff_err err;

    ff_fail(&err, code, 0, "%s", why);
    client_done(client, seq, &err);
}

static void hello(struct client *client, struct rl_frame *frame)
{
    struct sup *sup = client->sup;
    struct ff_err err;

    const uint32_t magic = rl_get_u32(&frame->body);
    const uint32_t major = rl_get_u32(&frame->body);
    if (frame->body.bad || magic != RL_MAGIC || major != RL_MAJOR) {
        ff_fail(&err, FF_UNSUPPORTED, 0,
                "the supervisor of %.120s speaks protocol %d and was asked for %u; it "
                "ends by itself when its tasks have",
                sup->dir, RL_MAJOR, major);
        client_done(client, 0, &err);
        client->closing = true;
        rl_out_send(&client->tx, &client->sent, client->source.fd);
        return;
    }
    if (!client->greeted)
        sup->n_greeted++;
    client->greeted = true;
    loop_timer_del(&sup->loop, &sup->idle);
    struct rl_out *tx = &client->tx;
    const size_t begun = rl_frame_begin(tx, RL_HELLO, frame->seq);
    rl_put_u32(tx, RL_MAGIC);
    rl_put_u32(tx, RL_MAJOR);
    rl_put_u32(tx, RL_MINOR);
    rl_put_i32(tx, (int32_t)getpid());
    rl_put_u64(tx, live_lineage(&sup->live));
    rl_put_str(tx, FLOWFORGE_VERSION);
    rl_frame_end(tx, begun);
}

static bool grow_words(struct sup *sup, size_t n)
{
    if (n <= sup->words_cap)
        return true;
    char **words = realloc(sup->words, n * sizeof(char *));
    if (!words)
        return false;
    sup->words = words;
    sup->words_cap = n;
    return true;
}

/* Reads a list of strings to words[at...] and a NULL behind it; returns the place
 * after that, 0 when there is no memory or, with in->bad, it is malformed. */
static size_t get_words(struct sup *sup, struct rl_in *in, size_t at)
{
    const uint32_t n = rl_get_u32(in);

    in->bad = in->bad || n > RL_ENV_MAX;
    if (in->bad || !grow_words(sup, at + n + 1))
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        const char *word = rl_get_str(in);
        in->bad = in->bad || !word;
        if (!word)
            return 0;
        sup->words[at++] = (char *)word;
    }
    sup->words[at++] = NULL;
    return at;
}

/* words: a free place, argv, NULL, $FF_OUT, env without it, NULL. */
static bool get_argv_and_env(struct sup *sup, struct rl_in *in, struct start *start,
                             char *out_word)
{
    if (!grow_words(sup, 64))
        return false;
    const size_t env_at = get_words(sup, in, 1);
    if (!env_at)
        return false;
    const size_t end = get_words(sup, in, env_at + 1);
    if (!end)
        return false;

    sup->words[env_at] = out_word;
    size_t kept = env_at + 1;
    for (size_t i = kept; i + 1 < end; i++)
        if (strncmp(sup->words[i], "FF_OUT=", 7) != 0)
            sup->words[kept++] = sup->words[i];
    sup->words[kept] = NULL;
    start->argv = sup->words + 1;
    start->env = sup->words + env_at;
    return true;
}

/* Behind the words of argv and env: those may move when there is no room. */
static bool get_masks(struct sup *sup, struct rl_in *in, struct start *start)
{
    char **const words = sup->words;
    const size_t argv_at = (size_t)(start->argv - words);
    const size_t env_at = (size_t)(start->env - words);
    size_t at = env_at;

    while (words[at])
        at++;
    at += 2; /* the place that is free for use */
    if (!get_words(sup, in, at))
        return false;
    start->argv = sup->words + argv_at;
    start->env = sup->words + env_at;
    start->masks = (const char *const *)(sup->words + at);
    return true;
}

static const char *find_fault(const struct start *start)
{
    if (!rl_id_valid(start->id))
        return "an attempt id is 1 to 255 printable bytes without spaces";
    if (!start->argv[0])
        return "there is no program to run";
    if (start->dir && start->dir[0] != '/')
        return "the working directory must be an absolute path";
    if (start->log_dir && start->log_dir[0] != '/')
        return "the log directory must be an absolute path";
    if (start->log_dir && strlen(start->log_dir) > PATH_BYTES)
        return "the path of the log directory is too long";
    if (start->log_max_bytes < 0 || start->timeout_us < 0 || start->grace_us < 0 ||
        start->cpu_milli < 0 || start->memory_bytes < 0)
        return "limits cannot be negative";
    return NULL;
}

static bool has_hung_up(const struct client *client)
{
    struct pollfd peer = {.fd = client->source.fd};

    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR));
}

/* A start that an engine left on its way when it died does not come any more: the next
 * one may have heard by adopt that it never began, and then have cancelled it, or run
 * and released it. */
static void start(struct client *client, struct rl_frame *frame)
{
    struct sup *sup = client->sup;
    struct rl_in *in = &frame->body;
    struct start what = {0};
    char name[RL_NAME_SIZE] = "";
    char out_word[4096 + RL_NAME_SIZE];
    struct ff_err err;

    if (has_hung_up(client))
        return;
    what.id = rl_get_str(in);
    what.dir = rl_get_str(in);
    what.log_dir = rl_get_str(in);
    what.log_max_bytes = rl_get_i64(in);
    what.timeout_us = rl_get_i64(in);
    what.grace_us = rl_get_i64(in);
    what.cpu_milli = rl_get_i64(in);
    what.memory_bytes = rl_get_i64(in);
    if (what.id && rl_id_valid(what.id))
        rl_dir_name(what.id, name);
    snprintf(out_word, sizeof(out_word), "FF_OUT=%s%s", sup->out_prefix, name);
    const bool good = get_argv_and_env(sup, in, &what, out_word);
    if (!good && !in->bad) {
        fail(client, frame->seq, FF_BUSY, "out of memory");
        return;
    }
    what.input = rl_get_blob(in, &what.input_len);
    if (!in->bad && frame->type == RL_START_MASKED && !get_masks(sup, in, &what) &&
        !in->bad) {
        fail(client, frame->seq, FF_BUSY, "out of memory");
        return;
    }
    if (in->bad) {
        fail(client, frame->seq, FF_INVALID, "malformed START");
        return;
    }
    const char *fault = find_fault(&what);
    if (fault) {
        fail(client, frame->seq, FF_INVALID, fault);
        return;
    }
    const int code = attempt_start(sup, client, &what, &err);
    client_done(client, frame->seq, code ? &err : NULL);
    struct attempt *known = code ? NULL : table_by_id(&sup->table, what.id);
    if (known && known->phase == ENDED)
        client_event(client, known);
}

static void cancel(struct client *client, struct rl_frame *frame)
{
    const char *id = rl_get_str(&frame->body);
    const int64_t grace_us = rl_get_i64(&frame->body);

    if (frame->body.bad || !id) {
        fail(client, frame->seq, FF_INVALID, "malformed CANCEL");
        return;
    }
    struct attempt *attempt = table_by_id(&client->sup->table, id);
    if (!attempt) {
        fail(client, frame->seq, FF_NOT_FOUND, "there is no such attempt");
        return;
    }
    attempt_cancel(attempt, grace_us);
    client_done(client, frame->seq, NULL);
}

static void tell(struct client *client, const char *id, uint32_t state, char *message)
{
    const struct outcome outcome = {
        .state = state, .ended_us = wall_us(), .message = message};
    const size_t begun = rl_frame_begin(&client->tx, RL_EVENT, 0);

    outcome_put(&client->tx, id, &outcome);
    rl_frame_end(&client->tx, begun);
}

static void adopt_unknown(struct client *client, const char *id)
{
    struct sup *sup = client->sup;
    char never_began[] = "its start did not come here";
    char unknown[] = "the runtime does not know this attempt";

    if (live_knows_all(&sup->live)) {
        tell(client, id, FF_RUN_UNKNOWN, never_began);
        return;
    }
    struct attempt *attempt = rl_id_valid(id) ? attempt_note_lost(sup, id) : NULL;
    if (attempt) {
        attempt->client = client; /* told when it is recorded */
        return;
    }
    live_set_knows(&sup->live, LIVE_NEVER_ALL);
    tell(client, id, FF_RUN_LOST, unknown);
}

static void adopt_one(struct client *client, const char *id)
{
    struct attempt *attempt = table_by_id(&client->sup->table, id);

    if (!attempt) {
        adopt_unknown(client, id);
        return;
    }
    attempt->client = client;
    attempt->released = false;
    if (attempt->phase != ENDED)
        return;
    const size_t begun = rl_frame_begin(&client->tx, RL_EVENT, 0);
    attempt->unreported = false;
    outcome_put(&client->tx, id, &attempt->outcome);
    rl_frame_end(&client->tx, begun);
}

static void release_one(struct client *client, const char *id)
{
    struct attempt *attempt = table_by_id(&client->sup->table, id);

    if (attempt)
        attempt_release(attempt);
}

static void each_id(struct client *client, struct rl_frame *frame,
                    void (*fn)(struct client *client, const char *id))
{
    const uint32_t n = rl_get_u32(&frame->body);

    if (frame->body.bad || n > RL_IDS_MAX) {
        fail(client, frame->seq, FF_INVALID, "no list of at most 65536 ids");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *id = rl_get_str(&frame->body);
        if (!id) {
            fail(client, frame->seq, FF_INVALID, "malformed list of ids");
            return;
        }
        fn(client, id);
    }
    client_done(client, frame->seq, NULL);
}

static void adopt(struct client *client, struct rl_frame *frame)
{
    struct rl_in count = frame->body;

    clients_end_dead(client->sup);
    if (rl_get_u32(&count) == 0 && !count.bad)
        client->sup->all_named = true;
    each_id(client, frame, adopt_one);
}

static void release(struct client *client, struct rl_frame *frame)
{
    each_id(client, frame, release_one);
}

static uint32_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint32_t n = 0;

    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n < 3 ? 0 : n - 3; /* ".", ".." and the one that was read */
}

static void status(struct client *client, struct rl_frame *frame)
{
    const struct sup *sup = client->sup;
    struct rl_out *tx = &client->tx;
    const size_t begun = rl_frame_begin(tx, RL_STATE, frame->seq);

    rl_put_u32(tx, sup->n_running);
    rl_put_u32(tx, (uint32_t)sup->table.n - sup->n_running);
    rl_put_u32(tx, sup->n_clients);
    rl_put_u32(tx, count_descriptors());
    rl_put_u64(tx, sup->journal.flushes);
    rl_put_u64(tx, sup->n_started);
    rl_frame_end(tx, begun);
    client_done(client, frame->seq, NULL);
}

void client_request(struct client *client, struct rl_frame *frame)
{
    static void (*const requests[])(struct client *, struct rl_frame *) = {
        [RL_HELLO] = hello,        [RL_START] = start,     [RL_CANCEL] = cancel,
        [RL_ADOPT] = adopt,        [RL_RELEASE] = release, [RL_STATUS] = status,
        [RL_START_MASKED] = start,
    };
    const size_t n = sizeof(requests) / sizeof(requests[0]);

    if (!client->greeted && frame->type != RL_HELLO)
        client->closing = true;
    else if (frame->type >= n || !requests[frame->type])
        fail(client, frame->seq, FF_UNSUPPORTED, "no such request");
    else
        requests[frame->type](client, frame);
}
