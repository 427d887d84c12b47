/* dag_artifact.c - who names a blob: a row for each, in the batch whose outputs name
 * it, so that it stays. A run names those of its tasks; the cache names those of the
 * outputs that it keeps, and a run that is given such outputs names them too, if the
 * cache still does when that is committed. */
#include "engine/dag_priv.h"

/* False: this output is none, or it is null. */
static bool artifact_at(const struct run *r, int64_t node, uint32_t output,
                        const json_t *outputs, struct artifact_row *row)
{
    const struct flow_work *work = flow_of(r)->tasks[NODE_TASK(node)].work;
    const json_t *v = json_object_get(outputs, work->outputs[output].name);

    *row = (struct artifact_row){
        .tenant = r->row.tenant,
        .run = r->row.run,
        .hash = span_of(json_string_value(json_object_get(v, "sha256"))),
        .size = json_integer_value(json_object_get(v, "size")),
    };
    return work->outputs[output].as == FLOW_AS_ARTIFACT && row->hash.s;
}

static uint32_t n_outputs(const struct run *r, int64_t node)
{
    return flow_of(r)->tasks[NODE_TASK(node)].work->n_outputs;
}

void dag_name_artifacts(const struct run *r, struct step *s, int64_t node,
                        const json_t *outputs)
{
    struct artifact_row row;

    for (uint32_t i = 0; i < n_outputs(r, node); i++) {
        if (!artifact_at(r, node, i, outputs, &row))
            continue;
        row.at = s->now_us;
        batch_put(&s->batch, &record_artifact, &row, FF_ANY_VERSION);
    }
}

char *dag_cache_artifacts(const struct run *r, struct step *s, int64_t node,
                          const json_t *outputs)
{
    json_t *hashes = json_array();
    struct artifact_row row;

    for (uint32_t i = 0; i < n_outputs(r, node); i++) {
        if (!artifact_at(r, node, i, outputs, &row))
            continue;
        row.run = ARTIFACT_OF_CACHE;
        row.at = s->now_us;
        batch_put(&s->batch, &record_artifact, &row, FF_ANY_VERSION);
        json_array_append_new(hashes, json_stringn(row.hash.s, row.hash.len));
    }
    char *text = json_array_size(hashes) > 0 ? json_text(hashes) : NULL;
    json_decref(hashes);
    return text;
}

/* Should it be gone, the commit is a conflict: the run is loaded again, asks again, and
 * is given nothing. */
void dag_take_artifacts(const struct run *r, struct step *s, int64_t node,
                        const json_t *outputs)
{
    struct artifact_row row;

    for (uint32_t i = 0; i < n_outputs(r, node); i++) {
        if (!artifact_at(r, node, i, outputs, &row))
            continue;
        row.run = ARTIFACT_OF_CACHE;
        batch_check(&s->batch, &record_artifact, &row, FF_ANY_VERSION);
    }
    dag_name_artifacts(r, s, node, outputs);
}

bool dag_is_artifact_in(const json_t *value)
{
    const char *key;
    json_t *v;
    size_t i;

    if (json_is_string(json_object_get(value, "sha256")) &&
        json_is_integer(json_object_get(value, "size")))
        return true;
    json_array_foreach(value, i, v)
    {
        if (dag_is_artifact_in(v))
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, v)
    {
        if (dag_is_artifact_in(v))
            return true;
    }
    return false;
}
