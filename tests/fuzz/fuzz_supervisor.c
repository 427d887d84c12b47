/* fuzz_supervisor.c - what the supervisor is asked: requests of one client, each a
 * type, two bytes of length and a payload. Each gets its answer, and what a START hands
 * over is whole. Nothing is started: attempt.c is not in this program. */
#include "fuzz.h"

#include "supervisor/client_priv.h"
#include "supervisor/sup.h"

static size_t n_done;
static bool failed_last;

void client_done(struct client *client, uint64_t seq, const struct ff_err *err)
{
    (void)client;
    (void)seq;
    FUZZ_CHECK(!err || (err->code != FF_OK && err->msg[0]));
    failed_last = err != NULL;
    n_done++;
}

void clients_end_dead(struct sup *sup)
{
    (void)sup; /* there is one, and it lives */
}

void client_event(struct client *client, struct attempt *attempt)
{
    (void)client;
    (void)attempt;
}

void loop_timer_del(struct loop *l, struct timer *timer)
{
    (void)l;
    (void)timer;
}

int64_t wall_us(void)
{
    return 1;
}

uint64_t live_lineage(const struct live *live)
{
    (void)live;
    return 7;
}

bool live_knows_all(const struct live *live)
{
    (void)live;
    return false;
}

void live_set_knows(struct live *live, enum live_knows knows)
{
    (void)live;
    (void)knows;
}

/* There is no room to note anything. */
struct attempt *attempt_note_lost(struct sup *sup, const char *id)
{
    (void)sup;
    FUZZ_CHECK(rl_id_valid(id));
    return NULL;
}

void attempt_cancel(struct attempt *attempt, int64_t grace_us)
{
    (void)attempt;
    (void)grace_us;
}

void attempt_release(struct attempt *attempt)
{
    (void)attempt;
}

/* Reads all that it was given, as a spawn would. */
int attempt_start(struct sup *sup, struct client *client, const struct start *start,
                  struct ff_err *err)
{
    size_t n = 0;
    unsigned sum = 0;

    (void)client;
    FUZZ_CHECK(rl_id_valid(start->id) && start->argv[0]);
    FUZZ_CHECK(!start->dir || start->dir[0] == '/');
    FUZZ_CHECK(!start->log_dir || start->log_dir[0] == '/');
    FUZZ_CHECK(start->timeout_us >= 0 && start->grace_us >= 0);
    for (char **word = start->argv; *word; word++, n++)
        sum += (unsigned)strlen(*word);
    FUZZ_CHECK(strncmp(start->env[0], "FF_OUT=", 7) == 0);
    for (char **word = start->env + 1; *word; word++, n++) {
        FUZZ_CHECK(strncmp(*word, "FF_OUT=", 7) != 0);
        sum += (unsigned)strlen(*word);
    }
    start->argv[-1] = NULL; /* the places that are ours to use */
    FUZZ_CHECK(n + 4 <= sup->words_cap);
    for (size_t i = 0; i < start->input_len; i++)
        sum += ((const uint8_t *)start->input)[i];
    return sum == 12345 ? ff_fail(err, FF_BUSY, 0, "full") : FF_OK;
}

/* The name of its directories gives a valid id back, where it tells. */
static void check_names(const uint8_t *data, size_t size)
{
    char name[RL_NAME_SIZE], id[RL_NAME_SIZE];
    MEM_AUTO char *text = fuzz_text(data, size);

    if (rl_dir_id(text, id)) {
        FUZZ_CHECK(rl_id_valid(id));
        rl_dir_name(id, name);
        FUZZ_CHECK(strcmp(name, text) == 0);
    }
    if (!rl_id_valid(text))
        return;
    rl_dir_name(text, name);
    FUZZ_CHECK(name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 &&
               strcmp(name, "..") != 0);
    if (rl_dir_id(name, id))
        FUZZ_CHECK(strcmp(id, text) == 0);
}

static void put_frames(struct fuzz_input *in, struct rl_out *out)
{
    uint64_t seq = 1;

    while (in->at < in->end) {
        const uint32_t type = fuzz_byte(in);
        size_t len = fuzz_byte(in);

        len |= (size_t)fuzz_byte(in) << 8;
        if (len > (size_t)(in->end - in->at))
            len = (size_t)(in->end - in->at);
        const struct rl_head head = {.len = (uint32_t)len, .type = type, .seq = seq++};
        const size_t begun = rl_frame_begin(out, type, head.seq);

        for (size_t i = 0; i + 4 <= len; i += 4) {
            uint32_t word;

            memcpy(&word, in->at + i, 4);
            rl_put_u32(out, word);
        }
        const size_t tail = len & 3;
        uint32_t word = 0;

        memcpy(&word, in->at + (len - tail), tail);
        if (tail)
            rl_put_u32(out, word);
        rl_frame_end(out, begun);
        in->at += len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, data + size};
    struct sup sup = {.dir = "/d", .out_prefix = (char *)(uintptr_t) "/d/attempts/"};
    struct client client = {.source = {.fd = -1}, .sup = &sup, .tx = {.max = 1 << 20}};
    struct rl_out out = {.max = 1 << 20};
    struct rl_frame frame;
    size_t n = 0;

    check_names(data, size);
    if (!table_init(&sup.table))
        return 0;
    put_frames(&in, &out);
    /* A copy of its own size for the sanitizer. */
    struct rl_rx rx = {.end = out.len, .cap = out.len};

    if (out.len) {
        rx.data = malloc(out.len);
        memcpy(rx.data, out.data, out.len);
    }
    n_done = 0;
    while (rl_rx_next(&rx, &frame) > 0 && !client.closing) {
        const size_t before = n_done + client.tx.len;

        client_request(&client, &frame);
        n++;
        FUZZ_CHECK(client.closing || n_done + client.tx.len > before);
    }
    FUZZ_CHECK(n_done <= n);
    rl_rx_done(&rx);
    rl_out_done(&out);
    rl_out_done(&client.tx);
    free(sup.words);
    free(sup.table.by_id);
    free(sup.table.by_pid);
    return 0;
}
