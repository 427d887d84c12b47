/* bench/limits/rows.c - the rows that the engine wrote, written again in bare C: the
 * ceiling of G1, G9, G11 and G19. Takes schema and rows from a database that the
 * engine filled, so that both write the same.
 *
 * usage: rows FROM.db TO.db twice|once BATCH
 *   twice   as the engine must: a task is inserted when it is granted and patched when
 *           it has ended, one commit later; BATCH tasks to a commit
 *   once    each task is inserted as it ended
 * Event rows go with the tasks of their run, evenly. Runs and open runs are there
 * before the clock starts, as after a submit; each is patched when it starts and when
 * it ends. */
#include "lite.h"

#include <string.h>

#define TASK_COLUMNS 18
#define MAX_COLUMNS  18

struct row {
    sqlite3_value *values[MAX_COLUMNS];
};

struct table {
    const char *name;
    int n_columns;
    struct row *rows;
    size_t n, cap;
};

static struct table runs = {.name = "run"};
static struct table tasks = {.name = "task"};
static struct table events = {.name = "event"};
static struct table workflows = {.name = "workflow"};

enum { RUN = 1, RUN_STATE = 8, RUN_REASON, RUN_STARTED = 16, RUN_FINISHED };
enum { NODE = 2, STATE = 6, EXIT_CODE = 9, STARTED = 16, FINISHED };
enum { SEQ = 2 };

/* --- reading --- */

static void read_table(sqlite3 *db, struct table *t)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "SELECT * FROM %s", t->name);
    sqlite3_stmt *stmt = prepare(db, sql);
    t->n_columns = sqlite3_column_count(stmt);
    if (t->n_columns > MAX_COLUMNS)
        DIE("%s has %d columns: this program knows %d", t->name, t->n_columns,
            MAX_COLUMNS);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (t->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 1024;
            t->rows = realloc(t->rows, t->cap * sizeof(*t->rows));
        }
        if (!t->rows)
            DIE("out of memory");
        for (int i = 0; i < t->n_columns; i++)
            t->rows[t->n].values[i] = sqlite3_value_dup(sqlite3_column_value(stmt, i));
        t->n++;
    }
    sqlite3_finalize(stmt);
}

static void copy_schema(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *stmt = prepare(from, "SELECT sql FROM sqlite_schema WHERE sql <> ''");

    while (sqlite3_step(stmt) == SQLITE_ROW)
        run_sql(to, (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static int64_t number(const struct row *row, int column)
{
    return sqlite3_value_int64(row->values[column]);
}

/* --- writing --- */

struct writer {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit;
    sqlite3_stmt *put_run, *put_open, *put_task, *put_event, *put_workflow;
    sqlite3_stmt *start_run, *end_run, *del_open, *end_task;
    size_t n_commits;
};

static sqlite3_stmt *prepare_put(sqlite3 *db, const struct table *t)
{
    char sql[256];
    size_t len = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (", t->name);

    for (int i = 0; i < t->n_columns; i++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, i ? ", ?" : "?");
    snprintf(sql + len, sizeof(sql) - len, ")");
    return prepare(db, sql);
}

static struct writer open_writer(sqlite3 *db)
{
    return (struct writer){
        .db = db,
        .begin = prepare(db, "BEGIN IMMEDIATE"),
        .commit = prepare(db, "COMMIT"),
        .put_run = prepare_put(db, &runs),
        .put_task = prepare_put(db, &tasks),
        .put_event = prepare_put(db, &events),
        .put_workflow = prepare_put(db, &workflows),
        .put_open = prepare(db, "INSERT INTO open_run VALUES (0, ?, ?, 1)"),
        .del_open = prepare(db, "DELETE FROM open_run WHERE shard = 0 AND tenant = ? "
                                "AND run = ?"),
        .start_run = prepare(db, "UPDATE run SET version = 2, state = 'running', "
                                 "started_at = ? WHERE tenant = ? AND run = ?"),
        .end_run = prepare(db, "UPDATE run SET version = 3, state = ?, finished_at = ? "
                               "WHERE tenant = ? AND run = ?"),
        .end_task =
            prepare(db, "UPDATE task SET version = 2, state = ?, exit_code = ?, "
                        "started_at = ?, finished_at = ? "
                        "WHERE tenant = ? AND run = ? AND node = ?"),
    };
}

static void put(sqlite3_stmt *stmt, const struct table *t, const struct row *row)
{
    for (int i = 0; i < t->n_columns; i++)
        sqlite3_bind_value(stmt, i + 1, row->values[i]);
    step(stmt);
}

static void submit(struct writer *w)
{
    step(w->begin);
    for (size_t i = 0; i < workflows.n; i++)
        put(w->put_workflow, &workflows, &workflows.rows[i]);
    for (size_t i = 0; i < runs.n; i++) {
        const struct row *row = &runs.rows[i];

        for (int k = 0; k < runs.n_columns; k++)
            sqlite3_bind_value(w->put_run, k + 1, row->values[k]);
        sqlite3_bind_int(w->put_run, 3, 1);
        sqlite3_bind_text(w->put_run, RUN_STATE + 1, "pending", -1, SQLITE_STATIC);
        sqlite3_bind_null(w->put_run, RUN_STARTED + 1);
        sqlite3_bind_null(w->put_run, RUN_FINISHED + 1);
        step(w->put_run);
        sqlite3_bind_value(w->put_open, 1, row->values[0]);
        sqlite3_bind_value(w->put_open, 2, row->values[RUN]);
        step(w->put_open);
    }
    for (size_t i = 0; i < events.n; i++)
        if (number(&events.rows[i], SEQ) == 1)
            put(w->put_event, &events, &events.rows[i]);
    step(w->commit);
}

static void put_granted(struct writer *w, const struct row *row)
{
    for (int i = 0; i < tasks.n_columns; i++)
        sqlite3_bind_value(w->put_task, i + 1, row->values[i]);
    sqlite3_bind_int(w->put_task, 4, 1);
    sqlite3_bind_text(w->put_task, STATE + 1, "running", -1, SQLITE_STATIC);
    sqlite3_bind_null(w->put_task, EXIT_CODE + 1);
    sqlite3_bind_null(w->put_task, FINISHED + 1);
    step(w->put_task);
}

static void end_task(struct writer *w, const struct row *row)
{
    static const int columns[] = {STATE, EXIT_CODE, STARTED, FINISHED, 0, 1, NODE};

    for (int i = 0; i < 7; i++)
        sqlite3_bind_value(w->end_task, i + 1, row->values[columns[i]]);
    step(w->end_task);
}

static void start_run(struct writer *w, const struct row *row)
{
    sqlite3_bind_value(w->start_run, 1, row->values[RUN_STARTED]);
    sqlite3_bind_value(w->start_run, 2, row->values[0]);
    sqlite3_bind_value(w->start_run, 3, row->values[RUN]);
    step(w->start_run);
}

static void end_run(struct writer *w, const struct row *row)
{
    sqlite3_bind_value(w->end_run, 1, row->values[RUN_STATE]);
    sqlite3_bind_value(w->end_run, 2, row->values[RUN_FINISHED]);
    sqlite3_bind_value(w->end_run, 3, row->values[0]);
    sqlite3_bind_value(w->end_run, 4, row->values[RUN]);
    step(w->end_run);
    sqlite3_bind_value(w->del_open, 1, row->values[0]);
    sqlite3_bind_value(w->del_open, 2, row->values[RUN]);
    step(w->del_open);
}

/* --- the order of things --- */

/* Where the writer stands: everything before these is written. */
struct place {
    size_t run, granted, ended, event;
};

static void write_events(struct writer *w, struct place *at, size_t until)
{
    for (; at->event < until; at->event++)
        if (number(&events.rows[at->event], SEQ) > 1)
            put(w->put_event, &events, &events.rows[at->event]);
}

/* Tasks and runs are in the order of their keys, so a run starts with its first task
 * and ends with its last one. */
static void begin_runs(struct writer *w, struct place *at)
{
    while (at->run < runs.n && at->granted < tasks.n &&
           number(&runs.rows[at->run], RUN) <= number(&tasks.rows[at->granted], 1))
        start_run(w, &runs.rows[at->run++]);
}

static void end_runs(struct writer *w, size_t *ended, const struct place *at)
{
    while (*ended < at->run &&
           (at->ended == tasks.n ||
            number(&runs.rows[*ended], RUN) < number(&tasks.rows[at->ended], 1)))
        end_run(w, &runs.rows[(*ended)++]);
}

static void commit(struct writer *w)
{
    step(w->commit);
    w->n_commits++;
}

static void write_twice(struct writer *w, size_t batch)
{
    struct place at = {0};
    size_t ended_runs = 0;

    while (at.ended < tasks.n) {
        const size_t to_end = at.granted;

        step(w->begin);
        while (at.ended < to_end)
            end_task(w, &tasks.rows[at.ended++]);
        for (size_t i = 0; i < batch && at.granted < tasks.n; i++) {
            begin_runs(w, &at);
            put_granted(w, &tasks.rows[at.granted++]);
        }
        write_events(w, &at, events.n * at.ended / tasks.n);
        end_runs(w, &ended_runs, &at);
        commit(w);
    }
}

static void write_once(struct writer *w, size_t batch)
{
    struct place at = {0};
    size_t ended_runs = 0;

    while (at.ended < tasks.n) {
        step(w->begin);
        for (size_t i = 0; i < batch && at.ended < tasks.n; i++) {
            begin_runs(w, &at);
            put(w->put_task, &tasks, &tasks.rows[at.ended++]);
            at.granted = at.ended;
        }
        write_events(w, &at, events.n * at.ended / tasks.n);
        end_runs(w, &ended_runs, &at);
        commit(w);
    }
}

int main(int argc, char **argv)
{
    sqlite3 *from;

    if (argc < 5)
        DIE("usage: rows FROM.db TO.db twice|once BATCH");
    if (sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        DIE("%s: %s", argv[1], sqlite3_errmsg(from));
    struct table *const all[] = {&runs, &tasks, &events, &workflows};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        read_table(from, all[i]);
    if (tasks.n == 0 || tasks.n_columns != TASK_COLUMNS)
        DIE("%s: no tasks, or another schema", argv[1]);
    sqlite3 *db = open_new(argv[2]);
    copy_schema(from, db);
    sqlite3_close(from);
    struct writer w = open_writer(db);
    submit(&w);
    run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");

    const size_t batch = strtoul(argv[4], NULL, 10);
    const int64_t begun = now_ns();
    if (strcmp(argv[3], "twice") == 0)
        write_twice(&w, batch);
    else
        write_once(&w, batch);
    const double seconds = (double)(now_ns() - begun) / 1e9;
    printf("{\"seconds\":%.6f,\"tasks\":%zu,\"events\":%zu,\"commits\":%zu,"
           "\"tasks_per_s\":%.0f}\n",
           seconds, tasks.n, events.n, w.n_commits, (double)tasks.n / seconds);
    return 0;
}
