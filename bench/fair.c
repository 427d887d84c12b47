/* bench/fair.c - what a fair pick costs: a million queued tasks of 1,000 tenants, of
 * whom one owns half, with three priorities and a limit that every other one wants,
 * beside a few queued tasks of the same tenants; and how fair it is. The limit is
 * reached where nothing but picks is measured: with 64 slots no tenant has four at a
 * time. Figures are ratios of one run, interleaved, and nanoseconds of this machine.
 *
 *     fair [tasks] */
#include "sched/sched.h"

#include "base/base.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#define TENANTS    1000
#define PRIORITIES 3
#define SLOTS      64
#define ROUNDS     5 /* of each, interleaved; the middle one counts */
#define PICKS      200000
#define SIZE       4             /* places of each tenant's limit */
#define FEW        (2 * TENANTS) /* one task of each, but for who owns half */

struct place {
    struct sched *sched;
    struct sched_run *runs[TENANTS];
    int64_t next[TENANTS];  /* node that is offered next */
    int64_t picks[TENANTS]; /* so far */
    bool limits;
    struct started {
        int64_t tenant, node;
    } running[SLOTS];
    size_t n_running, first;
};

/* Of this thread: what else runs on the machine takes from it only caches. */
static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void ignore(void *arg, const struct sched_place *place)
{
    (void)arg;
    (void)place;
}

/* Every other task wants a place. */
static void offer(struct place *p, int64_t tenant)
{
    const struct sched_need need = {.name = "gpu", .amount = 1, .size = SIZE};
    const int64_t node = p->next[tenant]++;

    sched_offer_limited(p->runs[tenant], node, 1, (int32_t)(node % PRIORITIES), &need,
                        p->limits && node % 2 == 0);
}

static struct place *place_new(int64_t tasks, bool limits)
{
    struct place *p = mem_alloc(sizeof(*p));

    p->sched = sched_new();
    p->limits = limits;
    sched_add_slots(p->sched, SLOTS);
    for (int64_t i = 0; i < TENANTS; i++)
        p->runs[i] = sched_run_new(p->sched, i + 1, 1, (void *)(intptr_t)i);
    for (int64_t i = 0; i < tasks / 2; i++)
        offer(p, 0);
    for (int64_t i = 0; i < tasks - tasks / 2; i++)
        offer(p, 1 + i % (TENANTS - 1));
    return p;
}

static void place_free(struct place *p)
{
    for (size_t i = 0; i < TENANTS; i++)
        sched_run_free(p->runs[i]);
    sched_free(p->sched);
    mem_free(p);
}

/* The oldest attempt ends, and its tenant has one task more: what waits stays as much.
 */
static void end_one(struct place *p)
{
    const struct started *s = &p->running[p->first];

    sched_ended(p->runs[s->tenant], s->node, ignore, NULL);
    sched_settled(p->runs[s->tenant]);
    sched_return_slot(p->runs[s->tenant]);
    offer(p, s->tenant);
    p->first = (p->first + 1) % SLOTS;
    p->n_running--;
}

static bool pick_one(struct place *p)
{
    void *owner;
    int64_t node;

    if (!sched_pick(p->sched, &owner, &node))
        return false;
    const int64_t tenant = (int64_t)(intptr_t)owner;
    sched_started(p->runs[tenant], node, 1, ignore, NULL);
    p->picks[tenant]++;
    p->running[(p->first + p->n_running++) % SLOTS] = (struct started){tenant, node};
    return true;
}

/* From the offer to the end of the attempt. */
static double life_ns(struct place *p)
{
    const int64_t before = now_ns();

    for (int64_t n = 0; n < PICKS;) {
        while (pick_one(p))
            n++;
        end_one(p);
    }
    return (double)(now_ns() - before) / PICKS;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double middle(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return values[n / 2];
}

/* All slots free: nothing but picks, as many as wait. */
static double pick_ns(int64_t tasks, bool limits)
{
    struct place *p = place_new(tasks, limits);
    const int64_t n = tasks / 4;
    void *owner;
    int64_t node;

    sched_add_slots(p->sched, n);
    const int64_t before = now_ns();
    int64_t picked = 0;
    while (picked < n && sched_pick(p->sched, &owner, &node))
        picked++;
    const double each = (double)(now_ns() - before) / (double)picked;
    place_free(p);
    return each;
}

static double jain(const struct place *p)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < TENANTS; i++) {
        sum += (double)p->picks[i];
        squares += (double)p->picks[i] * (double)p->picks[i];
    }
    return sum * sum / (TENANTS * squares);
}

/* The most picks until one who comes anew, with the lowest priority, is served, in
 * rounds; in any part of a round. */
static double newcomer_rounds(struct place *p)
{
    int64_t most = 0;

    sched_add_slots(p->sched, INT64_C(100) * TENANTS);
    for (int64_t i = 0; i < 20; i++) {
        struct sched_run *late =
            sched_run_new(p->sched, TENANTS + 1 + i, 1, (void *)(intptr_t)-1);
        void *owner = NULL;
        int64_t node, n = 0;
        for (int64_t k = 0; k < i * TENANTS / 20; k++)
            sched_pick(p->sched, &owner, &node);
        sched_offer(late, 0, 1, -100);
        while (owner != (void *)(intptr_t)-1 && sched_pick(p->sched, &owner, &node))
            n++;
        most = n > most ? n : most;
        sched_run_free(late);
    }
    return (double)most / (TENANTS + 1);
}

static void measure(int64_t tasks, bool limits)
{
    const struct mallinfo2 before = mallinfo2();
    struct place *many = place_new(tasks, limits);
    const struct mallinfo2 after = mallinfo2();
    struct place *few = place_new((int64_t)FEW, limits);
    double of_many[ROUNDS], of_few[ROUNDS], ratios[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        of_few[i] = life_ns(few);
        of_many[i] = life_ns(many);
        ratios[i] = of_few[i] / of_many[i];
    }
    printf("%s\n", limits ? "3 priorities, a limit of 4 for every other task"
                          : "3 priorities, no limit");
    printf("  offer to end, %-9d queued  %8.0f ns\n", FEW, middle(of_few, ROUNDS));
    printf("  offer to end, %-9lld queued  %8.0f ns\n", (long long)tasks,
           middle(of_many, ROUNDS));
    const double ratio = middle(ratios, ROUNDS);
    printf("  rate at many / rate at few      %8.2f [%.2f..%.2f]\n", ratio, ratios[0],
           ratios[ROUNDS - 1]);
    printf("  Jain's index of %d tenants    %8.5f\n", TENANTS, jain(many));
    printf("  memory of a queued task         %8.1f bytes\n",
           (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
               (double)tasks);
    printf("  a newcomer is served after      %8.2f rounds\n", newcomer_rounds(many));
    place_free(many);
    place_free(few);
}

int main(int argc, char **argv)
{
    const int64_t tasks = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;

    for (int limits = 0; limits < 2; limits++) {
        double each[ROUNDS];
        measure(tasks, limits);
        for (size_t i = 0; i < ROUNDS; i++)
            each[i] = pick_ns(tasks, limits);
        const double median = middle(each, ROUNDS);
        printf("  a pick, nothing else            %8.0f ns [%.0f..%.0f]\n", median,
               each[0], each[ROUNDS - 1]);
    }
    return 0;
}
