/* bench/limits/postgres.c - the rows of bench/store in bare C over libpq: arrays, one
 * pipeline and one round trip to a commit, which is durable if the server is. The
 * simplest tables that could hold tasks and their events: a key of numbers, the columns
 * that are set, room on the page for the second version.
 *
 * usage: postgres CONNINFO TASKS_TO_A_COMMIT COMMITS */
#include "limit.h"

#include <libpq-fe.h>
#include <string.h>

#define RUNS        1000
#define EVENT_BYTES 100

struct bytes {
    char *s;
    size_t len, cap;
};

static void add(struct bytes *b, const void *bytes, size_t len)
{
    if (b->cap - b->len < len) {
        b->cap = (b->len + len) * 2;
        b->s = realloc(b->s, b->cap);
        if (!b->s)
            DIE("out of memory");
    }
    memcpy(b->s + b->len, bytes, len);
    b->len += len;
}

static void add32(struct bytes *b, uint32_t n)
{
    const unsigned char bytes[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};

    add(b, bytes, sizeof(bytes));
}

static void begin_array(struct bytes *b, uint32_t type, uint32_t n)
{
    b->len = 0;
    add32(b, 1);
    add32(b, 0);
    add32(b, type);
    add32(b, n);
    add32(b, 1);
}

static void add_number(struct bytes *b, int64_t n)
{
    add32(b, 8);
    add32(b, (uint32_t)((uint64_t)n >> 32));
    add32(b, (uint32_t)n);
}

static void run_sql(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);

    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        DIE("%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
}

static void prepare(PGconn *c, const char *name, const char *sql)
{
    PGresult *r = PQprepare(c, name, sql, 0, NULL);

    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        DIE("%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
}

static void set_up(PGconn *c)
{
    run_sql(c, "SET client_min_messages = error; SET enable_seqscan = off; "
               "SET enable_hashjoin = off; SET enable_mergejoin = off; "
               "SET plan_cache_mode = force_generic_plan");
    run_sql(c, "DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare");
    run_sql(c, "CREATE TABLE bare.task (run bigint, node bigint, version bigint, task "
               "text, state text, attempt bigint, exit_code bigint, queued_at bigint, "
               "started_at bigint, finished_at bigint, PRIMARY KEY (run, node)) WITH "
               "(fillfactor = 70)");
    run_sql(c, "CREATE TABLE bare.event (run bigint, seq bigint, at bigint, body text, "
               "PRIMARY KEY (run, seq))");
    prepare(c, "begin", "BEGIN");
    prepare(c, "commit", "COMMIT");
    prepare(c, "insert",
            "INSERT INTO bare.task (run, node, version, task, state, attempt, "
            "queued_at, started_at) SELECT run, node, 1, 'build_something', 'running', "
            "1, at, at FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS r(run, "
            "node, at)");
    prepare(c, "update",
            "UPDATE bare.task t SET version = t.version + 1, state = 'succeeded', "
            "exit_code = 0, finished_at = r.at FROM unnest($1::bigint[], $2::bigint[], "
            "$3::bigint[]) AS r(run, node, at) WHERE t.run = r.run AND t.node = r.node "
            "AND t.version = 1");
    prepare(c, "event", "INSERT INTO bare.event VALUES ($1::bigint, 1, 0, $2::text)");
}

/* --- a commit --- */

struct bench {
    PGconn *conn;
    struct bytes run, node, at;
    char *body;
    int64_t n_tasks;
};

static void send_it(struct bench *b, const char *name, int n, const char *const *values,
                    const int *lengths)
{
    static const int binary[] = {1, 1, 1};

    if (!PQsendQueryPrepared(b->conn, name, n, values, lengths, binary, 0))
        DIE("%s", PQerrorMessage(b->conn));
}

static void send_tasks(struct bench *b, const char *name, int64_t turn, int64_t node)
{
    begin_array(&b->run, 20, (uint32_t)b->n_tasks);
    begin_array(&b->node, 20, (uint32_t)b->n_tasks);
    begin_array(&b->at, 20, (uint32_t)b->n_tasks);
    for (int64_t i = 0; i < b->n_tasks; i++) {
        add_number(&b->run, turn * b->n_tasks + i + 1);
        add_number(&b->node, node);
        add_number(&b->at, now_ns());
    }

    const char *const values[] = {b->run.s, b->node.s, b->at.s};
    const int lengths[] = {(int)b->run.len, (int)b->node.len, (int)b->at.len};

    send_it(b, name, 3, values, lengths);
}

static void send_event(struct bench *b, int64_t commit)
{
    struct bytes run = {0};

    add_number(&run, commit + 1);

    const char *const values[] = {run.s + 4, b->body};
    const int lengths[] = {8, (int)(b->n_tasks * EVENT_BYTES)};

    send_it(b, "event", 2, values, lengths);
    free(run.s);
}

static void receive_all(struct bench *b)
{
    for (PGresult *r;;) {
        r = PQgetResult(b->conn);
        if (!r)
            continue; /* the end of a statement */

        const ExecStatusType status = PQresultStatus(r);

        PQclear(r);
        if (status == PGRES_PIPELINE_SYNC)
            return;
        if (status != PGRES_COMMAND_OK)
            DIE("%s", PQerrorMessage(b->conn));
    }
}

static void commit_one(struct bench *b, int64_t commit)
{
    const int64_t n_turns = RUNS / b->n_tasks;

    send_it(b, "begin", 0, NULL, NULL);
    send_tasks(b, "insert", commit % n_turns, commit / n_turns);
    if (commit >= n_turns)
        send_tasks(b, "update", commit % n_turns, commit / n_turns - 1);
    send_event(b, commit);
    send_it(b, "commit", 0, NULL, NULL);
    if (!PQpipelineSync(b->conn))
        DIE("%s", PQerrorMessage(b->conn));
    receive_all(b);
}

int main(int argc, char **argv)
{
    struct bench b = {.n_tasks = argc > 3 ? atoll(argv[2]) : 0};
    const int64_t n = argc > 3 ? atoll(argv[3]) : 0;
    struct samples took = {0};

    if (b.n_tasks < 1 || b.n_tasks > RUNS || n < 1)
        DIE("usage: postgres CONNINFO TASKS_TO_A_COMMIT COMMITS");
    b.conn = PQconnectdb(argv[1]);
    if (PQstatus(b.conn) != CONNECTION_OK)
        DIE("%s", PQerrorMessage(b.conn));
    set_up(b.conn);
    b.body = malloc((size_t)b.n_tasks * EVENT_BYTES);
    if (!b.body || !PQenterPipelineMode(b.conn))
        DIE("no pipeline");
    memset(b.body, 'x', (size_t)b.n_tasks * EVENT_BYTES);

    const int64_t begun = now_ns();

    for (int64_t i = 0; i < n; i++) {
        const int64_t began = now_ns();

        commit_one(&b, i);
        samples_add(&took, now_ns() - began);
    }

    const double seconds = (double)(now_ns() - begun) / 1e9;

    samples_sort(&took);
    printf("{\"tasks_s\": %.0f, \"commit_p50_us\": %.0f, \"commit_p99_us\": %.0f}\n",
           (double)(n * b.n_tasks) / seconds, samples_us(&took, 0.5),
           samples_us(&took, 0.99));
    PQfinish(b.conn);
    return 0;
}
