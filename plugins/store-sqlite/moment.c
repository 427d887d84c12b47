/* store-sqlite/moment.c - which moment of the database a reader would see: the header
 * of the log's index, which all who use the database share in memory and each commit
 * writes anew (sqlite.org/walformat.html, section 2.1). It is there twice, so that who
 * reads while it is written sees that: the two are not equal then. SQLite looks at it
 * in the same way before it takes the lock of a reader. */
#include "lite.h"

#include <string.h>

#define INDEX_PAGE    32768 /* what SQLite maps of the index at once */
#define HEADER_BYTES  48
#define HEADER_WORDS  6
#define MOMENT_WORD_1 1 /* behind the version: counter, sizes, checksum and salts */

struct header {
    uint64_t words[HEADER_WORDS];
};

static sqlite3_file *file_of(const struct lite_session *s)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
            SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->iVersion < 2)
        return NULL;
    return file;
}

static void copy(const volatile uint64_t *from, struct header *to)
{
    for (size_t i = 0; i < HEADER_WORDS; i++)
        to->words[i] = from[i];
}

/* It is mapped already, so nothing is made or opened by asking for it. */
static bool read_header(const struct lite_session *s, struct header *out)
{
    sqlite3_file *file = file_of(s);
    volatile void *index = NULL;
    struct header second;

    if (!file || file->pMethods->xShmMap(file, 0, INDEX_PAGE, 0, &index) != SQLITE_OK ||
        !index)
        return false;
    const volatile uint64_t *words = index;

    copy(words, out);
    file->pMethods->xShmBarrier(file);
    copy(words + HEADER_WORDS, &second);
    return memcmp(out, &second, sizeof(second)) == 0;
}

_Static_assert(sizeof(struct header) == HEADER_BYTES, "as SQLite has it");
_Static_assert(MOMENT_WORD_1 + FF_MOMENT_WORDS < HEADER_WORDS,
               "the last is a checksum");

int lite_moment(void *store, uint64_t moment[FF_MOMENT_WORDS], struct ff_err *err)
{
    struct lite_session *s = store;
    struct header header;
    const int code = lite_check_file_lately(s, err);

    if (code != FF_OK)
        return code;
    if (!s->schema || !read_header(s, &header))
        return ff_fail(err, FF_BUSY, 0, "the moment cannot be told just now");
    memcpy(moment, &header.words[MOMENT_WORD_1], FF_MOMENT_WORDS * sizeof(*moment));
    return FF_OK;
}
