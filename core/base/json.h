/* base/json.h - JSON in and out. Values are jansson's json_t; duplicates are
 * refused and depth is bounded. Writing of hot rows goes through struct jsonw,
 * which streams into a buf and builds no tree. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include <jansson.h>

/* New reference, or NULL with one sentence in err (FF_INVALID). Any JSON value. */
json_t *json_parse(const char *text, size_t len, struct ff_err *err);
char *json_text(const json_t *value); /* compact, insertion order; mem_free it */
void json_add_to(struct buf *b, const json_t *value); /* compact, appended */

/* A streaming writer. Commas are its business: after key or at array level write
 * any value. */
struct jsonw {
    struct buf *out;
    bool comma;
};

void jsonw_open(struct jsonw *w, char bracket);  /* '{' or '[' */
void jsonw_close(struct jsonw *w, char bracket); /* '}' or ']' */
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_text(struct jsonw *w, const char *text); /* NULL writes null */
void jsonw_text_len(struct jsonw *w, const char *text, size_t len);
void jsonw_int(struct jsonw *w, int64_t n);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
void jsonw_value(struct jsonw *w, const json_t *value);
void jsonw_raw(struct jsonw *w, const char *json, size_t len); /* already JSON */

#endif
