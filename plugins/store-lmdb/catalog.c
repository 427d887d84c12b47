/* store-lmdb/catalog.c - the schema as the file has it: which records, which column is
 * which field of a row, which indexes there are to maintain. It stands in the file as
 * text, one thing a line:
 *
 *     flowforge-store 1
 *     version 3                    or "version 5 3": programs of 3 on may use it
 *     record run 2                 with two columns of key
 *     column tenant int
 *     index run_id unique 0 3      of the fields 0 and 3
 *
 * Who writes goes by this and not by the schema of his program, so that an index that a
 * newer program added is maintained by older ones that are still running. */
#include "store_lmdb.h"

#include <stdlib.h>
#include <string.h>

#define HEAD      "flowforge-store"
#define FORMAT    1
#define MAX_WORDS (LMDB_MAX_COLUMNS + 3)

static const char *const type_names[] = {
    [FF_INT] = "int",   [FF_TEXT] = "text", [FF_BYTES] = "bytes", [FF_JSON] = "json",
    [FF_TIME] = "time", [FF_BOOL] = "bool", [FF_ENUM] = "enum",
};

/* --- tables --- */

struct lmdb_catalog *lmdb_catalog_new(void)
{
    return calloc(1, sizeof(struct lmdb_catalog));
}

static void free_table(struct lmdb_table *t)
{
    for (uint16_t i = 0; i < t->n_columns; i++)
        free(t->columns[i].name);
    for (uint16_t i = 0; i < t->n_indexes; i++)
        free(t->indexes[i].name);
    free(t->name);
    free(t);
}

void lmdb_catalog_free(struct lmdb_catalog *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_tables; i++)
        free_table(c->tables[i]);
    free(c->tables);
    free(c);
}

struct lmdb_table *lmdb_catalog_find(const struct lmdb_catalog *c, const char *name)
{
    for (size_t i = 0; i < c->n_tables; i++)
        if (strcmp(c->tables[i]->name, name) == 0)
            return c->tables[i];
    return NULL;
}

struct lmdb_table *lmdb_catalog_add(struct lmdb_catalog *c, const char *name)
{
    struct lmdb_table **tables =
        realloc(c->tables, (c->n_tables + 1) * sizeof(struct lmdb_table *));

    if (!tables)
        return NULL;
    c->tables = tables;

    struct lmdb_table *t = calloc(1, sizeof(*t));

    if (t)
        t->name = strdup(name);
    if (!t || !t->name) {
        free(t);
        return NULL;
    }
    tables[c->n_tables++] = t;
    return t;
}

uint16_t lmdb_table_column(const struct lmdb_table *t, const char *name)
{
    for (uint16_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0)
            return i;
    return LMDB_MAX_COLUMNS;
}

struct lmdb_index *lmdb_table_index(struct lmdb_table *t, const char *name)
{
    for (uint16_t i = 0; i < t->n_indexes; i++)
        if (strcmp(t->indexes[i].name, name) == 0)
            return &t->indexes[i];
    return NULL;
}

/* --- to text --- */

static void FF_PRINTF(2, 3) add_text(struct lmdb_bytes *out, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (len < 0 || len >= (int)sizeof(text))
        out->failed = true;
    else
        lmdb_bytes_add(out, text, (size_t)len);
}

static void write_table(const struct lmdb_table *t, struct lmdb_bytes *out)
{
    add_text(out, "record %s %u\n", t->name, t->n_key);
    for (uint16_t i = 0; i < t->n_columns; i++)
        add_text(out, "column %s %s\n", t->columns[i].name,
                 type_names[t->columns[i].type]);
    for (uint16_t i = 0; i < t->n_indexes; i++) {
        const struct lmdb_index *index = &t->indexes[i];

        add_text(out, "index %s %s", index->name, index->unique ? "unique" : "plain");
        for (uint16_t k = 0; k < index->n_columns; k++)
            add_text(out, " %u", index->columns[k]);
        add_text(out, "\n");
    }
}

void lmdb_catalog_write(const struct lmdb_catalog *c, struct lmdb_bytes *out)
{
    add_text(out, "%s %d\nversion %u", HEAD, FORMAT, c->version);
    if (c->min_version != c->version)
        add_text(out, " %u", c->min_version);
    add_text(out, "\n");
    for (size_t i = 0; i < c->n_tables; i++)
        write_table(c->tables[i], out);
}

/* --- from text --- */

struct line {
    char *words[MAX_WORDS];
    size_t n;
};

struct reading {
    struct lmdb_catalog *catalog;
    struct lmdb_table *table;
};

static bool read_number(const char *word, unsigned long max, unsigned long *number)
{
    char *end;

    *number = strtoul(word, &end, 10);
    return *word && !*end && *number <= max;
}

static bool read_head(struct reading *r, const struct line *line)
{
    unsigned long format;

    (void)r;
    return line->n == 2 && read_number(line->words[1], FORMAT, &format);
}

static bool read_version(struct reading *r, const struct line *line)
{
    unsigned long version, min;

    if (line->n < 2 || line->n > 3 ||
        !read_number(line->words[1], UINT32_MAX, &version) ||
        !read_number(line->words[line->n - 1], version, &min))
        return false;
    r->catalog->version = (uint32_t)version;
    r->catalog->min_version = (uint32_t)min;
    return true;
}

static bool read_record(struct reading *r, const struct line *line)
{
    unsigned long n_key;

    if (line->n != 3 || !read_number(line->words[2], LMDB_MAX_COLUMNS - 1, &n_key))
        return false;
    r->table = lmdb_catalog_add(r->catalog, line->words[1]);
    if (!r->table)
        return false;
    r->table->n_key = (uint16_t)n_key;
    return true;
}

static bool read_column(struct reading *r, const struct line *line)
{
    struct lmdb_table *t = r->table;
    uint32_t type = FF_INT;

    if (line->n != 3 || !t || t->n_columns == LMDB_MAX_COLUMNS)
        return false;
    while (type <= FF_ENUM && strcmp(type_names[type], line->words[2]) != 0)
        type++;
    if (type > FF_ENUM)
        return false;
    t->columns[t->n_columns].type = type;
    t->columns[t->n_columns].name = strdup(line->words[1]);
    return t->columns[t->n_columns++].name != NULL;
}

static bool read_index(struct reading *r, const struct line *line)
{
    struct lmdb_table *t = r->table;

    if (line->n < 4 || !t || t->n_indexes == LMDB_MAX_INDEXES)
        return false;

    struct lmdb_index *index = &t->indexes[t->n_indexes];

    *index = (struct lmdb_index){.unique = strcmp(line->words[2], "unique") == 0};
    for (size_t i = 3; i < line->n; i++) {
        unsigned long column;

        if (!read_number(line->words[i], t->n_columns - 1U, &column))
            return false;
        index->columns[index->n_columns++] = (uint16_t)column;
    }
    index->name = strdup(line->words[1]);
    t->n_indexes++;
    return index->name != NULL;
}

static const struct {
    const char *word;
    bool (*read)(struct reading *r, const struct line *line);
} line_kinds[] = {
    {HEAD, read_head},       {"version", read_version}, {"record", read_record},
    {"column", read_column}, {"index", read_index},
};

static bool read_line(struct reading *r, char *text)
{
    struct line line = {.n = 0};
    char *rest = NULL;

    for (char *word = strtok_r(text, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        if (line.n == MAX_WORDS)
            return false;
        line.words[line.n++] = word;
    }
    for (size_t i = 0; i < sizeof(line_kinds) / sizeof(line_kinds[0]); i++)
        if (line.n > 0 && strcmp(line.words[0], line_kinds[i].word) == 0)
            return line_kinds[i].read(r, &line);
    return false;
}

bool lmdb_catalog_read(struct lmdb_catalog *c, const char *text, size_t len)
{
    struct reading r = {.catalog = c};
    char *copy = malloc(len + 1); /* and not strndup, which may look behind the text */
    bool right =
        copy && len >= sizeof(HEAD) && memcmp(text, HEAD " ", sizeof(HEAD)) == 0;
    char *rest = NULL;

    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }

    for (char *line = right ? strtok_r(copy, "\n", &rest) : NULL; line && right;
         line = strtok_r(NULL, "\n", &rest))
        right = read_line(&r, line);
    free(copy);
    return right && c->version > 0;
}

/* --- in the file --- */

static int open_table(struct lmdb_table *t, MDB_txn *txn, unsigned flags)
{
    char name[512];
    int result = mdb_dbi_open(txn, t->name, flags, &t->map);

    for (uint16_t i = 0; i < t->n_indexes && result == 0; i++) {
        if (snprintf(name, sizeof(name), "%s/%s", t->name, t->indexes[i].name) >=
            LMDB_KEY_BYTES)
            return MDB_BAD_VALSIZE;
        result = mdb_dbi_open(txn, name, flags, &t->indexes[i].map);
    }
    return result;
}

int lmdb_catalog_open(struct lmdb_catalog *c, MDB_txn *txn, unsigned flags)
{
    int result = 0;

    for (size_t i = 0; i < c->n_tables && result == 0; i++)
        result = open_table(c->tables[i], txn, flags);
    return result;
}

int lmdb_generation(MDB_txn *txn, MDB_dbi map, uint64_t *generation)
{
    MDB_val key = {.mv_size = sizeof(LMDB_COUNTER_KEY) - 1,
                   .mv_data = (void *)LMDB_COUNTER_KEY};
    MDB_val value;
    const int result = mdb_get(txn, map, &key, &value);

    *generation = 0;
    if (result == MDB_NOTFOUND)
        return 0;
    if (result == 0 && value.mv_size != sizeof(*generation))
        return MDB_CORRUPTED;
    if (result == 0)
        memcpy(generation, value.mv_data, sizeof(*generation));
    return result;
}
