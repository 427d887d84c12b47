/* flow/outline.h - what a list of tasks tells of those that nothing was written of yet:
 * their names, in the order of their indexes, and what they need. To know that from the
 * text of a large file means to parse all of it; this is read a part at a time. JSON,
 * in which a later release may say more. Pure; included by flow.h. */
#ifndef FLOW_OUTLINE_H
#define FLOW_OUTLINE_H

#include "base/base.h"

struct flow;

#define FLOW_OUTLINE_LEAST 1000       /* main tasks: a smaller file is as soon parsed */
#define FLOW_OUTLINE_PART  500        /* main tasks in a part, but for the last */
#define FLOW_OUTLINE_MAX   (1u << 20) /* bytes of a part */

/* How many parts there are of the main tasks of this file or group; 0: it is small. */
uint32_t flow_outline_parts(const struct flow *f);
/* Part `no`, from 0 on, into `out`, which is empty. False: it would be too large, as
 * its tasks need very many that are no neighbours; what is in `out` is no part then. */
bool flow_outline_write(const struct flow *f, uint32_t no, struct buf *out);

/* One part, as it was read. */
struct flow_outline {
    json_t *body;    /* owns all of it */
    json_t *tasks;   /* [name, [first, last, ...] that it needs] each */
    int64_t first;   /* index of the first task in it */
    int64_t n_tasks; /* in this part */
    int64_t n_main;  /* of the file or group */
};

/* False: it is none that this release can read, and `o` is empty. flow_outline_done. */
bool flow_outline_read(struct flow_outline *o, const char *text, size_t len);
void flow_outline_done(struct flow_outline *o); /* also of {0} */

/* Is the task with this index in this part? */
bool flow_outline_has(const struct flow_outline *o, int64_t index);
/* Of one that is; borrowed. */
const char *flow_outline_name(const struct flow_outline *o, int64_t index);
/* Range `i`, from 0 on, of the indexes of tasks that it needs, both ends included.
 * False: there are no more. */
bool flow_outline_need(const struct flow_outline *o, int64_t index, size_t i,
                       int64_t *first, int64_t *last);

#endif
