/* node/pins.h - see pins.c. Private to the room. */
#ifndef NODE_PINS_H
#define NODE_PINS_H

#include "node/node_priv.h"

struct pins {
    const struct node_plan *plan; /* gets the texts that the store has not. NULL: what
                                   * is used by its name is not looked for */
    struct tenant tenant;
    int64_t project; /* where what is used by its name must be, or in the default one */
    struct flow_problems *problems; /* gets what is wrong; or NULL */
    json_t *pins;                   /* the result: run_row.pins; the caller's */
    int code;                       /* of the first workflow that could not be had */
};

/* dir: of the file, for `uses: ./other.yaml`; NULL: it has none. Blocking. What is
 * wrong comes at once; the first problem in `err`. FF_NOT_FOUND: when it is that
 * something is not there. */
int node_pin(struct pins *p, const struct flow *f, const char *dir, struct ff_err *err);

/* `code` with the first of them; there is one. */
int node_fail_problems(int code, const struct flow *f,
                       const struct flow_problems *problems, struct ff_err *err);

#endif
