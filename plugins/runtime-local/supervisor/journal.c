/* journal.c - see journal.h. */
#include "journal.h"

#include "journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MAX_HALF ((size_t)64 << 20)

static size_t put_begin(struct journal *journal, enum type type, uint64_t serial)
{
    const struct record head = {.type = type, .magic = MAGIC, .serial = serial};
    const size_t begun = journal->pending.len;

    rl_put_u32(&journal->pending, head.crc);
    rl_put_u32(&journal->pending, head.type);
    rl_put_u32(&journal->pending, head.len);
    rl_put_u32(&journal->pending, head.magic);
    rl_put_u64(&journal->pending, head.serial);
    return begun;
}

static void put_end(struct journal *journal, size_t begun)
{
    struct rl_out *out = &journal->pending;

    if (out->failed)
        return;
    const uint32_t len = (uint32_t)(out->len - begun - sizeof(struct record));
    memcpy(out->data + begun + offsetof(struct record, len), &len, sizeof(len));
}

void journal_put(struct journal *journal, uint64_t serial, const char *id,
                 const struct outcome *outcome)
{
    const size_t begun = put_begin(journal, TYPE_EXIT, serial);

    outcome_put(&journal->pending, id, outcome);
    put_end(journal, begun);
}

void journal_forget(struct journal *journal, uint64_t serial)
{
    put_end(journal, put_begin(journal, TYPE_FORGET, serial));
}

uint64_t journal_serial(struct journal *journal)
{
    return ++journal->last_serial;
}

/* The checksums depend on the half, which is known at commit only. */
static void seal(uint8_t *records, size_t len, uint32_t salt)
{
    for (size_t at = 0; at < len;) {
        struct record head;
        memcpy(&head, records + at, sizeof(head));
        const size_t whole = sizeof(head) + head.len;
        head.crc =
            journal_record_crc(records + at, whole, head.type == TYPE_HALF ? 0 : salt);
        memcpy(records + at, &head.crc, sizeof(head.crc));
        at += whole;
    }
}

static int write_all(int fd, const uint8_t *bytes, size_t len, off_t at)
{
    while (len) {
        const ssize_t n = pwrite(fd, bytes, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? errno : EIO;
        bytes += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Writes `records` at the end of the half. A flush that failed is not repeated: the
 * kernel may have dropped the pages and would call the next one a success. */
static int append(struct journal *journal, struct rl_out *records)
{
    if (records->failed)
        return ENOMEM;
    seal(records->data, records->len, journal->salt);
    const off_t at =
        (off_t)((size_t)journal->half * journal->half_bytes + journal->used);
    const int failed = write_all(journal->fd, records->data, records->len, at);
    if (failed)
        return failed;
    if (fdatasync(journal->fd))
        return errno;
    journal->used += records->len;
    journal->flushes++;
    records->len = 0;
    return 0;
}

/* Starts the next generation in the other half with all that is still needed. What
 * is pending is among that, or is a FORGET of what is not. */
static int switch_half(struct journal *journal, journal_keep_fn *keep, void *arg)
{
    struct rl_out *out = &journal->pending;
    struct half half = {.last_serial = journal->last_serial};

    if (getrandom(&half.salt, sizeof(half.salt), 0) < 0)
        return errno;
    out->len = 0;
    journal->half = !journal->half;
    journal->used = 0;
    journal->generation++;
    journal->salt = half.salt;
    const size_t begun = put_begin(journal, TYPE_HALF, journal->generation);
    for (size_t i = 0; i < sizeof(half); i += sizeof(uint64_t))
        rl_put_u64(out, 0);
    put_end(journal, begun);
    const size_t carried = out->len;
    keep(arg, journal);
    if (out->failed)
        return ENOMEM;
    if (out->len > journal->half_bytes)
        return EFBIG;

    half.carried_len = (uint32_t)(out->len - carried);
    seal(out->data + carried, half.carried_len, half.salt);
    half.carried_crc = journal_crc(0, out->data + carried, half.carried_len);
    memcpy(out->data + begun + sizeof(struct record), &half, sizeof(half));
    return append(journal, out);
}

int journal_commit(struct journal *journal, journal_keep_fn *keep, void *arg)
{
    const size_t len = journal->pending.len;

    if (journal->failed || (!journal->fresh && !len))
        return journal->failed;
    if (!journal->fresh && journal->used + len <= journal->half_bytes)
        return append(journal, &journal->pending);
    const int failed = switch_half(journal, keep, arg);
    journal->fresh = false;
    return failed;
}

int journal_make_file(int dir_fd, size_t half_bytes)
{
    static const uint8_t zeros[64 << 10];

    const int fd = openat(dir_fd, NEW_NAME,
                          O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (size_t at = 0; at < 2 * half_bytes; at += sizeof(zeros)) {
        const int failed = write_all(fd, zeros, sizeof(zeros), (off_t)at);
        if (failed) {
            close(fd);
            unlinkat(dir_fd, NEW_NAME, 0);
            errno = failed;
            return -1;
        }
    }
    return fd;
}

int journal_install_file(const struct journal *journal)
{
    if (fsync(journal->fd) ||
        renameat(journal->dir_fd, NEW_NAME, journal->dir_fd, RL_JOURNAL) ||
        fsync(journal->dir_fd))
        return errno;
    return 0;
}

static size_t place_for(const char *id)
{
    return sizeof(struct record) + OUTCOME_BYTES_MAX + strlen(id);
}

bool journal_reserve(struct journal *journal, const char *id, journal_keep_fn *keep,
                     void *arg)
{
    if (journal->failed)
        return false;
    const size_t wanted = journal->reserved + place_for(id);

    if (wanted > journal->half_bytes / 2) {
        size_t half_bytes = journal->half_bytes;
        while (wanted > half_bytes / 2)
            half_bytes *= 2;
        const int fd = half_bytes <= MAX_HALF
                           ? journal_make_file(journal->dir_fd, half_bytes)
                           : -1;
        if (fd < 0)
            return false;
        close(journal->fd);
        journal->fd = fd;
        journal->half_bytes = half_bytes;
        journal->fresh = false;
        journal->failed = switch_half(journal, keep, arg);
        if (!journal->failed)
            journal->failed = journal_install_file(journal);
    }
    journal->reserved = wanted;
    return true;
}

void journal_hold(struct journal *journal, const char *id)
{
    journal->reserved += place_for(id);
}

void journal_unreserve(struct journal *journal, const char *id)
{
    journal->reserved -= place_for(id);
}
