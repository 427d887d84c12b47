/* store-postgres/call.c - statements there and answers back. Nothing here waits without
 * a deadline: a server that hangs is a connection that is lost. */
#include "postgres.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t pg_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void pg_sleep_us(int64_t us)
{
    const struct timespec time = {.tv_sec = us / 1000000,
                                  .tv_nsec = us % 1000000 * 1000};

    nanosleep(&time, NULL);
}

void pg_reset_patience(struct pg_session *s)
{
    s->answer_us = s->config->statement_timeout_us + PG_GRACE_US;
}

/* --- parameters --- */

void pg_params_begin(struct pg_session *s, struct pg_params *p)
{
    p->n = 0;
    s->buffer.len = 0;
}

/* PQexecParams wants a length for each: that of the one before is known when the next
 * one begins. */
static void close_last(struct pg_session *s, struct pg_params *p)
{
    if (p->n > 0 && p->lengths[p->n - 1] < 0)
        p->lengths[p->n - 1] = (int)(s->buffer.len - p->offsets[p->n - 1]);
}

void pg_param_next(struct pg_session *s, struct pg_params *p)
{
    close_last(s, p);
    p->offsets[p->n] = s->buffer.len;
    p->lengths[p->n] = -1;
    p->formats[p->n] = 1;
    p->values[p->n] = ""; /* set at the end: the buffer may move until then */
    p->n++;
}

void pg_param_null(struct pg_session *s, struct pg_params *p)
{
    pg_param_next(s, p);
    p->values[p->n - 1] = NULL;
    p->lengths[p->n - 1] = 0;
}

void pg_param_int64(struct pg_session *s, struct pg_params *p, int64_t value)
{
    pg_param_next(s, p);
    pg_add_int64(&s->buffer, (uint64_t)value);
}

void pg_param_text(struct pg_session *s, struct pg_params *p, const char *text)
{
    pg_param_next(s, p);
    pg_add(&s->buffer, text, strlen(text));
}

int pg_params_end(struct pg_session *s, struct pg_params *p, struct ff_err *err)
{
    close_last(s, p);
    if (s->buffer.failed) {
        s->buffer.failed = false;
        return ff_fail(err, FF_NO_MEMORY, 0, "out of memory for parameters");
    }
    if (s->buffer.len > INT32_MAX / 2)
        return ff_fail(err, FF_INVALID, 0, "a commit of more than a gigabyte");
    for (int i = 0; i < p->n; i++)
        if (p->values[i])
            p->values[i] =
                p->offsets[i] < s->buffer.len ? s->buffer.s + p->offsets[i] : "";
    return FF_OK;
}

/* --- sending --- */

static int sent(struct pg_session *s, int well, struct ff_err *err)
{
    return well ? FF_OK : pg_lose(s, "cannot be sent to", err);
}

int pg_send(struct pg_session *s, const char *sql, const struct pg_params *p,
            struct ff_err *err)
{
    return sent(s,
                PQsendQueryParams(s->conn, sql, p ? p->n : 0, NULL,
                                  p ? p->values : NULL, p ? p->lengths : NULL,
                                  p ? p->formats : NULL, 1),
                err);
}

static void name_of(const struct pg_statement *statement, char name[16])
{
    snprintf(name, 16, "s%u", statement->number);
}

int pg_send_statement(struct pg_session *s, const struct pg_statement *statement,
                      const struct pg_params *p, struct ff_err *err)
{
    char name[16];

    name_of(statement, name);
    return sent(
        s,
        PQsendQueryPrepared(s->conn, name, p->n, p->values, p->lengths, p->formats, 1),
        err);
}

int pg_send_prepare(struct pg_session *s, const struct pg_statement *statement,
                    struct ff_err *err)
{
    char name[16];

    name_of(statement, name);
    return sent(s, PQsendPrepare(s->conn, name, statement->sql.s, 0, NULL), err);
}

int pg_sync(struct pg_session *s, struct ff_err *err)
{
    return sent(s, PQpipelineSync(s->conn) && PQflush(s->conn) >= 0, err);
}

/* --- receiving --- */

/* Waits until the server has said something, or takes what we still have to say. */
static int wait_for_socket(struct pg_session *s, int64_t deadline_us, bool unsent,
                           struct ff_err *err)
{
    struct pollfd poll_fd = {.fd = PQsocket(s->conn),
                             .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
    const int64_t left_us = deadline_us - pg_mono_us();
    int n;

    if (left_us <= 0)
        return pg_lose(s, "it does not answer in time", err);
    n = poll(&poll_fd, 1, (int)(left_us / 1000) + 1);
    if (n < 0 && errno != EINTR)
        return pg_lose(s, "cannot be waited for", err);
    if (n > 0 && !PQconsumeInput(s->conn))
        return pg_lose(s, "cannot be heard", err);
    return FF_OK;
}

static int next_result(struct pg_session *s, PGresult **result, struct ff_err *err)
{
    const int64_t deadline_us = pg_mono_us() + s->answer_us;

    *result = NULL;
    while (true) {
        const int unsent = PQflush(s->conn);

        if (unsent < 0)
            return pg_lose(s, "cannot be sent to", err);
        if (!PQisBusy(s->conn))
            break;

        const int code = wait_for_socket(s, deadline_us, unsent > 0, err);

        if (code != FF_OK)
            return code;
    }
    *result = PQgetResult(s->conn);
    return FF_OK;
}

/* What it is, when it is no row: FF_OK for whatever was done. */
static int judge(struct pg_session *s, PGresult *result, struct ff_err *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
        return FF_OK;
    case PGRES_PIPELINE_ABORTED:
        return ff_fail(err, FF_CANCELLED, 0, "not done, as something before it failed");
    default:
        return pg_fail(s, result, "a statement", err);
    }
}

/* After the result of a statement, unless it is a sync, comes a NULL. */
static int end_of_statement(struct pg_session *s, struct ff_err *err)
{
    PGresult *nothing = NULL;
    const int code = next_result(s, &nothing, err);

    if (!nothing)
        return code;
    PQclear(nothing);
    return pg_lose(s, "it gave an answer too many", err);
}

int pg_receive_row(struct pg_session *s, PGresult **row, struct ff_err *err)
{
    int code = next_result(s, row, err);

    if (code != FF_OK)
        return code;
    if (!*row)
        return pg_lose(s, "it gave an answer too few", err);
    if (PQresultStatus(*row) == PGRES_SINGLE_TUPLE)
        return FF_OK;
    code = judge(s, *row, err);
    PQclear(*row);
    *row = NULL;
    if (!s->conn)
        return code;

    const int end = end_of_statement(s, code == FF_OK ? err : NULL);

    return code == FF_OK ? end : code;
}

int pg_receive(struct pg_session *s, PGresult **result, struct ff_err *err)
{
    int code = next_result(s, result, err);

    if (code != FF_OK)
        return code;
    if (!*result)
        return pg_lose(s, "it gave an answer too few", err);
    code = judge(s, *result, err);
    if (s->conn) {
        const int end = end_of_statement(s, code == FF_OK ? err : NULL);

        code = code == FF_OK ? end : code;
    }
    if (code != FF_OK) {
        PQclear(*result);
        *result = NULL;
    }
    return code;
}

int pg_receive_sync(struct pg_session *s, struct ff_err *err)
{
    struct ff_err other;
    int first = FF_OK;

    while (true) {
        PGresult *result = NULL;
        struct ff_err *to = first == FF_OK ? err : &other;
        int code = next_result(s, &result, to);

        if (code != FF_OK)
            return first == FF_OK ? code : first;
        if (!result)
            continue; /* the end of a statement */

        const bool sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;

        code = judge(s, result, to);
        PQclear(result);
        if (first == FF_OK)
            first = code;
        if (sync || !s->conn)
            return first;
    }
}

int pg_run(struct pg_session *s, const char *sql, const struct pg_params *params,
           PGresult **result, struct ff_err *err)
{
    PGresult *mine = NULL;
    struct ff_err other;
    int code = pg_send(s, sql, params, err);

    if (code == FF_OK)
        code = pg_sync(s, err);
    if (code != FF_OK)
        return code;
    code = pg_receive(s, &mine, err);
    if (s->conn) {
        const int end = pg_receive_sync(s, code == FF_OK ? err : &other);

        code = code == FF_OK ? end : code;
    }
    if (code == FF_OK && result)
        *result = mine;
    else
        PQclear(mine);
    return code;
}

int64_t pg_get_int64(const PGresult *result, int row, int column)
{
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, row, column);
    uint64_t value = 0;

    for (int i = 0; i < PQgetlength(result, row, column); i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}
