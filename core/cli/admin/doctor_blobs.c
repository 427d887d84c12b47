/* doctor_blobs.c - are the artifacts there that runs name, or the cache? */
#include "blob/blob.h"
#include "cli/admin/doctor.h"

struct looking {
    struct doctor *d;
    struct blobs *blobs;
    int64_t n, n_missing;
    int code;
    char first[SHA256_TEXT]; /* of those that are missing */
};

static int look(void *arg, const void *row)
{
    const struct artifact_row *a = row;
    struct looking *l = arg;
    struct ff_err *err = &l->d->err;
    MEM_AUTO char *hash = mem_text_len(a->hash.s, a->hash.len);
    int64_t size;

    l->code = blobs_stat(l->blobs, (struct tenant){a->tenant}, hash, &size, err);
    l->n++;
    if (l->code != FF_NOT_FOUND)
        return l->code != FF_OK;
    l->code = FF_OK;
    if (l->n_missing++ == 0)
        snprintf(l->first, sizeof(l->first), "%s", hash);
    return 0;
}

int doctor_blobs(struct doctor *d)
{
    const struct store_query query = {.record = &record_artifact};
    struct looking l = {.d = d};
    int code = FF_OK;

    l.blobs = node_open_blobs(d->s->node, &d->err);
    if (!l.blobs || blobs_ping(l.blobs, &d->err) != FF_OK) {
        d->bad = true;
        d->remedy = "see engine.blob and its section: flowforge config show";
        doctor_says(d, "artifacts cannot be stored: %s", d->err.msg);
    } else if (d->away) {
        doctor_says(d, "artifacts can be stored; which ones there should be is in the "
                       "store, which does not answer");
    } else {
        code = store_scan(node_store(d->s->node), STORE_READER_CALLER, &query, look, &l,
                          &d->err);
        code = code == FF_OK ? l.code : code;
        doctor_says(d, "%lld artifacts are named by runs and the cache",
                    (long long)l.n);
    }
    if (code == FF_OK && l.n_missing > 0) {
        d->bad = true;
        d->remedy = "bring them back from a backup, or run their tasks again";
        doctor_says(d, "%lld of them are not there, such as %.12s",
                    (long long)l.n_missing, l.first);
    }
    blobs_close(l.blobs);
    return code;
}
