/* store-postgres/postgres.h - what the files of this driver share.
 *
 * A session is one connection, always in pipeline mode: whatever a call needs is sent
 * at once, and the answers are read afterwards. Nothing that a user or a task has
 * written ever becomes part of a statement: names come from the schema and are quoted,
 * values are parameters. */
#ifndef STORE_POSTGRES_POSTGRES_H
#define STORE_POSTGRES_POSTGRES_H

#include <flowforge/store.h>
#include <libpq-fe.h>
#include <stdbool.h>

#define PG_MAX_COLUMNS  64   /* one bit each in a mask */
#define PG_LOCK_TIMEOUT "5s" /* for what others hold */
/* Between the two round trips of a commit nothing is waited for: a process that stands
 * still there must not keep its locks for longer than whoever led keeps its lease. */
#define PG_IDLE_TIMEOUT "2s"

/* --- settings (driver.c) --- */

struct pg_config {
    const char *url; /* or NULL */
    const char *host, *database, *user, *password;
    int64_t port;
    int64_t ssl_mode; /* enum pg_ssl_mode */
    const char *ssl_root_cert, *ssl_cert, *ssl_key;
    int64_t insecure;
    const char *schema;
    int64_t connect_timeout_us, statement_timeout_us, reconnect_timeout_us;
    int64_t unsafe_durability;
};

/* In the order of the words. */
enum pg_ssl_mode { PG_SSL_AUTO, PG_SSL_DISABLE, PG_SSL_ALLOW, PG_SSL_PREFER };
extern const char *const pg_ssl_words[]; /* "auto", "disable", ... NULL */

/* url.c: takes `url`, if there is one, apart into the other settings, whose texts are
 * the caller's to free. */
int pg_take_url(struct pg_config *c, struct ff_err *err);

/* --- text.c: text and bytes that grow --- */

struct pg_text {
    char *s; /* ends with a NUL once something was added */
    size_t len, cap;
    bool failed; /* out of memory: what was added since is lost */
};

void pg_add(struct pg_text *t, const void *bytes, size_t len);
void pg_addf(struct pg_text *t, const char *fmt, ...) FF_PRINTF(2, 3);
void pg_add_name(struct pg_text *t, const char *name);    /* "quoted" */
void pg_add_literal(struct pg_text *t, const char *text); /* 'quoted', for DDL */
void pg_add_int32(struct pg_text *t, uint32_t value);     /* in network order */
void pg_add_int64(struct pg_text *t, uint64_t value);
void pg_text_done(struct pg_text *t);

/* --- statements, by what they do (statement.c) --- */

enum pg_kind { PG_SCAN = FF_CHECK + 1, PG_COUNT };
enum pg_guard { PG_ANY, PG_VERSION, PG_NO_ROW };

/* How the columns of a cursor are compared: the last one, or all of them as a row. */
enum pg_beyond {
    PG_NO_CURSOR,
    PG_GREATER,
    PG_LESS,
    PG_NULL,
    PG_NOT_NULL,
    PG_ROW_GREATER,
    PG_ROW_LESS
};

enum pg_shape_flags {
    PG_FROM = 1,
    PG_BELOW = 2,
    PG_DESCENDING = 4,
    PG_RAISES = 8 /* an insert over a row that is there is an error, not a row less */
};

/* Everything that the text of a statement depends on; equal bytes, equal text. */
struct pg_shape {
    const struct ff_record *record;
    uint64_t columns; /* PUT, PATCH: those it sets, others of a PUT are null; SCAN:
                       * those it gives */
    uint64_t nulls;   /* SCAN: bit i: the i-th column compared must be null */
    int16_t index;
    uint8_t kind;  /* enum ff_change_kind or enum pg_kind */
    uint8_t guard; /* enum pg_guard */
    uint8_t n_equal;
    uint8_t n_same; /* columns after those that equal the cursor's */
    uint8_t beyond; /* enum pg_beyond: of the columns after them */
    uint8_t flags;  /* enum pg_shape_flags */
};

struct pg_statement {
    struct pg_shape shape;
    unsigned number;     /* its name on the server is "s" and this */
    uint64_t connection; /* which one of the session knows it; 0: none */
    struct pg_text sql;
    struct pg_statement *in; /* the next one of a list to prepare */
    bool is_listed;          /* it is in the list that is being made */
};

#define PG_MAX_STATEMENTS 512 /* above, all are forgotten */

struct pg_cache {
    struct pg_statement **slots; /* open addressing; a power of two */
    size_t n, n_slots;
    unsigned last_number;
};

/* --- a session --- */

struct pg_plan;
struct pg_watcher;

struct pg_session {
    const struct ff_host *host;
    const struct pg_config *config; /* &own */
    struct pg_config own;
    const struct ff_schema *schema;
    PGconn *conn;        /* NULL: not connected */
    uint64_t connection; /* counts them */
    struct pg_cache cache;
    struct pg_plan *plan;  /* of the commit under way; kept for its memory */
    struct pg_text buffer; /* of parameters; kept for its memory */
    struct pg_watcher *watcher;

    char backend[64]; /* the server process of this connection */
    char lost[64];    /* that of one that ended without a word; empty: none */
    char doubted[64]; /* that of a commit in doubt: not even asking has helped yet */

    /* Of the row that tells which commit was the last one: see doubt.c. */
    char token[33];
    int64_t n_commits; /* the last one that was tried */
    bool has_row;
    struct pg_statement mark, notice; /* in every commit; of no shape */

    int64_t answer_us; /* how long an answer may take; see pg_reset_patience */
    int64_t backoff_us, next_try_us; /* by the monotonic clock */
    struct ff_err why;               /* the last try to connect failed */
};

/* --- connect.c, check.c --- */

/* Connected, or an error: FF_UNAVAILABLE when the server cannot be reached now. With
 * patience it is tried for the reconnect timeout, with growing pauses. */
int pg_connect(struct pg_session *s, bool patient, struct ff_err *err);
/* Gives up the connection; the next pg_connect makes another one. */
void pg_disconnect(struct pg_session *s);
/* The same for one that broke: its server process may not know, and be in the way. */
void pg_drop(struct pg_session *s);
/* A connection of its own, as the session's options say, not in pipeline mode. */
int pg_connect_raw(const struct pg_session *s, PGconn **conn, struct ff_err *err);
/* Sets up what a new connection needs and refuses a server that cannot be trusted. */
int pg_check_server(struct pg_session *s, struct ff_err *err);
/* Is it a place on this machine, which nobody else can listen to? */
bool pg_is_local(const char *host);

int64_t pg_mono_us(void);
void pg_sleep_us(int64_t us);

/* --- call.c: sending and waiting, in pipeline mode --- */

/* The server ends a statement that takes too long; we wait a little longer for that. */
#define PG_GRACE_US INT64_C(5000000)

#define PG_N_PARAMS 200

/* One statement's parameters, all of them binary. */
struct pg_params {
    int n;
    const char *values[PG_N_PARAMS];
    int lengths[PG_N_PARAMS];
    int formats[PG_N_PARAMS];
    size_t offsets[PG_N_PARAMS]; /* into the session's buffer, until it is complete */
};

void pg_params_begin(struct pg_session *s, struct pg_params *p);
/* The parameter that begins here, and is what is added to s->buffer after this. */
void pg_param_next(struct pg_session *s, struct pg_params *p);
void pg_param_null(struct pg_session *s, struct pg_params *p);
void pg_param_int64(struct pg_session *s, struct pg_params *p, int64_t value);
void pg_param_text(struct pg_session *s, struct pg_params *p, const char *text);
int pg_params_end(struct pg_session *s, struct pg_params *p, struct ff_err *err);

/* Sending never waits for the server. params NULL: none. */
int pg_send(struct pg_session *s, const char *sql, const struct pg_params *params,
            struct ff_err *err);
int pg_send_statement(struct pg_session *s, const struct pg_statement *statement,
                      const struct pg_params *params, struct ff_err *err);
int pg_send_prepare(struct pg_session *s, const struct pg_statement *statement,
                    struct ff_err *err);
int pg_sync(struct pg_session *s, struct ff_err *err);

/* The answer to the next statement that was sent. FF_OK: *result is to be cleared by
 * the caller. Otherwise there is none, and err says why: what the server did not do
 * because an earlier statement had failed is FF_CANCELLED. */
int pg_receive(struct pg_session *s, PGresult **result, struct ff_err *err);
/* The same for a statement whose rows come one by one: *row is NULL after the last. */
int pg_receive_row(struct pg_session *s, PGresult **row, struct ff_err *err);
/* Reads up to the sync that was sent last. The first error of what comes, if any. */
int pg_receive_sync(struct pg_session *s, struct ff_err *err);
/* One statement, its own round trip. result NULL: not wanted. */
int pg_run(struct pg_session *s, const char *sql, const struct pg_params *params,
           PGresult **result, struct ff_err *err);
/* Back to what the settings say. */
void pg_reset_patience(struct pg_session *s);
int64_t pg_get_int64(const PGresult *result, int row, int column);

/* --- error.c --- */

/* What the server's result means to the core, and the sentence. */
int pg_fail(struct pg_session *s, const PGresult *result, const char *doing,
            struct ff_err *err);
/* The connection broke: it is given up, and that is logged. Always FF_UNAVAILABLE. */
int pg_lose(struct pg_session *s, const char *why, struct ff_err *err);
/* One line of libpq's message. */
void pg_first_line(const char *message, char *line, size_t size);

/* --- sql.c: the text of tables and statements --- */

void pg_sql_table_name(struct pg_text *out, const char *schema, const char *table);
void pg_sql_table(struct pg_text *out, const char *schema,
                  const struct ff_record *record);
void pg_sql_index(struct pg_text *out, const char *schema,
                  const struct ff_record *record, const struct ff_index *index);
void pg_sql_column(struct pg_text *out, const struct ff_record *record,
                   const struct ff_column *column);
/* The constraint that an enum's column has; nothing for others. */
void pg_sql_check(struct pg_text *out, const struct ff_record *record,
                  const struct ff_column *column);
void pg_sql_check_name(struct pg_text *out, const struct ff_record *record,
                       const struct ff_column *column);
void pg_sql_change(struct pg_text *out, const char *schema,
                   const struct pg_shape *shape);
const char *pg_sql_type(uint32_t type);

/* What the parameters of a change are, in order: columns of the record, or
 * PG_BIND_EXPECT. */
#define PG_BIND_EXPECT 255
size_t pg_sql_binds(const struct pg_shape *shape, uint8_t binds[PG_MAX_COLUMNS * 2]);

/* --- select.c: the text of scans. Parameters in the order of the text: equal, from,
 * below, same, beyond, limit. --- */

void pg_sql_scan(struct pg_text *out, const char *schema, const struct pg_shape *shape);

/* The order of an index (-1: the primary key): its columns and those of the key that it
 * has not already. */
struct pg_order {
    size_t n;                         /* as a cursor has them: with repeats */
    uint16_t columns[PG_MAX_COLUMNS]; /* of the record */
    bool repeats[PG_MAX_COLUMNS];     /* the same column stands before */
};
void pg_order_of(const struct ff_record *record, int index, struct pg_order *order);

/* --- statement.c --- */

int pg_statement(struct pg_session *s, const struct pg_shape *shape,
                 struct pg_statement **found, struct ff_err *err);
bool pg_is_prepared(const struct pg_session *s, const struct pg_statement *statement);
/* Puts it in front of a list of statements to prepare, unless it is prepared or in it.
 */
void pg_list(struct pg_session *s, struct pg_statement *statement,
             struct pg_statement **first);
/* All of such a list, in one round trip. */
int pg_prepare(struct pg_session *s, struct pg_statement *first, struct ff_err *err);
/* Before a call that needs some: forgets all of them when they have become too many. */
int pg_cache_trim(struct pg_session *s, struct ff_err *err);
void pg_cache_done(struct pg_cache *cache);
/* A statement of no shape, which is made by hand. */
void pg_statement_name(struct pg_session *s, struct pg_statement *statement);

/* --- value.c: values to parameters and back --- */

/* FF_INVALID with a sentence when the column cannot hold it. */
int pg_check_value(const struct ff_record *record, uint16_t column,
                   const struct ff_value *value, struct ff_err *err);
/* Checked before. */
void pg_param_value(struct pg_session *s, struct pg_params *p,
                    const struct ff_column *column, const struct ff_value *value);
/* An array's element: its length and its bytes. */
void pg_add_element(struct pg_text *t, const struct ff_column *column,
                    const struct ff_value *value);
void pg_add_array_head(struct pg_text *t, uint32_t type, size_t n);
int pg_read_value(struct pg_session *s, const PGresult *row, int place,
                  const struct ff_record *record, uint16_t column,
                  struct ff_value *value, struct ff_err *err);
int pg_compare(const struct ff_column *column, const struct ff_value *a,
               const struct ff_value *b);

/* --- plan.c: the changes of a commit as few statements --- */

struct pg_group {
    struct pg_shape shape;
    struct pg_statement *statement;
    size_t first, last; /* changes, linked by `next` */
    size_t n;
};

#define PG_NO_CHANGE SIZE_MAX

/* Where the rules for one record stand while the plan is made. */
struct pg_record_state {
    const struct ff_record *record;
    uint32_t generation;      /* changes when what follows must come after */
    uint64_t unique_columns;  /* of any unique index */
    struct pg_shape last_own; /* of the changes that a unique index can see */
    bool is_changed;          /* by this commit */
    bool needs_lock; /* a CHECK that nothing is there holds by the table's lock */
};

/* A row that the plan has met. */
struct pg_met {
    size_t change; /* PG_NO_CHANGE: an empty slot */
    uint32_t generation;
};

struct pg_plan {
    struct pg_group *groups;
    size_t n_groups, cap_groups;
    size_t *open; /* groups that may still grow */
    size_t n_open, cap_open;
    size_t *next; /* of each change, the next of its group */
    size_t cap_next;
    struct pg_met *met; /* open addressing; a power of two */
    size_t n_met;
    struct pg_record_state *records; /* of the schema, in its order */
    size_t n_records;
    const struct ff_schema *schema; /* that they are of */
};

/* Judges all changes and groups them; one_each: a group for each of them, in their
 * order. FF_INVALID sets *failed. */
int pg_plan_make(struct pg_session *s, const struct ff_change *changes, size_t n,
                 bool one_each, size_t *failed, struct ff_err *err);
void pg_plan_free(struct pg_plan *plan); /* takes NULL */
bool pg_knows(const struct ff_schema *schema, const struct ff_record *record);

/* --- doubt.c: was it committed? --- */

int pg_mark_statement(struct pg_session *s, struct ff_err *err);
/* Into the transaction under way: the row that will tell. Its answer is one row. */
int pg_send_mark(struct pg_session *s, struct ff_err *err);
/* After a commit that was done. Whoever holds an old snapshot keeps all versions of a
 * row, and each write to it would walk along them: so now and then it is another row.
 */
void pg_turn_mark(struct pg_session *s);
void pg_make_token(struct pg_session *s); /* driver.c: the name of its row */
/* The connection was lost in COMMIT. FF_OK: it was committed; FF_UNAVAILABLE: it was
 * not, and never will be; FF_IN_DOUBT: nobody could say in time. */
int pg_settle(struct pg_session *s, struct ff_err *err);
/* On a new connection: what can be read from now on of a commit that was left in doubt
 * is what there will be of it, also on the standby that it waited for. */
int pg_assure(struct pg_session *s, struct ff_err *err);
/* Forgets the session's row, and those that nobody has forgotten. */
void pg_forget_mark(struct pg_session *s);
/* Ends the server process of a connection that was lost, and waits for its end: after
 * that its transaction is over. FF_BUSY: it has not ended yet. */
int pg_end_backend(struct pg_session *s, const char *backend, struct ff_err *err);

/* --- the functions of the contract that have a file of their own --- */

int pg_setup(void *store, const struct ff_schema *schema, struct ff_err *err);
int pg_commit(void *store, const struct ff_change *changes, size_t n, size_t *failed,
              struct ff_err *err);
int pg_scan(void *store, const struct ff_query *query, ff_row_fn *fn, void *arg,
            struct ff_err *err);
int pg_count(void *store, const struct ff_query *query, uint64_t *n,
             struct ff_err *err);
int pg_info(void *store, struct ff_store_info *info, ff_store_part_fn *fn, void *arg,
            struct ff_err *err);
/* Of the schema that is there, and the lowest one whose programs may use it; 0: none.
 * With a connection. */
int pg_schema_version(struct pg_session *s, int64_t *version, int64_t *min,
                      struct ff_err *err);
int pg_expire(void *store, const struct ff_record *record, int64_t before_us,
              uint64_t *n, struct ff_err *err);
int pg_spans(void *store, const struct ff_record *record, uint32_t column,
             ff_span_fn *fn, void *arg, struct ff_err *err);
int pg_make_span(void *store, const struct ff_span *span, struct ff_err *err);
int pg_drop_span(void *store, const struct ff_span *span, struct ff_err *err);
int pg_watch(void *store, const struct ff_record *record, ff_call_fn *fn, void *arg,
             struct ff_err *err);
void pg_watcher_free(struct pg_watcher *watcher); /* takes NULL */
#define PG_CHANNEL 64
void pg_channel(const struct pg_config *config, char channel[PG_CHANNEL]);
int pg_notice_statement(struct pg_session *s, struct ff_err *err);
/* Into the transaction under way: tells those who watch the records of the plan. Its
 * answer is no row that matters. *sent: there was something to send. */
int pg_send_notice(struct pg_session *s, bool *sent, struct ff_err *err);

#endif
