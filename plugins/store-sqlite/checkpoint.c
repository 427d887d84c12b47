/* store-sqlite/checkpoint.c - carries the write-ahead log over into the database. */
#include "lite.h"

void lite_checkpoint(struct lite_session *s)
{
    int n_log = 0;
    int n_carried = 0;

    if (s->wal_pages < s->next_checkpoint)
        return;

    const int result = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                                 &n_log, &n_carried);

    /* What a reader still needs stays in the log: try again when it has grown. */
    if (result == SQLITE_OK && n_carried == n_log)
        s->next_checkpoint = s->checkpoint_pages;
    else
        s->next_checkpoint = s->wal_pages + s->checkpoint_pages / 4 + 1;
}
