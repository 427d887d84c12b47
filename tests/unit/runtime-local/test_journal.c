/* test_journal.c - the journal of exits, torn and damaged at every place. */
#include "support.h"

#include "supervisor/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "exits.journal"

static char dir[64];
static int dir_fd;

/* What a supervisor keeps: the outcomes that were put and not forgotten. */
struct book {
    uint64_t serials[5000];
    char ids[5000][32];
    size_t n;
};

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ff-journal-XXXXXX");
    assert_non_null(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

static int tear_down(void **state)
{
    char path[100];

    (void)state;
    snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
    unlink(path);
    close(dir_fd);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static struct outcome outcome_of(const char *id)
{
    return (struct outcome){.state = FF_RUN_EXITED,
                            .exit_code = (int32_t)strlen(id),
                            .ended_us = 5,
                            .message = (char *)id};
}

static void keep(void *arg, struct journal *journal)
{
    struct book *book = arg;

    for (size_t i = 0; i < book->n; i++) {
        const struct outcome outcome = outcome_of(book->ids[i]);
        journal_put(journal, book->serials[i], book->ids[i], &outcome);
    }
}

static void add(void *arg, uint64_t serial, const char *id,
                const struct outcome *outcome)
{
    struct book *book = arg;

    assert_string_equal(outcome->message, id);
    assert_int_equal(outcome->exit_code, strlen(id));
    book->serials[book->n] = serial;
    snprintf(book->ids[book->n++], sizeof(book->ids[0]), "%s", id);
}

static void put(struct journal *journal, struct book *book, const char *id)
{
    const struct outcome outcome = outcome_of(id);

    assert_true(journal_reserve(journal, id, keep, book));
    const uint64_t serial = journal_serial(journal);
    add(book, serial, id, &outcome);
    journal_put(journal, serial, id, &outcome);
}

static void forget(struct journal *journal, struct book *book, size_t at)
{
    journal_forget(journal, book->serials[at]);
    journal_unreserve(journal, book->ids[at]);
    book->n--;
    book->serials[at] = book->serials[book->n];
    memmove(book->ids[at], book->ids[book->n], sizeof(book->ids[0]));
}

static bool has(const struct book *book, const char *id)
{
    for (size_t i = 0; i < book->n; i++)
        if (strcmp(book->ids[i], id) == 0)
            return true;
    return false;
}

static void shut(struct journal *journal)
{
    close(journal->fd);
    rl_out_done(&journal->pending);
}

static void same_books(const struct book *a, const struct book *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++)
        assert_true(has(b, a->ids[i]));
}

/* Thousands of outcomes come and go over many turns of the halves. */
static void what_was_not_forgotten_is_found_again(void **state)
{
    static struct book book;
    static struct book found;
    struct journal journal;
    uint64_t random = 7;

    (void)state;
    book.n = 0;
    assert_true(journal_open(&journal, dir_fd, add, &book));
    assert_int_equal(book.n, 0);
    for (int i = 0; i < 20000; i++) {
        char id[32];
        random = random * UINT64_C(6364136223846793005) + 1;
        snprintf(id, sizeof(id), "attempt-%d", i);
        put(&journal, &book, id);
        while (book.n > 60)
            forget(&journal, &book, (random >> 33) % book.n);
        if (i % 200)
            continue;
        assert_int_equal(journal_commit(&journal, keep, &book), 0);
        shut(&journal);
        found.n = 0;
        assert_true(journal_open(&journal, dir_fd, add, &found));
        same_books(&book, &found);
        for (size_t k = 0; k < found.n; k++)
            journal_hold(&journal, found.ids[k]);
        book = found;
    }
    shut(&journal);
}

static void it_grows_with_what_must_be_kept(void **state)
{
    static struct book book;
    static struct book found;
    struct journal journal;

    (void)state;
    book.n = found.n = 0;
    assert_true(journal_open(&journal, dir_fd, add, &book));
    const size_t half_bytes = journal.half_bytes;
    for (int i = 0; i < 4000; i++) {
        char id[32];
        snprintf(id, sizeof(id), "attempt-%d", i);
        put(&journal, &book, id);
        if (i % 40 == 39)
            assert_int_equal(journal_commit(&journal, keep, &book), 0);
    }
    assert_true(journal.half_bytes > half_bytes);
    shut(&journal);
    assert_true(journal_open(&journal, dir_fd, add, &found));
    same_books(&book, &found);
    shut(&journal);
}

/* Writes only the first part of each change between two states of the file, as a power
 * cut may: what was durable before is there, and nothing that never was. */
static void torn_write_costs_nothing_that_was_durable(void **state)
{
    static struct book book;
    static struct book before;
    static struct book found;
    struct journal journal;
    size_t size;
    char path[100];

    (void)state;
    snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
    book.n = 0;
    assert_true(journal_open(&journal, dir_fd, add, &book));
    for (int i = 0; i < 20; i++) {
        char id[32];
        snprintf(id, sizeof(id), "old-%d", i);
        put(&journal, &book, id);
    }
    assert_int_equal(journal_commit(&journal, keep, &book), 0);
    for (int turn = 0; turn < 2; turn++) { /* an append, then a turn of the halves */
        before = book;
        char *old = read_all(path, &size);
        put(&journal, &book, turn ? "new-1" : "new-0");
        if (turn)
            journal.used = journal.half_bytes;
        assert_int_equal(journal_commit(&journal, keep, &book), 0);
        shut(&journal);
        char *new = read_all(path, &size);
        size_t first = 0;
        size_t last = size;
        while (old[first] == new[first])
            first++;
        while (old[last - 1] == new[last - 1])
            last--;
        for (size_t cut = first; cut < last; cut += turn ? 61 : 5) {
            const int fd = open(path, O_WRONLY | O_CLOEXEC);
            assert_int_equal(pwrite(fd, new, cut, 0), cut);
            assert_int_equal(pwrite(fd, old + cut, size - cut, (off_t)cut), size - cut);
            close(fd);
            found.n = 0;
            assert_true(journal_open(&journal, dir_fd, add, &found));
            same_books(&before, &found);
            /* The first commit after it is whole, too. */
            assert_int_equal(journal_commit(&journal, keep, &found), 0);
            shut(&journal);
            found.n = 0;
            assert_true(journal_open(&journal, dir_fd, add, &found));
            same_books(&before, &found);
            shut(&journal);
        }
        const int fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, new, size, 0), size);
        close(fd);
        free(old);
        free(new);
        found.n = 0;
        assert_true(journal_open(&journal, dir_fd, add, &found));
        same_books(&book, &found);
        assert_int_equal(journal_commit(&journal, keep, &book), 0);
    }
    shut(&journal);
}

static void rubbish_is_said_to_be_damaged(void **state)
{
    static struct book book;
    struct journal journal;

    (void)state;
    const int fd = openat(dir_fd, FILE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_false(journal_open(&journal, dir_fd, add, &book));
    assert_int_equal(errno, EBADMSG);
    shut(&journal);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_false(journal_open(&journal, dir_fd, add, &book));
    assert_int_equal(errno, EBADMSG);
    shut(&journal);
    assert_int_equal(pwrite(fd, "", 1, 0), 1); /* zeros only: made, never written */
    assert_true(journal_open(&journal, dir_fd, add, &book));
    shut(&journal);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_forgotten_is_found_again),
        TEST(it_grows_with_what_must_be_kept),
        TEST(torn_write_costs_nothing_that_was_durable),
        TEST(rubbish_is_said_to_be_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
