/* import/import.h - workflows of other systems as workflows of ours, and an account of
 * what became of each part. Pure: text in, text out. What a system means by its words
 * stands in the file of that system; whatever it does not know is told, never dropped.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/base.h"

enum import_grade {
    IMPORT_DONE,         /* means the same */
    IMPORT_APPROXIMATED, /* means nearly the same; the reason says what differs */
    IMPORT_REFUSED       /* left out; the reason says why, and what to do */
};
extern const char *const import_grade_names[];

struct import_remark {
    enum import_grade grade;
    int line;      /* of the source, from 1 */
    char what[80]; /* the key or task */
    char why[240]; /* "" with IMPORT_DONE */
};
struct import_report {
    struct import_remark *items;
    size_t n, cap;
    size_t counts[3]; /* by grade */
};
void import_report_done(struct import_report *r);

/* "argo", "actions", ...; ends with NULL. */
extern const char *const import_systems[];

/* FF_INVALID where the text is no workflow of that system. `name` is the workflow's
 * where the text has none; any text. */
int import_workflow(const char *system, const char *name, const char *text, size_t len,
                    struct buf *out, struct import_report *report, struct ff_err *err);

#endif
