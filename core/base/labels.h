/* base/labels.h - labels of a host, and what is asked of them: pairs of a key and a
 * value, by the rules that Kubernetes has for labels of nodes. As one text they are
 * "gpu=a100,zone=b": in the order of their keys. The empty text has none. */
#ifndef BASE_LABELS_H
#define BASE_LABELS_H

#include "base/buf.h"

#define LABELS_MAX      32   /* pairs */
#define LABELS_TEXT_MAX 1000 /* bytes of all of them as one text */

/* NULL, or what is wrong with it: one sentence. */
const char *labels_key_fault(const char *key, size_t len);
const char *labels_value_fault(const char *value, size_t len);

/* Such a text of one that people write, as "zone=b, gpu=a100"; added to `out`. */
int labels_read(const char *given, struct buf *out, struct ff_err *err);

/* Both as labels_read writes them: is each pair that is asked for among the labels? */
bool labels_satisfy(const char *labels, const char *asked);
size_t labels_count(const char *labels);

#endif
