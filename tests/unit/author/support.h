/* support.h - files of the tree, for tests of what authors use. */
#ifndef AUTHOR_SUPPORT_H
#define AUTHOR_SUPPORT_H

#include "author/author.h"

/* Calls fn with every workflow file of examples/ and of the fuzzer's corpus; how many.
 */
typedef void file_fn(const char *path, const char *text, size_t len);
int for_each_file(file_fn *fn);

/* Everything that a plan says but where it stands in its file; mem_free it. */
char *dump_plan(const struct flow *f);

#endif
