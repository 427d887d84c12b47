/* store-postgres/error.c - what the server's results mean to the core, in one table. */
#include "postgres.h"

#include <string.h>

struct meaning {
    const char *state; /* SQLSTATE, or the first characters of a class of them */
    int code;          /* enum ff_code */
    bool loses;        /* the connection is of no use any more */
    const char *sentence;
};

/* The first match counts. */
static const struct meaning meanings[] = {
    {"23505", FF_CONFLICT, false, "a unique index has this value already"},
    {"23", FF_INVALID, false, "a value breaks a rule of its column"},
    {"22", FF_INVALID, false, "a value that its column cannot hold"},
    {"54", FF_INVALID, false, "a value is too long"},
    {"40003", FF_UNAVAILABLE, true, "the server does not know whether it committed"},
    {"40", FF_BUSY, false, "another transaction was in the way"},
    {"55P03", FF_BUSY, false, "another transaction holds a lock"},
    {"57014", FF_UNAVAILABLE, false, "it took longer than statement_timeout"},
    {"57", FF_UNAVAILABLE, true, "the server ended the connection"},
    {"25006", FF_UNAVAILABLE, true, "the server takes no writes: it became a standby"},
    {"25P03", FF_UNAVAILABLE, true, "the server ended the connection"},
    {"25P04", FF_UNAVAILABLE, true, "the server ended the connection"},
    {"26", FF_UNAVAILABLE, true, "a prepared statement is gone: is there a pooler?"},
    {"42P05", FF_UNAVAILABLE, true, "a statement is there twice: is there a pooler?"},
    {"08", FF_UNAVAILABLE, true, "the connection failed"},
    {"53100", FF_FULL, false, "the server's disk is full"},
    {"53", FF_UNAVAILABLE, false, "the server lacks memory or connections"},
    {"58", FF_UNAVAILABLE, false, "the server had an input or output error"},
    {"28", FF_DENIED, false, "the server refuses the user"},
    {"42501", FF_DENIED, false, "the user lacks a right; see docs/postgres.md"},
    {"3D000", FF_INVALID, false, "there is no such database"},
    {"3F000", FF_CORRUPT, false, "the schema is gone"},
    {"42P01", FF_CORRUPT, false, "a table is gone"},
    {"42703", FF_CORRUPT, false, "a column is gone"},
    {"XX001", FF_CORRUPT, false, "the server found damaged data"},
    {"XX002", FF_CORRUPT, false, "the server found a damaged index"},
    {"0A", FF_UNSUPPORTED, false, "the server cannot do this"},
};

static const struct meaning *meaning_of(const char *state)
{
    static const struct meaning unknown = {"", FF_INTERNAL, false,
                                           "an unexpected error"};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strncmp(meanings[i].state, state, strlen(meanings[i].state)) == 0)
            return &meanings[i];
    return &unknown;
}

/* No trailing newline or full stop, as the contract wants sentences. */
void pg_first_line(const char *message, char *line, size_t size)
{
    size_t len = message ? strcspn(message, "\n") : 0;

    while (len > 0 && (message[len - 1] == '.' || message[len - 1] == ' '))
        len--;
    snprintf(line, size, "%.*s", (int)(len < size ? len : size - 1),
             message ? message : "");
}

/* Whoever has it tries again without a word, so it is said here. */
int pg_lose(struct pg_session *s, const char *why, struct ff_err *err)
{
    struct ff_err local;
    char said[160];

    pg_first_line(s->conn ? PQerrorMessage(s->conn) : "", said, sizeof(said));
    err = err ? err : &local;
    ff_fail(err, FF_UNAVAILABLE, 0, "PostgreSQL at %.60s: %.60s%s%s", s->config->host,
            why, said[0] ? ": " : "", said);
    ff_log(s->host, FF_WARN, "connection lost: %s", err->msg);
    pg_drop(s);
    return FF_UNAVAILABLE;
}

/* The server's sentence without its detail, which may hold what users have written. */
int pg_fail(struct pg_session *s, const PGresult *result, const char *doing,
            struct ff_err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    char said[120];

    if (!state)
        return pg_lose(s, "the connection is gone", err);

    const struct meaning *meaning = meaning_of(state);

    pg_first_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), said,
                  sizeof(said));
    ff_fail(err, meaning->code, 0, "PostgreSQL at %.40s: %.40s: %s (%s %s)",
            s->config->host, doing, meaning->sentence, state, said);
    if (meaning->loses) {
        ff_log(s->host, FF_WARN, "connection lost: PostgreSQL at %s: %s (%s)",
               s->config->host, meaning->sentence, state);
        pg_drop(s);
    }
    return meaning->code;
}
