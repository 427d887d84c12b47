/* author/author.h - what helps the authors of workflow files: one way to write them
 * (fmt), and advice about what is allowed but unwise (lint). Pure: text in, text out.
 */
#ifndef AUTHOR_AUTHOR_H
#define AUTHOR_AUTHOR_H

#include "flow/flow.h"
#include "source/source.h"

/* The canonical form of a file: comments, order and meaning stay. The file need not be
 * right, but it MUST be YAML as workflow files have it: else FF_INVALID, with
 * `problems` saying why. FF_INTERNAL, and nothing in `out`, if the result would not
 * mean the same. */
int author_format(const char *text, size_t len, struct buf *out,
                  struct flow_problems *problems, struct ff_err *err);

/* What turns one text into the other, as unified diff with three lines around. Nothing
 * when they are equal. */
void author_diff(const char *name, const char *before, const char *after,
                 struct buf *out);

#endif
