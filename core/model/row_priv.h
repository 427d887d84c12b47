/* model/row_priv.h - one column of a row struct; for the room itself. */
#ifndef MODEL_ROW_PRIV_H
#define MODEL_ROW_PRIV_H

#include "model/model.h"

/* A span in the row struct; the other types are an int64_t. */
static inline bool model_is_text(const struct ff_column *column)
{
    return column->type == FF_TEXT || column->type == FF_JSON ||
           column->type == FF_BYTES;
}

struct ff_value model_value(const struct ff_column *column, const void *row);

#endif
