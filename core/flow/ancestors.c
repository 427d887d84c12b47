/* Which tasks are over for certain when another starts: the ancestors by needs. Asked
 * for many pairs at once. The tasks asked about are taken 512 at a time; one walk over
 * the tasks in their order tells for each task which of the 512 it stands behind. Only
 * the part of the order between those asked about and those that ask is walked, so
 * files whose tasks refer to near ones cost little. */
#include "flow/spec.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 512
#define WORDS (BATCH / 64)

struct walk {
    const struct spec *s;
    uint32_t *position; /* of each task in s->order */
    uint64_t *bits;     /* WORDS for each position from `first` on */
    size_t first, end;
};

struct question {
    struct spec_before *asked;
    uint32_t position; /* of asked->before */
};

static int compare_questions(const void *a, const void *b)
{
    const struct question *x = a;
    const struct question *y = b;

    return (x->position > y->position) - (x->position < y->position);
}

/* Nearly all are; of the first needs only, as a task can have 200,000 and ask as often.
 */
static bool is_direct(const struct spec *s, const struct spec_before *asked)
{
    const struct flow_task *t = &s->tasks.items[asked->task];

    for (uint32_t k = 0; k < t->n_needs && k < 64; k++)
        if (t->needs[k] == asked->before)
            return true;
    return false;
}

/* Of the tasks that stand before `at`, adds what each need stands behind. */
static void inherit(struct walk *w, size_t at, const uint64_t *own)
{
    const struct flow_task *t = &w->s->tasks.items[w->s->order[at]];
    uint64_t *bits = w->bits + (at - w->first) * WORDS;

    memcpy(bits, own, WORDS * sizeof(*bits));
    for (uint32_t k = 0; k < t->n_needs; k++) {
        size_t need = w->position[t->needs[k]];

        if (need < w->first)
            continue;
        for (size_t i = 0; i < WORDS; i++)
            bits[i] |= w->bits[(need - w->first) * WORDS + i];
    }
}

/* questions: sorted, at most BATCH different positions. */
static void walk_batch(struct walk *w, struct question *questions, size_t n)
{
    size_t next = 0;
    unsigned bit = 0;

    for (size_t at = w->first; at < w->end; at++) {
        uint64_t own[WORDS] = {0};

        if (next < n && questions[next].position == at) {
            own[bit / 64] = UINT64_C(1) << bit % 64;
            bit++;
            while (next < n && questions[next].position == at)
                next++;
        }
        inherit(w, at, own);
    }
    bit = 0;
    for (size_t i = 0; i < n; i++) {
        struct spec_before *asked = questions[i].asked;
        size_t at = w->position[asked->task];

        bit += i > 0 && questions[i].position != questions[i - 1].position;
        if (at >= w->first)
            asked->holds = w->bits[(at - w->first) * WORDS + bit / 64] >> bit % 64 & 1;
    }
}

/* The length of the next batch; sets what part of the order it needs. */
static size_t cut_batch(struct walk *w, const struct question *questions, size_t n)
{
    size_t distinct = 1;
    size_t i = 0;

    w->first = questions[0].position;
    w->end = w->first + 1;
    for (; i < n; i++) {
        size_t at = w->position[questions[i].asked->task];

        if (i > 0 && questions[i].position != questions[i - 1].position)
            distinct++;
        if (distinct > BATCH)
            break;
        if (at >= w->end)
            w->end = at + 1;
        if (questions[i].position >= w->end)
            w->end = questions[i].position + 1;
    }
    return i;
}

static void answer_rest(struct walk *w, struct question *questions, size_t n)
{
    qsort(questions, n, sizeof(*questions), compare_questions);
    while (n > 0) {
        size_t batch = cut_batch(w, questions, n);

        w->bits = mem_array((w->end - w->first) * WORDS, sizeof(*w->bits));
        walk_batch(w, questions, batch);
        mem_free(w->bits);
        questions += batch;
        n -= batch;
    }
}

void spec_answer_before(const struct spec *s, struct spec_before *asked, size_t n)
{
    struct question *questions = mem_array(n, sizeof(*questions));
    struct walk w = {.s = s};
    size_t n_rest = 0;

    w.position = mem_array(s->tasks.n, sizeof(*w.position));
    for (uint32_t i = 0; i < s->tasks.n; i++)
        w.position[s->order[i]] = i;
    for (size_t i = 0; i < n; i++) {
        asked[i].holds = is_direct(s, &asked[i]);
        if (!asked[i].holds)
            questions[n_rest++] =
                (struct question){&asked[i], w.position[asked[i].before]};
    }
    answer_rest(&w, questions, n_rest);
    mem_free(w.position);
    mem_free(questions);
}
