/* kit/kit_blob_list.c - checks of lists: order, pages, and what comes and goes. */
#include "kit/kit_blob.h"

#include <string.h>

#define N_EACH 40

static int compare(const struct kit_listed_blob *a, const struct kit_listed_blob *b)
{
    const int by_space = strcmp(a->space, b->space);

    return by_space ? by_space : strcmp(a->hash, b->hash);
}

static void expect_order(struct kit *k, const struct kit_listed *l)
{
    for (size_t i = 1; i < l->n; i++)
        kit_expect(k, compare(&l->items[i - 1], &l->items[i]) < 0,
                   "%s/%.12s comes before %s/%.12s", l->items[i - 1].space,
                   l->items[i - 1].hash, l->items[i].space, l->items[i].hash);
}

/* Names of which one begins another: where spaces are parts of one text, the character
 * between space and hash must not take part. */
static const char *const spaces[] = {"a", "a0", "a_", "ab", "b", "0"};

static void fill_spaces(struct kit_blobs *b)
{
    for (size_t i = 0; i < COUNT_OF(spaces); i++)
        kit_blob_fill(b, spaces[i], 100 * i, N_EACH);
}

static void the_order_is_that_of_bytes(struct kit *k)
{
    struct kit_listed l = {0};
    struct kit_blobs b;

    kit_blob_open(k, &b);
    fill_spaces(&b);
    kit_blob_list_in(&b, NULL, NULL, NULL, 0, &l);
    kit_expect_int(k, l.n, N_EACH * COUNT_OF(spaces), "blobs of all spaces");
    expect_order(k, &l);
    for (size_t i = 0; i < l.n; i++)
        kit_expect(k, l.items[i].size_bytes >= 100 && l.items[i].size_bytes < 1000,
                   "size_bytes is %llu in a list, of 100 to 999",
                   (unsigned long long)l.items[i].size_bytes);
    kit_listed_done(&l);
    kit_blob_close(&b);
}

static void a_space_is_listed_alone(struct kit *k)
{
    struct kit_blobs b;

    kit_blob_open(k, &b);
    fill_spaces(&b);
    for (size_t i = 0; i < COUNT_OF(spaces); i++) {
        struct kit_listed l = {0};

        kit_blob_list_in(&b, spaces[i], NULL, NULL, 0, &l);
        kit_expect_int(k, l.n, N_EACH, "blobs of space %s", spaces[i]);
        expect_order(k, &l);
        for (size_t n = 0; n < l.n; n++)
            kit_expect_text(k, l.items[n].space, spaces[i], "the space of a blob");
        kit_listed_done(&l);
    }
    struct kit_listed none = {0};
    kit_blob_list_in(&b, "none", NULL, NULL, 0, &none);
    kit_expect_int(k, none.n, 0, "blobs of a space that is not there");
    kit_listed_done(&none);
    kit_blob_close(&b);
}

/* All pages of this size, one after the other. */
static void list_pages(struct kit_blobs *b, const char *space, uint32_t limit,
                       struct kit_listed *all)
{
    size_t n_before;

    do {
        char after_space[FF_BLOB_SPACE_MAX + 1] = "";
        char after_hash[SHA256_TEXT] = "";

        n_before = all->n;
        if (n_before > 0) {
            memcpy(after_space, all->items[n_before - 1].space, sizeof(after_space));
            memcpy(after_hash, all->items[n_before - 1].hash, sizeof(after_hash));
        }
        kit_blob_list_in(b, space, after_space, n_before ? after_hash : NULL, limit,
                         all);
        kit_expect(b->k, all->n - n_before <= limit, "a page of %u has %zu blobs",
                   limit, all->n - n_before);
    } while (all->n > n_before);
}

static void pages_go_together(struct kit *k)
{
    static const uint32_t limits[] = {1, 7, N_EACH, 1000};
    struct kit_blobs b;

    kit_blob_open(k, &b);
    fill_spaces(&b);
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct kit_listed all = {0};
        struct kit_listed one = {0};

        list_pages(&b, NULL, limits[i], &all);
        kit_expect_int(k, all.n, N_EACH * COUNT_OF(spaces), "blobs in pages of %u",
                       limits[i]);
        expect_order(k, &all);
        list_pages(&b, "a_", limits[i], &one);
        kit_expect_int(k, one.n, N_EACH, "blobs of one space in pages of %u",
                       limits[i]);
        expect_order(k, &one);
        kit_listed_done(&all);
        kit_listed_done(&one);
    }
    kit_blob_close(&b);
}

static void a_cursor_need_not_be_there(struct kit *k)
{
    struct kit_listed all = {0};
    struct kit_listed rest = {0};
    struct kit_blobs b;

    kit_blob_open(k, &b);
    kit_blob_fill(&b, KIT_SPACE, 1, N_EACH);
    kit_blob_list_in(&b, KIT_SPACE, NULL, NULL, 0, &all);
    kit_expect_int(k, all.n, N_EACH, "blobs");
    kit_blob_must_remove(&b, all.items[9].hash, "of the cursor");
    kit_blob_list_in(&b, KIT_SPACE, KIT_SPACE, all.items[9].hash, 0, &rest);
    kit_expect_int(k, rest.n, N_EACH - 10, "blobs behind a cursor that was removed");
    kit_expect_text(k, rest.items[0].hash, all.items[10].hash, "the first of them");
    kit_listed_done(&all);
    kit_listed_done(&rest);
    kit_blob_close(&b);
}

static void a_list_can_be_stopped(struct kit *k)
{
    struct kit_listed l = {.stop_at = 3};
    struct kit_blobs b;

    kit_blob_open(k, &b);
    kit_blob_fill(&b, KIT_SPACE, 1, N_EACH);
    kit_blob_list_in(&b, KIT_SPACE, NULL, NULL, 0, &l);
    kit_expect_int(k, l.n, 3, "blobs after the function had stopped at the third");
    kit_listed_done(&l);
    kit_blob_close(&b);
}

static size_t times_listed(const struct kit_listed *l, const char *hash)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        n += strcmp(l->items[i].hash, hash) == 0;
    return n;
}

/* Between the pages others come, and those that came go. */
static void what_stays_comes_once(struct kit *k)
{
    struct kit_listed before = {0};
    struct kit_listed seen = {0};
    struct kit_blobs b;
    size_t n_before;
    uint64_t next = 1000;

    kit_blob_open(k, &b);
    kit_blob_fill(&b, KIT_SPACE, 1, N_EACH);
    kit_blob_list_in(&b, KIT_SPACE, NULL, NULL, 0, &before);
    do {
        struct kit_content gone;
        char after[SHA256_TEXT] = "";

        n_before = seen.n;
        if (n_before)
            memcpy(after, seen.items[n_before - 1].hash, sizeof(after));
        kit_blob_fill(&b, KIT_SPACE, next, 4);
        kit_content_make(&gone, next, 100 + next);
        kit_blob_must_remove(&b, gone.hash, "while another lists");
        kit_content_done(&gone);
        next += 4;
        kit_blob_list_in(&b, KIT_SPACE, KIT_SPACE, n_before ? after : NULL, 5, &seen);
    } while (seen.n > n_before && next < 2000);
    for (size_t i = 0; i < before.n; i++)
        kit_expect_int(k, times_listed(&seen, before.items[i].hash), 1,
                       "times that blob %.12s was listed, others coming and going",
                       before.items[i].hash);
    kit_listed_done(&before);
    kit_listed_done(&seen);
    kit_blob_close(&b);
}

const struct kit_check kit_blob_list[] = {
    {.name = "list/order",
     .what = "a list is in the order of spaces, then hashes, by bytes",
     .run = the_order_is_that_of_bytes,
     .deadline_s = 60},
    {.name = "list/space",
     .what = "a list of one space has its blobs and no others",
     .run = a_space_is_listed_alone,
     .deadline_s = 60},
    {.name = "list/pages",
     .what = "pages of any length, each after the last one, are the whole list",
     .run = pages_go_together,
     .deadline_s = 60},
    {.name = "list/cursor",
     .what = "a list goes on after a blob that is not there any more",
     .run = a_cursor_need_not_be_there},
    {.name = "list/stop",
     .what = "a list ends when its function says so",
     .run = a_list_can_be_stopped},
    {.name = "list/meanwhile",
     .what = "what is there throughout comes once, whatever comes and goes",
     .run = what_stays_comes_once,
     .deadline_s = 60},
    {0},
};
