/* rest/bucket.h - token buckets: so many requests a second, and a second's worth at
 * once. Pure: time comes from the caller. */
#ifndef REST_BUCKET_H
#define REST_BUCKET_H

#include "base/base.h"

#define BUCKETS_MAX                                                                    \
    8192 /* then those that are full again are forgotten, or else all                  \
          */

struct buckets {
    struct map by_name; /* struct bucket */
};

/* What an answer says of the bucket. */
struct bucket_state {
    int64_t limit;    /* a second; 0: nothing limits */
    int64_t left;     /* at once, from now */
    int64_t reset_us; /* until it is full again */
    int64_t retry_us; /* until there is one; 0: there was */
};

/* Takes one, or says when there will be one. */
bool bucket_take(struct buckets *b, const char *name, int64_t per_s, int64_t now_us,
                 struct bucket_state *state);
/* Is there one? Takes none. */
bool bucket_has(struct buckets *b, const char *name, int64_t per_s, int64_t now_us,
                struct bucket_state *state);
void buckets_done(struct buckets *b);

#endif
