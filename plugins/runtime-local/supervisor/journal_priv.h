/* journal_priv.h - the journal's format, for its writer and its reader. */
#ifndef SUPERVISOR_JOURNAL_PRIV_H
#define SUPERVISOR_JOURNAL_PRIV_H

#include "journal.h"
#include "protocol.h"

#include <stddef.h>

#define MAGIC      UINT32_C(0x314a4646) /* "FFJ1" read as bytes */
#define FIRST_HALF ((size_t)512 << 10)
#define MAX_HALF   ((size_t)64 << 20)
#define NEW_NAME   RL_JOURNAL ".new"

enum type { TYPE_HALF = 1, TYPE_EXIT = 2, TYPE_FORGET = 3 };

struct record {
    uint32_t crc; /* of the half's salt and of what follows: a record that an earlier
                   * use of the half left behind does not count */
    uint32_t type;
    uint32_t len; /* bytes after this head */
    uint32_t magic;
    uint64_t serial; /* HALF: the generation */
};

/* Payload of the first record in a half, which counts only if all of what was
 * carried over from the other half is there. */
struct half {
    uint64_t last_serial;
    uint32_t carried_len;
    uint32_t carried_crc;
    uint32_t salt; /* of the records after this one; this one's is 0 */
    uint32_t unused;
};

uint32_t journal_crc(uint32_t crc, const void *bytes, size_t len);
uint32_t journal_record_crc(const uint8_t *record, size_t len, uint32_t salt);

/* A file of zeros under the new name; -1 with errno. */
int journal_make_file(int dir_fd, size_t half_bytes);

/* Puts the new file in the place of the old one. 0 or an errno. */
int journal_install_file(const struct journal *journal);

#endif
