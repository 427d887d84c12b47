/* kit/kit_store_schema.c - the records that stores are judged with. Not the engine's:
 * a store has to learn any. */
#include "kit/kit_store.h"

static const char *const color_names[] = {"red", "green", "blue", NULL};

#define NULLABLE FF_COL_NULLABLE
#define COLUMN(NAME, TYPE, FLAGS)                                                      \
    {                                                                                  \
        .name = (NAME), .type = (TYPE), .flags = (FLAGS), .since = 1                   \
    }
#define ENUM(NAME, FLAGS)                                                              \
    {                                                                                  \
        .name = (NAME), .type = FF_ENUM, .flags = (FLAGS), .names = color_names,       \
        .since = 1                                                                     \
    }
#define INDEX(NAME, COLUMNS, UNIQUE)                                                   \
    {                                                                                  \
        .name = (NAME), .columns = (COLUMNS), .n_columns = COUNT_OF(COLUMNS),          \
        .unique = (UNIQUE), .since = 1                                                 \
    }
#define RECORD(NAME, COLUMNS, N_KEY)                                                   \
    .struct_size = sizeof(struct ff_record), .name = (NAME), .since = 1,               \
    .columns = (COLUMNS), .n_columns = COUNT_OF(COLUMNS), .n_key = (N_KEY)

static const struct ff_column thing_columns[] = {
    [THING_A] = COLUMN("a", FF_INT, 0),
    [THING_B] = COLUMN("b", FF_TEXT, 0),
    [THING_VERSION] = COLUMN("version", FF_INT, 0),
    [THING_N] = COLUMN("n", FF_INT, NULLABLE),
    [THING_T] = COLUMN("t", FF_TEXT, NULLABLE),
    [THING_U] = COLUMN("u", FF_TEXT, NULLABLE),
    [THING_BYTES] = COLUMN("raw", FF_BYTES, NULLABLE),
    [THING_J] = COLUMN("j", FF_JSON, 0),
    [THING_AT] = COLUMN("at", FF_TIME, NULLABLE),
    [THING_OK] = COLUMN("ok", FF_BOOL, NULLABLE),
    [THING_COLOR] = ENUM("color", 0),
    [THING_SHADE] = ENUM("shade", NULLABLE),
};

static const uint16_t by_u[] = {THING_U};
static const uint16_t by_color[] = {THING_COLOR, THING_N};
static const uint16_t by_t[] = {THING_T, THING_AT, THING_SHADE};
static const uint16_t by_bytes[] = {THING_BYTES};
static const uint16_t by_n_ok[] = {THING_A, THING_N, THING_OK};
static const uint16_t by_at[] = {THING_AT};
static const uint16_t by_number[] = {THING_N};
static const uint16_t by_shade[] = {THING_SHADE};

static const struct ff_index thing_indexes[] = {
    [BY_U] = INDEX("kit_thing_u", by_u, 1),
    [BY_COLOR] = INDEX("kit_thing_color", by_color, 0),
    [BY_T] = INDEX("kit_thing_t", by_t, 0),
    [BY_BYTES] = INDEX("kit_thing_raw", by_bytes, 0),
    [BY_N_OK] = INDEX("kit_thing_n_ok", by_n_ok, 1),
    [BY_AT] = INDEX("kit_thing_at", by_at, 0),
    [BY_NUMBER] = INDEX("kit_thing_n", by_number, 0),
    [BY_SHADE] = INDEX("kit_thing_shade", by_shade, 0),
};

const struct ff_record kit_thing = {
    RECORD("kit_thing", thing_columns, 2),
    .indexes = thing_indexes,
    .n_indexes = COUNT_OF(thing_indexes),
};

static const struct ff_column pair_columns[] = {
    [PAIR_K] = COLUMN("k", FF_INT, 0),
    [PAIR_VERSION] = COLUMN("version", FF_INT, 0),
    [PAIR_LEFT] = COLUMN("left_hand", FF_INT, 0),
    [PAIR_RIGHT] = COLUMN("right_hand", FF_INT, 0),
};

const struct ff_record kit_pair = {RECORD("kit_pair", pair_columns, 1)};

static const struct ff_column key_columns[] = {
    [KEY_BYTES] = COLUMN("raw", FF_BYTES, 0),
    [KEY_TEXT] = COLUMN("t", FF_TEXT, 0),
    [KEY_TIME] = COLUMN("at", FF_TIME, 0),
    [KEY_ENUM] = ENUM("color", 0),
    [KEY_BOOL] = COLUMN("ok", FF_BOOL, 0),
    [KEY_VERSION] = COLUMN("version", FF_INT, 0),
};

const struct ff_record kit_key = {RECORD("kit_key", key_columns, 5)};

static const struct ff_column event_columns[] = {
    [EVENT_ID] = COLUMN("id", FF_INT, 0),
    [EVENT_VERSION] = COLUMN("version", FF_INT, 0),
    [EVENT_SEEN] = COLUMN("seen", FF_TIME, NULLABLE),
    [EVENT_AT] = COLUMN("at", FF_TIME, NULLABLE),
    [EVENT_TEXT] = COLUMN("t", FF_TEXT, NULLABLE),
    [EVENT_RAW] = COLUMN("raw", FF_BYTES, NULLABLE),
    [EVENT_J] = COLUMN("j", FF_JSON, NULLABLE),
};

static const uint16_t event_by_at[] = {EVENT_AT};
static const struct ff_index event_indexes[] = {
    [EVENT_BY_AT] = INDEX("kit_event_at", event_by_at, 0),
};

const struct ff_record kit_event = {
    RECORD("kit_event", event_columns, 1),
    .indexes = event_indexes,
    .n_indexes = COUNT_OF(event_indexes),
};

static const struct ff_record *const records[] = {&kit_thing, &kit_pair, &kit_key,
                                                  &kit_event, NULL};

const struct ff_schema kit_schema = {
    .struct_size = sizeof(struct ff_schema), .version = 2, .records = records};
