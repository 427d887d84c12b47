/* fuzz_journal.c - the supervisor's journal of exits, built from the input: halves with
 * good checksums and records of any content, then bytes spoiled. What is read is whole;
 * and what was read is still there after the next commit. */
#include "fuzz.h"

#include "supervisor/journal_priv.h"

#include <fcntl.h>
#include <unistd.h>

#define HALF     FIRST_HALF
#define KEPT_MAX 512

static uint8_t file[2 * HALF];
static size_t dirty[2]; /* bytes of each half that are not zero */

struct kept {
    size_t n;
    uint64_t serials[KEPT_MAX];
    char ids[KEPT_MAX][300];
    struct outcome outcomes[KEPT_MAX];
};

static void add_record(int half, uint32_t type, uint64_t serial, uint32_t salt,
                       const void *body, size_t len)
{
    struct record record = {
        .type = type, .len = (uint32_t)len, .magic = MAGIC, .serial = serial};
    uint8_t *at = file + (size_t)half * HALF + dirty[half];

    if (HALF - dirty[half] < sizeof(record) + len)
        return;
    memcpy(at, &record, sizeof(record));
    memcpy(at + sizeof(record), body, len);
    record.crc = journal_record_crc(at, sizeof(record) + len, salt);
    memcpy(at, &record, sizeof(record));
    dirty[half] += sizeof(record) + len;
}

/* A half: generation, salt, then records: 0 ends; odd ones forget. */
static void add_half(int half, struct fuzz_input *in)
{
    const struct half first = {.last_serial = fuzz_byte(in), .salt = fuzz_byte(in)};

    add_record(half, TYPE_HALF, fuzz_byte(in), 0, &first, sizeof(first));
    for (uint8_t kind = fuzz_byte(in); kind; kind = fuzz_byte(in)) {
        const uint64_t serial = fuzz_byte(in);
        const size_t left = (size_t)(in->end - in->at);
        size_t len = fuzz_byte(in);

        len = len < left ? len : 0;
        if (kind & 1) {
            add_record(half, TYPE_FORGET, serial, first.salt, "", 0);
            continue;
        }
        add_record(half, kind & 2 ? TYPE_EXIT : kind, serial, first.salt, in->at, len);
        in->at += len;
    }
}

static void keep_one(void *arg, uint64_t serial, const char *id,
                     const struct outcome *outcome)
{
    struct kept *kept = arg;

    FUZZ_CHECK(id && strlen(id) < HALF);
    FUZZ_CHECK(!outcome->message || strlen(outcome->message) < HALF);
    if (kept->n == KEPT_MAX)
        return;
    kept->serials[kept->n] = serial;
    snprintf(kept->ids[kept->n], sizeof(kept->ids[0]), "%s", id);
    kept->outcomes[kept->n] = *outcome;
    kept->outcomes[kept->n++].message = NULL;
}

static void put_all(void *arg, struct journal *journal)
{
    const struct kept *kept = arg;

    for (size_t i = 0; i < kept->n; i++)
        journal_put(journal, kept->serials[i], kept->ids[i], &kept->outcomes[i]);
}

static void close_journal(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    rl_out_done(&journal->pending);
}

static bool read_journal(int dir_fd, struct kept *kept, bool commit)
{
    struct journal journal;

    kept->n = 0;
    const bool good = journal_open(&journal, dir_fd, keep_one, kept);

    if (good && commit)
        FUZZ_CHECK(journal_commit(&journal, put_all, kept) == 0);
    close_journal(&journal);
    return good;
}

static void write_file(int dir_fd, struct fuzz_input *in)
{
    const int fd = openat(dir_fd, RL_JOURNAL, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
    FUZZ_CHECK(ftruncate(fd, (off_t)sizeof(file)) == 0);
    for (int i = 0; i < 2; i++) {
        dirty[i] = 0;
        add_half(i, in);
    }
    for (; in->end - in->at >= 3; in->at += 3) {
        const int half = in->at[0] & 1;

        file[(size_t)half * HALF + (size_t)(in->at[0] >> 1) * 8 + in->at[1] % 8] ^=
            in->at[2];
        if (dirty[half] < 2048)
            dirty[half] = 2048;
    }
    for (int i = 0; i < 2; i++) {
        uint8_t *bytes = file + (size_t)i * HALF;

        FUZZ_CHECK(pwrite(fd, bytes, dirty[i], (off_t)((size_t)i * HALF)) ==
                   (ssize_t)dirty[i]);
        memset(bytes, 0, dirty[i]);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kept kept, again;
    static int dir_fd = -1;
    struct fuzz_input in = {data, data + size};

    if (dir_fd < 0)
        dir_fd = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_file(dir_fd, &in);
    if (!read_journal(dir_fd, &kept, true))
        return 0;
    FUZZ_CHECK(read_journal(dir_fd, &again, false));
    FUZZ_CHECK(kept.n == again.n);
    for (size_t i = 0; i < kept.n; i++) {
        FUZZ_CHECK(kept.serials[i] == again.serials[i]);
        FUZZ_CHECK(strcmp(kept.ids[i], again.ids[i]) == 0);
        FUZZ_CHECK(kept.outcomes[i].exit_code == again.outcomes[i].exit_code);
    }
    return 0;
}
