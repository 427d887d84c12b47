/* model/record_macros.h - private: how a table of columns is written, for records*.c
 * alone. Around each table `#define ROW its_struct` says whose fields are meant. */
#ifndef MODEL_RECORD_MACROS_H
#define MODEL_RECORD_MACROS_H

#include "model/model.h"

#define COLUMN_SINCE(field, column_type, column_flags, column_names, first)            \
    {                                                                                  \
        .name = #field, .type = (column_type), .flags = (column_flags),                \
        .names = (column_names), .since = (first),                                     \
        .offset = offsetof(struct ROW, field)                                          \
    }
#define COLUMN(field, column_type, column_flags, column_names)                         \
    COLUMN_SINCE(field, column_type, column_flags, column_names, 1)

#define INT(field)       COLUMN(field, FF_INT, 0, NULL)
#define INT_NULL(field)  COLUMN(field, FF_INT, FF_COL_NULLABLE, NULL)
#define TEXT(field)      COLUMN(field, FF_TEXT, 0, NULL)
#define TEXT_NULL(field) COLUMN(field, FF_TEXT, FF_COL_NULLABLE, NULL)
#define JSON(field)      COLUMN(field, FF_JSON, 0, NULL)
#define JSON_NULL(field) COLUMN(field, FF_JSON, FF_COL_NULLABLE, NULL)
#define TIME(field)      COLUMN(field, FF_TIME, 0, NULL)
#define TIME_NULL(field) COLUMN(field, FF_TIME, FF_COL_NULLABLE, NULL)
#define ENUM(field, of)  COLUMN(field, FF_ENUM, 0, of)

/* Since version 2. Of a record that is as old, those that are never null have no
 * NULL. */
#define COLUMN_2(field, column_type, column_flags)                                     \
    COLUMN_SINCE(field, column_type, column_flags, NULL, 2)
#define INT_2(field)       COLUMN_2(field, FF_INT, 0)
#define INT_NULL_2(field)  COLUMN_2(field, FF_INT, FF_COL_NULLABLE)
#define TEXT_2(field)      COLUMN_2(field, FF_TEXT, 0)
#define TEXT_NULL_2(field) COLUMN_2(field, FF_TEXT, FF_COL_NULLABLE)
#define JSON_2(field)      COLUMN_2(field, FF_JSON, 0)
#define JSON_NULL_2(field) COLUMN_2(field, FF_JSON, FF_COL_NULLABLE)
#define TIME_2(field)      COLUMN_2(field, FF_TIME, 0)
#define TIME_NULL_2(field) COLUMN_2(field, FF_TIME, FF_COL_NULLABLE)
#define ENUM_2(field, of)  COLUMN_SINCE(field, FF_ENUM, 0, of, 2)

/* Since version 3; the same holds. */
#define COLUMN_3(field, column_type, column_flags)                                     \
    COLUMN_SINCE(field, column_type, column_flags, NULL, 3)
#define INT_3(field)      COLUMN_3(field, FF_INT, 0)
#define INT_NULL_3(field) COLUMN_3(field, FF_INT, FF_COL_NULLABLE)
#define TEXT_3(field)     COLUMN_3(field, FF_TEXT, 0)
#define TIME_3(field)     COLUMN_3(field, FF_TIME, 0)
#define JSON_3(field)     COLUMN_3(field, FF_JSON, 0)

#define RECORD_SINCE(table, table_columns, count, keys, first)                         \
    .struct_size = sizeof(struct ff_record), .name = (table),                          \
    .columns = (table_columns), .n_columns = (count), .n_key = (keys),                 \
    .since = (first)
#define RECORD(table, table_columns, count, keys)                                      \
    RECORD_SINCE(table, table_columns, count, keys, 1)

#define COMPLETE(table_columns, count)                                                 \
    _Static_assert(COUNT_OF(table_columns) == (count), #count)

#endif
