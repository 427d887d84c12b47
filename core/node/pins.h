/* node/pins.h - see pins.c. Private to the room. */
#ifndef NODE_PINS_H
#define NODE_PINS_H

#include "node/node_priv.h"

struct pins {
    struct node *node;
    struct tenant tenant;
    struct batch *batch; /* gets the texts that the store has not */
    json_t *pins;        /* the result: run_row.pins; the caller's */
};

/* dir: of the file, for `uses: ./other.yaml`; NULL: it has none. Blocking. */
int node_pin(struct pins *p, const struct flow *f, const char *dir, struct ff_err *err);

#endif
