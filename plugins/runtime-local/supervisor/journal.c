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

/* Begins the next generation, in the other half, with all that is still needed. What
 * is pending is among that, or is a FORGET of what is not. */
static int turn(struct journal *journal, journal_keep_fn *keep, void *arg)
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
    return 0;
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

/* Waits until all that was written is durable. */
static int flush(struct journal *journal)
{
    const int failed = flusher_wait(&journal->flusher);

    if (failed || !journal->unflushed)
        return failed;
    journal->unflushed = false;
    journal->flushes++;
    return fdatasync(journal->fd) ? errno : 0;
}

/* The half that counts stays as it is while the other one is written: what it holds
 * must be durable before, and the new one before the old one is used again. */
static int write_pending(struct journal *journal, journal_keep_fn *keep, void *arg)
{
    struct rl_out *out = &journal->pending;
    int failed = 0;

    if (journal->fresh || journal->used + out->len > journal->half_bytes) {
        failed = flush(journal);
        if (!failed)
            failed = turn(journal, keep, arg);
        if (failed)
            return failed;
        journal->fresh = false;
    }
    if (out->failed)
        return ENOMEM;
    seal(out->data, out->len, journal->salt);
    failed =
        write_all(journal->fd, out->data, out->len,
                  (off_t)((size_t)journal->half * journal->half_bytes + journal->used));
    journal->used += out->len;
    journal->unflushed = true;
    out->len = 0;
    return failed;
}

int journal_write(struct journal *journal, journal_keep_fn *keep, void *arg)
{
    if (!journal->failed && (journal->fresh || journal->pending.len))
        journal->failed = write_pending(journal, keep, arg);
    return journal->failed;
}

int journal_commit(struct journal *journal, journal_keep_fn *keep, void *arg)
{
    journal_write(journal, keep, arg);
    if (!journal->failed)
        journal->failed = flush(journal);
    return journal->failed;
}

void journal_flush(struct journal *journal)
{
    if (journal->flusher.busy || !journal->unflushed)
        return;
    journal->unflushed = false;
    journal->flushes++;
    flusher_begin(&journal->flusher, journal->fd);
}

int journal_make_file(int dir_fd, size_t half_bytes)
{
    static const uint8_t zeros[64 << 10];

    const int fd = openat(dir_fd, NEW_NAME,
                          O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    for (size_t at = 0; at < 2 * half_bytes; at += sizeof(zeros)) {
        const ssize_t n = pwrite(fd, zeros, sizeof(zeros), (off_t)at);
        if (n != (ssize_t)sizeof(zeros)) {
            const int failed = n < 0 ? errno : ENOSPC;
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
        journal->failed = flusher_wait(&journal->flusher);
        close(journal->fd);
        journal->fd = fd;
        journal->half_bytes = half_bytes;
        journal->fresh = true;
        journal_commit(journal, keep, arg);
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
