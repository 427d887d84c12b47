/* workflow.c - workflows by name: which text a word such as etl@1.4 means, and labels,
 * which may be moved from one version to another. */
#include "node/apply.h"

#include <string.h>

#define HASH_WORD  "sha256:"
#define PREFIX_MIN 6

/* --- single rows --- */

struct one {
    const struct ff_record *record;
    struct arena *arena;
    void *row;
    bool found;
};

static int take_row(void *arg, const void *row)
{
    struct one *one = arg;

    memcpy(one->row, row, model_row_size(one->record));
    store_own_row(one->record, one->row, one->arena);
    one->found = true;
    return 1;
}

static int read_one(struct node *n, struct store_reader *r, const struct store_query *q,
                    struct arena *arena, void *row, struct ff_err *err)
{
    struct one one = {.record = q->record, .arena = arena, .row = row};
    const int code = store_scan(n->store, r, q, take_row, &one, err);

    if (code != FF_OK || one.found)
        return code;
    return ff_fail(err, FF_NOT_FOUND, 0, "there is no such %s", q->record->name);
}

int node_workflow_newest(struct node *n, struct store_reader *r, struct tenant t,
                         const char *name, struct arena *arena,
                         struct workflow_version_row *row, struct ff_err *err)
{
    const struct workflow_version_row like = {.tenant = t.no, .name = span_of(name)};
    const struct store_query query = {.record = &record_workflow_version,
                                      .like = &like,
                                      .n_equal = 2,
                                      .descending = true,
                                      .limit = 1};

    return read_one(n, r, &query, arena, row, err);
}

int node_workflow_read_label(struct node *n, struct store_reader *r,
                             struct arena *arena, struct workflow_label_row *row,
                             struct ff_err *err)
{
    const struct workflow_label_row like = *row;
    const struct store_query query = {
        .record = &record_workflow_label, .like = &like, .n_equal = 3, .limit = 1};

    return read_one(n, r, &query, arena, row, err);
}

/* --- what there is instead --- */

static bool is_there(struct workflow_place place,
                     const struct workflow_version_row *row)
{
    const int64_t project = model_project(row->project);

    return place.project == PROJECT_ALL || project == PROJECT_DEFAULT ||
           project == place.project;
}

struct near {
    struct workflow_place place;
    char names[100][SHA256_TEXT];
    const char *list[101];
    size_t n;
};

static int add_name(void *arg, const void *row)
{
    const struct span name = ((const struct workflow_version_row *)row)->name;
    struct near *near = arg;

    if (!is_there(near->place, row) ||
        (near->n > 0 && span_is(name, near->names[near->n - 1])))
        return 0;
    if (near->n == COUNT_OF(near->names))
        return 1;
    snprintf(near->names[near->n], sizeof(near->names[0]), "%.*s", (int)name.len,
             name.s);
    near->list[near->n] = near->names[near->n];
    near->n++;
    return 0;
}

int node_workflow_unknown(struct node *n, struct store_reader *r,
                          struct workflow_place place, const char *name,
                          struct ff_err *err)
{
    const struct workflow_version_row like = {.tenant = place.tenant.no};
    const struct store_query query = {
        .record = &record_workflow_version, .like = &like, .n_equal = 1};
    struct near *near = mem_alloc(sizeof(*near));

    near->place = place;

    const int code = store_scan(n->store, r, &query, add_name, near, err);
    const char *other = code == FF_OK ? text_nearest(name, near->list) : NULL;

    if (code == FF_OK && other)
        ff_fail(err, FF_NOT_FOUND, 0,
                "there is no workflow %.63s; did you mean %s? `flowforge workflow "
                "list` shows them",
                name, other);
    else if (code == FF_OK)
        ff_fail(err, FF_NOT_FOUND, 0,
                "there is no workflow %.63s: `flowforge apply FILE` makes one known",
                name);
    mem_free(near);
    return err->code;
}

/* --- versions by their hash --- */

struct by_prefix {
    const char *prefix;
    struct arena *arena;
    struct workflow_version_row *row;
    size_t n; /* different hashes */
};

static int match_prefix(void *arg, const void *row)
{
    const struct workflow_version_row *version = row;
    struct by_prefix *by = arg;
    const size_t len = strlen(by->prefix);

    if (version->hash.len < len || memcmp(version->hash.s, by->prefix, len) != 0)
        return 0;
    if (by->n > 0 && span_eq(by->row->hash, version->hash))
        return 0; /* the same text again: the newest of them was first */
    if (by->n++ == 0) {
        *by->row = *version;
        store_own_row(&record_workflow_version, by->row, by->arena);
    }
    return 0;
}

static bool is_prefix(const char *text)
{
    const size_t len = strlen(text);

    return len >= PREFIX_MIN && len < SHA256_TEXT &&
           strspn(text, "0123456789abcdef") == len;
}

static int find_hash(struct node *n, struct store_reader *r, struct tenant t,
                     const char *name, struct by_prefix by, struct ff_err *err)
{
    const char *prefix = by.prefix;
    const struct workflow_version_row like = {.tenant = t.no, .name = span_of(name)};
    const struct store_query query = {.record = &record_workflow_version,
                                      .like = &like,
                                      .n_equal = 2,
                                      .descending = true};

    if (!is_prefix(prefix))
        return ff_fail(err, FF_INVALID, 0,
                       "\"%.80s\" is no beginning of a hash: give %d or more of its "
                       "digits, as `flowforge workflow versions %s` shows them",
                       prefix, PREFIX_MIN, name);
    const int code = store_scan(n->store, r, &query, match_prefix, &by, err);
    if (code != FF_OK)
        return code;
    if (by.n > 1)
        return ff_fail(err, FF_INVALID, 0,
                       "several versions of %s begin with %s: give more of the hash",
                       name, prefix);
    if (by.n == 0)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "no version of %s has a hash that begins with %s: `flowforge "
                       "workflow versions %s` shows them",
                       name, prefix, name);
    return FF_OK;
}

/* --- words --- */

struct word {
    char name[SHA256_TEXT];
    const char *at; /* behind the @, or NULL */
};

static bool split(const char *text, struct word *word)
{
    const char *at = strchr(text, '@');
    const size_t len = at ? (size_t)(at - text) : strlen(text);

    if (len >= sizeof(word->name))
        return false;
    snprintf(word->name, sizeof(word->name), "%.*s", (int)len, text);
    word->at = at ? at + 1 : NULL;
    return text_is_name(word->name, true);
}

bool node_is_workflow_word(const char *text)
{
    struct word word;

    return split(text, &word);
}

static int find_label(struct node *n, struct store_reader *r, struct tenant t,
                      const struct word *word, struct arena *arena,
                      struct workflow_version_row *row, struct ff_err *err)
{
    struct workflow_label_row label = {
        .tenant = t.no, .name = span_of(word->name), .label = span_of(word->at)};
    const int code = node_workflow_read_label(n, r, arena, &label, err);

    if (code == FF_NOT_FOUND)
        return ff_fail(err, FF_NOT_FOUND, 0,
                       "%s has no version %.63s: `flowforge workflow versions %s` "
                       "shows them",
                       word->name, word->at, word->name);
    if (code != FF_OK)
        return code;
    const struct by_prefix by = {.prefix =
                                     arena_text(arena, label.hash.s, label.hash.len),
                                 .arena = arena,
                                 .row = row};
    return find_hash(n, r, t, word->name, by, err);
}

int node_workflow_used(struct node *n, struct store_reader *r,
                       struct workflow_place place, const char *text,
                       struct arena *arena, struct workflow_version_row *row,
                       struct ff_err *err)
{
    const struct tenant t = place.tenant;
    struct by_prefix by = {.arena = arena, .row = row};
    struct word word;

    if (!split(text, &word) || (word.at && !word.at[0]))
        return ff_fail(err, FF_INVALID, 0,
                       "\"%.80s\" names no workflow: write NAME, NAME@LABEL or "
                       "NAME@sha256:HASH",
                       text);
    int code = node_workflow_newest(n, r, t, word.name, arena, row, err);
    if (code == FF_NOT_FOUND || (code == FF_OK && !is_there(place, row)))
        return node_workflow_unknown(n, r, place, word.name, err);
    if (code != FF_OK || !word.at || strcmp(word.at, FLOW_LATEST) == 0)
        return code;
    if (text_starts(word.at, HASH_WORD)) {
        by.prefix = word.at + strlen(HASH_WORD);
        return find_hash(n, r, t, word.name, by, err);
    }
    return find_label(n, r, t, &word, arena, row, err);
}

int node_workflow_find(struct node *n, struct store_reader *r, struct tenant t,
                       const char *word, struct arena *arena,
                       struct workflow_version_row *row, struct ff_err *err)
{
    const struct workflow_place place = {.tenant = t, .project = PROJECT_ALL};

    return node_workflow_used(n, r, place, word, arena, row, err);
}

/* --- labels --- */

static int put_label(const struct node_plan *p, struct workflow_label_row *row,
                     struct arena *arena, struct span *moved_from, struct ff_err *err)
{
    struct workflow_label_row old = {
        .tenant = row->tenant, .name = row->name, .label = row->label};
    const int code = node_workflow_read_label(p->node, p->reader, arena, &old, err);

    if (code != FF_OK && code != FF_NOT_FOUND)
        return code;
    *moved_from = old.hash; /* none, where there was none */
    batch_put(p->batch, &record_workflow_label, row,
              code == FF_OK ? old.version : FF_ABSENT);
    return FF_OK;
}

/* The newest, so that an unknown name is told as such. */
static int find_version(const struct node_plan *p, struct tenant t, const char *name,
                        const char *hash, struct arena *arena,
                        struct workflow_version_row *row, struct ff_err *err)
{
    struct by_prefix by = {.prefix = hash, .arena = arena, .row = row};
    const int code = node_workflow_newest(p->node, p->reader, t, name, arena, row, err);

    if (code == FF_NOT_FOUND)
        return node_workflow_unknown(
            p->node, p->reader, (struct workflow_place){t, PROJECT_ALL}, name, err);
    if (code != FF_OK)
        return code;
    if (text_starts(hash, HASH_WORD))
        by.prefix += strlen(HASH_WORD);
    return find_hash(p->node, p->reader, t, name, by, err);
}

int node_plan_label(const struct node_plan *p, struct tenant t,
                    const struct node_label *want, struct arena *arena,
                    struct span *moved_from, struct ff_err *err)
{
    struct workflow_version_row version;

    *moved_from = (struct span){0};
    if (!flow_is_version(want->label))
        return ff_fail(
            err, FF_INVALID, 0,
            "\"%.80s\" cannot be a label: A-Z, a-z, 0-9, _, . and -, at most "
            "63 long, no . or - first, and not " FLOW_LATEST,
            want->label);
    const int code =
        find_version(p, t, want->workflow, want->hash, arena, &version, err);
    if (code != FF_OK)
        return code;
    struct workflow_label_row row = {.tenant = t.no,
                                     .name = span_of(want->workflow),
                                     .label = span_of(want->label),
                                     .hash = version.hash,
                                     .at = loop_wall_us(p->node->loop)};
    return put_label(p, &row, arena, moved_from, err);
}

struct labelling {
    struct tenant tenant;
    const struct node_label *want;
    struct arena *arena;
    struct span *moved_from;
};

static int plan_label(void *arg, const struct node_plan *p, struct ff_err *err)
{
    const struct labelling *l = arg;

    return node_plan_label(p, l->tenant, l->want, l->arena, l->moved_from, err);
}

int node_workflow_label(struct node *n, struct tenant t, const struct node_label *want,
                        struct arena *arena, struct span *moved_from,
                        struct ff_err *err)
{
    struct labelling l = {
        .tenant = t, .want = want, .arena = arena, .moved_from = moved_from};

    return node_change_now(n, plan_label, &l, err);
}
