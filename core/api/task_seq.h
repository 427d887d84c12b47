/* api/task_seq.h - which log batch of which writer came last. Bounded: of more than
 * TASK_SEQ_MAX writers those that were silent longest are forgotten. */
#ifndef API_TASK_SEQ_H
#define API_TASK_SEQ_H

#include "base/base.h"

#define TASK_SEQ_MAX 65536

struct task_seq {
    struct map writers;
    struct list recent; /* longest silent first */
    size_t max;
};

void task_seq_init(struct task_seq *t, size_t max);
void task_seq_done(struct task_seq *t);

/* The last batch that was taken; -1: none is remembered. */
int64_t task_seq_last(const struct task_seq *t, const char *writer);
void task_seq_set(struct task_seq *t, const char *writer, int64_t seq);

#endif
