/* kit/kit_blob_random.c - random calls, beside a table of what must be there. */
#include "kit/kit_blob.h"

#include <string.h>

#define N_CONTENTS 30
#define N_CALLS    600
#define MAX_BYTES  200000

struct known {
    struct kit_content c;
    bool there;
};

static void do_one(struct kit_blobs *b, struct known *known, uint64_t choice)
{
    if (choice < 4) {
        kit_blob_must_put(b, &known->c, "of random calls");
        known->there = true;
    } else if (choice < 6) {
        kit_blob_must_remove(b, known->c.hash, "of random calls");
        known->there = false;
    } else if (known->there) {
        kit_blob_must_get(b, &known->c, "of random calls");
    } else {
        kit_blob_must_lack(b, known->c.hash, "of random calls");
    }
}

static void expect_list(struct kit_blobs *b, const struct known *known)
{
    struct kit_listed l = {0};
    size_t n = 0;

    kit_blob_list_in(b, KIT_SPACE, NULL, NULL, 0, &l);
    for (size_t i = 0; i < N_CONTENTS; i++)
        n += known[i].there;
    kit_expect_int(b->k, l.n, n, "blobs after random calls");
    for (size_t i = 0; i < N_CONTENTS; i++) {
        bool listed = false;

        for (size_t j = 0; j < l.n && !listed; j++)
            listed = strcmp(l.items[j].hash, known[i].c.hash) == 0;
        kit_expect(b->k, listed == known[i].there, "blob %.12s is %s, but %s",
                   known[i].c.hash, known[i].there ? "there" : "not there",
                   listed ? "listed" : "not listed");
    }
    kit_listed_done(&l);
}

static void random_calls(struct kit *k)
{
    struct known known[N_CONTENTS] = {0};
    struct kit_blobs b;

    for (size_t i = 0; i < N_CONTENTS; i++)
        kit_content_make(&known[i].c, rand_next(kit_rand(k)),
                         (size_t)rand_below(kit_rand(k), MAX_BYTES));
    kit_blob_open(k, &b);
    for (int i = 0; i < N_CALLS; i++) {
        do_one(&b, &known[rand_below(kit_rand(k), N_CONTENTS)],
               rand_below(kit_rand(k), 10));
        if (i % 50 == 49)
            expect_list(&b, known);
    }
    kit_blob_close(&b);
    for (size_t i = 0; i < N_CONTENTS; i++)
        kit_content_done(&known[i].c);
}

const struct kit_check kit_blob_random[] = {
    {.name = "random/calls",
     .what = "after any calls what was put and not removed is there, and nothing else",
     .run = random_calls,
     .deadline_s = 60},
    {0},
};
