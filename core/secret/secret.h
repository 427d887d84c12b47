/* secret/secret.h - values that tasks need and nobody shall read: encrypted rows.
 *
 * AES-256-GCM; tenant, name and key are authenticated with the value, so that a row
 * that was moved to another name does not open. Keys come from the setting
 * auth.encryption_key, else from the file secret.keys (0600) in the data directory,
 * which is made when the first secret is set. Blocking: lanes and the command line. */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "store/store.h"

#define SECRET_MIN       ((size_t)4) /* shorter ones could not be masked in logs */
#define SECRET_MAX       ((size_t)32 << 10) /* a variable of the environment has 128 KiB */
#define SECRET_NAMES_MAX 10000
/* As ff_err.sys of FF_FULL: there are so many names, and no disk is full. */
#define SECRET_SYS_NAMES (INT32_MIN + 1)

/* Where they are and what opens them; all of it stays the caller's. */
struct secret_place {
    struct store *store;
    struct store_reader *reader;
    const char *data_dir;
    const char *keys; /* of the setting: one or more, comma separated, the newest
                       * first; NULL: the file */
};

/* A value in memory of its own, with a NUL behind it. */
struct secret_value {
    char *text;
    size_t len;
};
void secret_value_wipe(struct secret_value *v); /* and frees it */

/* FF_INVALID: name or value cannot be a secret, the sentence says why. */
int secret_set(const struct secret_place *p, struct tenant t, const char *name,
               const void *value, size_t len, int64_t now_us, struct ff_err *err);

/* The same as rows of a batch, which others commit, soon; after a conflict it is to be
 * planned anew. */
struct secret_new {
    const char *name;
    struct span value;
    int64_t now_us;
};
int secret_plan_set(const struct secret_place *p, struct tenant t,
                    const struct secret_new *what, struct batch *b, struct ff_err *err);

/* FF_NOT_FOUND: there is none. FF_DENIED: its key is not there, or it was changed. */
int secret_get(const struct secret_place *p, struct tenant t, const char *name,
               struct secret_value *out, struct ff_err *err);

int secret_delete(const struct secret_place *p, struct tenant t, const char *name,
                  struct ff_err *err);
/* The same as a row of a batch, which others commit. */
int secret_plan_delete(const struct secret_place *p, struct tenant t, const char *name,
                       struct batch *b, struct ff_err *err);

/* In the order of names; never values. */
int secret_list(const struct secret_place *p, struct tenant t, store_row_fn *fn,
                void *arg, struct ff_err *err);

/* Encrypts all of a store anew: with a key that is made for it where keys are in the
 * file, with the first where the setting has them. What was there opens until all of
 * it is done; the old keys leave the file then. */
int secret_rotate(const struct secret_place *p, int64_t now_us, int64_t *n_secrets,
                  struct ff_err *err);

#endif
