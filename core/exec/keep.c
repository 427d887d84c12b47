/* keep.c - large values of rows that the engine writes by itself: outputs that no
 * attempt gave, and what runs are given and give. Called before the batch with these
 * rows is committed, so that no row names a value that is not there. What a run inside
 * another is given stands in the folder of the outer one, which is there already and
 * stays for longer. Blocking: lanes only. */
#include "exec/exec_priv.h"

#include <string.h>

#define KEPT "{\"$values\":"

struct keeping {
    struct values_place place;
    struct jsonw w;
    bool any; /* by reference */
};

/* A value is written again as it is stored: by reference, wrapped, or plain. */
static int keep_value(struct keeping *k, json_t *value, bool is_stored,
                      struct ff_err *err)
{
    json_t *inner =
        is_stored && values_is_ours(value) ? json_object_get(value, "$value") : value;
    const size_t before = k->w.out->len;

    if (!inner) { /* a reference */
        jsonw_value(&k->w, value);
        return FF_OK;
    }
    if (values_add(&k->w, &k->place, inner, err) != FF_OK)
        return err->code;
    k->any = k->any || exec_in_run(buf_text(k->w.out) + before);
    return FF_OK;
}

static int keep_values(struct keeping *k, json_t *values, enum exec_column column,
                       struct ff_err *err)
{
    const char *name;
    json_t *value;

    if (column != EXEC_TASK_OUTPUTS) {
        jsonw_open(&k->w, '{');
        jsonw_key(&k->w, "$values");
    }
    jsonw_open(&k->w, '{');
    json_object_foreach(values, name, value)
    {
        jsonw_key(&k->w, name);
        if (keep_value(k, value, column == EXEC_TASK_OUTPUTS, err) != FF_OK)
            return err->code;
    }
    jsonw_close(&k->w, '}');
    if (column != EXEC_TASK_OUTPUTS)
        jsonw_close(&k->w, '}');
    return FF_OK;
}

int exec_keep(const char *data_dir, const char *run_id, enum exec_column column,
              struct span text, char **kept, struct ff_err *err)
{
    MEM_AUTO char *run_dir = exec_run_dir(data_dir, run_id);
    json_t *values = json_parse(text.s, text.len, err);
    struct buf b = {0};
    struct keeping k = {
        .place = {.run_dir = run_dir,
                  .run_id = column == EXEC_RUN_INSIDE ? run_id : NULL},
        .w = {.out = &b},
    };

    *kept = NULL;
    if (!values)
        return err->code;
    const int code = keep_values(&k, values, column, err);
    json_decref(values);
    if (code == FF_OK && k.any)
        *kept = buf_take(&b);
    buf_done(&b);
    if (FAILPOINT_FAILS("exec.values.kept")) {
        mem_free(*kept);
        *kept = NULL;
        return ff_fail(err, FF_FULL, 0, "a failpoint");
    }
    return code;
}

bool exec_is_kept(struct span column)
{
    const size_t len = sizeof(KEPT) - 1;

    return column.s && column.len > len && memcmp(column.s, KEPT, len) == 0;
}

json_t *exec_resolve_run(const char *data_dir, const char *run_id, struct span column,
                         struct ff_err *err)
{
    json_t *raw = json_parse(column.s, column.len, err);

    if (!raw || !exec_is_kept(column))
        return raw;
    json_t *values =
        values_resolve(data_dir, run_id, json_object_get(raw, "$values"), err);
    json_decref(raw);
    return values;
}

void exec_open_event(const char *data_dir, const char *run_id, json_t *event)
{
    json_t *kept = json_object_get(json_object_get(event, "inputs"), "$values");
    struct ff_err ignored;
    json_t *inputs = kept ? values_resolve(data_dir, run_id, kept, &ignored) : NULL;

    if (inputs)
        json_object_set_new(event, "inputs", inputs);
}
