/* journal_read.c - opens the journal and finds out what it says, see journal.h. */
#include "journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t journal_crc(uint32_t crc, const void *bytes, size_t len)
{
    static uint32_t table[256];
    const uint8_t *at = bytes;

    if (!table[1]) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = value & 1 ? (value >> 1) ^ UINT32_C(0xedb88320) : value >> 1;
            table[i] = value;
        }
    }
    crc = ~crc;
    while (len--)
        crc = table[(crc ^ *at++) & 0xff] ^ (crc >> 8);
    return ~crc;
}

uint32_t journal_record_crc(const uint8_t *record, size_t len, uint32_t salt)
{
    const size_t skip = sizeof(uint32_t);

    return journal_crc(journal_crc(0, &salt, sizeof(salt)), record + skip, len - skip);
}

/* The length of the record at `at` of `size` bytes; 0 if there is none. */
static size_t record_at(const uint8_t *bytes, size_t size, size_t at, uint32_t salt,
                        struct record *record)
{
    if (size - at < sizeof(*record))
        return 0;
    memcpy(record, bytes + at, sizeof(*record));
    if (record->magic != MAGIC || record->len > size - at - sizeof(*record))
        return 0;
    const size_t whole = sizeof(*record) + record->len;
    return journal_record_crc(bytes + at, whole, salt) == record->crc ? whole : 0;
}

/* The generation of a half that is whole; else 0. */
static uint64_t half_generation(const uint8_t *bytes, size_t size, struct half *half)
{
    struct record record;

    const size_t len = record_at(bytes, size, 0, 0, &record);
    if (!len || record.type != TYPE_HALF || record.len != sizeof(*half))
        return 0;
    memcpy(half, bytes + sizeof(record), sizeof(*half));
    if (half->carried_len > size - len ||
        journal_crc(0, bytes + len, half->carried_len) != half->carried_crc)
        return 0;
    return record.serial;
}

struct serials {
    uint64_t *list;
    size_t n;
};

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The serials that the half forgets, sorted. */
static bool find_forgotten(const uint8_t *bytes, size_t size, size_t at, uint32_t salt,
                           struct serials *forgotten)
{
    struct record record;
    size_t len;

    forgotten->list = malloc(size / sizeof(record) * sizeof(uint64_t));
    if (!forgotten->list)
        return false;
    for (; (len = record_at(bytes, size, at, salt, &record)); at += len)
        if (record.type == TYPE_FORGET)
            forgotten->list[forgotten->n++] = record.serial;
    qsort(forgotten->list, forgotten->n, sizeof(uint64_t), compare);
    return true;
}

static bool read_half(struct journal *journal, const uint8_t *bytes, uint32_t salt,
                      journal_fn *fn, void *arg)
{
    const size_t size = journal->half_bytes;
    struct serials forgotten = {0};
    struct record record;
    size_t len;

    const size_t first = sizeof(struct record) + sizeof(struct half);
    if (!find_forgotten(bytes, size, first, salt, &forgotten))
        return false;
    for (size_t at = first; (len = record_at(bytes, size, at, salt, &record));
         at += len) {
        const uint8_t *body = bytes + at + sizeof(record);
        struct rl_in in = {.at = body, .end = body + record.len};
        struct outcome outcome;
        const char *id;

        if (record.type != TYPE_EXIT)
            continue;
        if (record.serial > journal->last_serial)
            journal->last_serial = record.serial;
        if (bsearch(&record.serial, forgotten.list, forgotten.n, sizeof(uint64_t),
                    compare))
            continue;
        if (outcome_get(&in, &id, &outcome))
            fn(arg, record.serial, id, &outcome);
    }
    free(forgotten.list);
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static bool read_file(struct journal *journal, journal_fn *fn, void *arg)
{
    const size_t size = 2 * journal->half_bytes;
    struct half halves[2];
    bool good = false;

    uint8_t *bytes = malloc(size);
    if (!bytes)
        return false;
    if (pread(journal->fd, bytes, size, 0) != (ssize_t)size) {
        free(bytes);
        return false;
    }
    const uint64_t first = half_generation(bytes, journal->half_bytes, &halves[0]);
    const uint64_t second =
        half_generation(bytes + journal->half_bytes, journal->half_bytes, &halves[1]);
    if (first || second) {
        journal->half = second > first;
        journal->generation = journal->half ? second : first;
        journal->last_serial = halves[journal->half].last_serial;
        good = read_half(journal, bytes + (size_t)journal->half * journal->half_bytes,
                         halves[journal->half].salt, fn, arg);
    } else {
        good = is_zero(bytes, size); /* made, and never written to */
        if (!good)
            errno = EBADMSG;
    }
    free(bytes);
    return good;
}

static bool make(struct journal *journal)
{
    journal->made = true;
    journal->half_bytes = FIRST_HALF;
    journal->fd = journal_make_file(journal->dir_fd, FIRST_HALF);
    if (journal->fd < 0)
        return false;
    const int failed = journal_install_file(journal);
    errno = failed;
    return !failed;
}

bool journal_open(struct journal *journal, int dir_fd, journal_fn *fn, void *arg)
{
    struct stat st;

    *journal =
        (struct journal){.dir_fd = dir_fd, .fresh = true, .pending = {.max = MAX_HALF}};
    unlinkat(dir_fd, NEW_NAME, 0);
    journal->fd = openat(dir_fd, RL_JOURNAL, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (journal->fd < 0)
        return errno == ENOENT && make(journal);
    if (fstat(journal->fd, &st))
        return false;
    journal->half_bytes = (size_t)st.st_size / 2;
    if (!S_ISREG(st.st_mode) || st.st_size % 2 || journal->half_bytes < FIRST_HALF ||
        journal->half_bytes > MAX_HALF) {
        errno = EBADMSG;
        return false;
    }
    return read_file(journal, fn, arg);
}
