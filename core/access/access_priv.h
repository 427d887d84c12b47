/* access/access_priv.h - what the files of the room share. */
#ifndef ACCESS_ACCESS_PRIV_H
#define ACCESS_ACCESS_PRIV_H

#include "access/access.h"

#define OBJECT_TEXT 400 /* "member/" and a subject */

/* What is no token is called so in the log. */
#define ACCESS_LOCAL_PREFIX "local:"
#define ACCESS_KEY_PREFIX   "key:"

/* --- rows (rows.c) --- */

/* The first row of the query, with its text in the arena. FF_NOT_FOUND without a
 * sentence. */
int access_first(struct store *s, struct store_reader *r, const struct store_query *q,
                 struct arena *arena, void *row, struct ff_err *err);
int access_count(struct store *s, struct store_reader *r, const struct store_query *q,
                 store_row_fn *counts, int64_t *n, struct ff_err *err);

/* With the usual quotas. The name is borrowed. */
struct tenant_row access_new_tenant(struct tenant t, const char *name);

/* --- the frame of a plan (plan.c) --- */

/* May it be done? If not, the batch holds the audit row of that, and nothing else. */
int access_begin(const struct access_call *c, enum permission permission,
                 const struct access_entry *e, struct batch *b, struct ff_err *err);
/* The same for giving a role, which needs MAY_MEMBERS. */
int access_begin_grant(const struct access_call *c, enum role role,
                       const struct access_entry *e, struct batch *b,
                       struct ff_err *err);
/* A tenant in which something new is made: it is there, not disabled, and stays so
 * until the batch is durable. Nothing for the installation. */
int access_hold_tenant(const struct access_call *c, struct tenant t,
                       struct arena *arena, struct tenant_row *row, struct batch *b,
                       struct ff_err *err);
int access_check_quota(const struct tenant_row *row, enum quota quota, int64_t n,
                       struct ff_err *err);
/* `what` for the sentence: "a project". */
int access_check_name(const char *name, const char *what, struct ff_err *err);
int access_check_subject(const char *subject, struct ff_err *err);
/* Of a token, or of who becomes a member: in the log it can be taken for nobody else.
 */
int access_check_new_subject(const char *subject, struct ff_err *err);
int access_check_title(const char *title, struct ff_err *err); /* or NULL */

/* Who the key is by now. FF_DENIED: it is gone, or as access_key_verify (key.c). */
int access_key_resolve(struct store *s, struct store_reader *r, struct tenant t,
                       struct span id, int64_t now_us, struct principal *p,
                       struct ff_err *err);

/* --- credentials (key_text.c) --- */

#define KEY_PREFIX     "ffk_"
#define SESSION_PREFIX "ffs_"

void key_make(const char *prefix, struct access_credential *k, char hash[SHA256_TEXT]);
bool key_is_id(const char *text);
/* False when the text is no credential by its form. */
bool key_parse(const char *prefix, const char *text, char id[KEY_ID_TEXT],
               char hash[SHA256_TEXT]);
/* Takes as long for a wrong one as for a right one. */
bool key_hash_is(const char hash[SHA256_TEXT], struct span stored);

/* --- hashes of the log (audit_hash.c) --- */

/* Of all that the row says, but for its number, which the seal holds beside it. */
void audit_row_hash(const struct audit_row *row, char out[SHA256_TEXT]);
void audit_seal_hash(const struct audit_seal_row *row, char out[SHA256_TEXT]);
extern const char audit_first_prev[SHA256_TEXT]; /* before the first seal */

#endif
