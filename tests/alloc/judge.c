/* tests/alloc/judge.c - is what a failed allocation left right? The store is looked at
 * by SQL, not by the code that wrote it. */
#include "alloc.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_MEMORY 71

/* --- how it ended --- */

/* The exit codes of docs/cli.md that a lack of memory may lead to. Not 70: that is a
 * mistake in FlowForge; not those that blame the user. */
static bool is_allowed(const struct scenario *s, int code)
{
    static const int codes[] = {69, NO_MEMORY, 74};

    if (code == s->result)
        return true;
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (code == codes[i])
            return true;
    return false;
}

/* It had no memory of its own, for a thread that begins. */
static bool is_its_own(const char *report)
{
    return strstr(report, "CHECK failed: sanitizer_") != NULL;
}

const char *judge_end(const struct scenario *s, const struct ended *e)
{
    static char why[64];

    if (e->signal == SIGALRM)
        return "it hung";
    if (e->code < 0) {
        snprintf(why, sizeof(why), "it was killed by signal %d", e->signal);
        return why;
    }
    if (strstr(buf_text(&e->err), "LeakSanitizer"))
        return "it leaked";
    if (is_its_own(buf_text(&e->err)))
        return NULL;
    if (strstr(buf_text(&e->err), "Sanitizer") ||
        strstr(buf_text(&e->err), "runtime error:"))
        return "a sanitizer stopped it";
    /* The dynamic linker's own sentence, which does not always name its reason. */
    if (e->code > 1 && strstr(buf_text(&e->err), ".so cannot be loaded"))
        return NULL;
    if (s->direct && !is_allowed(s, e->code))
        return "it did not do what it should without memory";
    if (!is_allowed(s, e->code)) {
        snprintf(why, sizeof(why), "it ended with code %d", e->code);
        return why;
    }
    if (!child_loud && e->code != s->result && e->err.len == 0)
        return "it failed without a word";
    return NULL;
}

/* What its sanitizer has written, by the option log_path. */
const char *judge_supervisor(const char *dir)
{
    DIR *names = opendir(dir);
    bool found = false;

    for (const struct dirent *e; names && (e = readdir(names));) {
        MEM_AUTO char *path = file_join(dir, e->d_name);
        struct buf b = {0};

        if (strncmp(e->d_name, "asan.", 5) == 0 && !file_read(path, 1 << 20, &b))
            found = found || !is_its_own(buf_text(&b));
        if (found && child_loud)
            fputs(buf_text(&b), stderr);
        buf_done(&b);
    }
    if (names)
        closedir(names);
    return found ? "a sanitizer stopped the supervisor" : NULL;
}

/* --- the store --- */

static const struct {
    const char *count; /* must be 0 */
    const char *why;
} rules[] = {
    {"SELECT count(*) FROM run r LEFT JOIN workflow w ON w.tenant = r.tenant AND "
     "w.hash = r.hash WHERE w.hash IS NULL",
     "a run without its workflow"},
    {"SELECT count(*) FROM run r LEFT JOIN open_run o ON o.tenant = r.tenant AND "
     "o.run = r.run WHERE (r.state IN ('pending', 'running', 'cancelling')) <> (o.run "
     "IS NOT NULL)",
     "open_run does not tell which runs are open"},
    {"SELECT count(*) FROM open_run o LEFT JOIN run r ON r.tenant = o.tenant AND "
     "r.run = o.run WHERE r.run IS NULL",
     "an open run that does not exist"},
    {"SELECT count(*) FROM run r WHERE (SELECT count(*) FROM event e WHERE e.tenant = "
     "r.tenant AND e.run = r.run) <> coalesce((SELECT max(seq) FROM event e WHERE "
     "e.tenant = r.tenant AND e.run = r.run), -1)",
     "a history with gaps, or none"},
    {"SELECT count(*) FROM task t LEFT JOIN run r ON r.tenant = t.tenant AND r.run = "
     "t.run WHERE r.run IS NULL",
     "a task without its run"},
    {"SELECT count(*) FROM run r JOIN task t ON t.tenant = r.tenant AND t.run = r.run "
     "WHERE r.state IN ('succeeded', 'failed', 'cancelled') AND t.state IN ('queued', "
     "'running', 'retrying', 'suspended')",
     "a run that has ended with a task that has not"},
    {"SELECT count(*) FROM slot s LEFT JOIN task t ON t.tenant = s.tenant AND t.run = "
     "s.run AND t.node = s.node AND t.attempt = s.attempt AND t.state = 'running' "
     "WHERE "
     "t.run IS NULL",
     "a place of a limit is held by what does not run"},
    {"SELECT count(*) FROM artifact a LEFT JOIN run r ON r.tenant = a.tenant AND r.run "
     "= a.run WHERE r.run IS NULL",
     "an artifact without its run"},
    {"SELECT count(*) FROM child_run c LEFT JOIN run r ON r.tenant = c.tenant AND "
     "r.run = c.run WHERE r.run IS NULL",
     "a run inside another one that does not exist"},
};

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t n = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        n = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return n;
}

static const char *judge_rows(sqlite3 *db)
{
    const char *ok = "SELECT count(*) FROM pragma_integrity_check WHERE "
                     "integrity_check <> 'ok'";

    if (number_of(db, ok) != 0)
        return "the store is damaged";
    /* A store that died before its tables were there has none, or all. */
    if (number_of(db, "SELECT count(*) FROM sqlite_schema") == 0)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (number_of(db, rules[i].count) != 0)
            return rules[i].why;
    return NULL;
}

const char *judge_store(const char *dir)
{
    MEM_AUTO char *path = file_join(dir, "data/flowforge.db");
    sqlite3 *db = NULL;
    const char *why = NULL;

    if (access(path, F_OK) != 0)
        return NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        why = "the store cannot be opened";
    else
        why = judge_rows(db);
    sqlite3_close(db);
    return why;
}

/* --- going on --- */

/* Of a run with processes only how it ended: an attempt that was being started when its
 * engine died may be lost, and come again. */
static char *final_state(const char *text)
{
    struct ff_err err;
    json_t *run = json_parse(text, strlen(text), &err);
    json_t *kept = json_object();

    json_object_set(kept, "state", json_object_get(run, "state"));
    json_object_set(kept, "outputs", json_object_get(run, "outputs"));
    char *out = json_text(kept);

    json_decref(kept);
    json_decref(run);
    return out;
}

static int look(const struct scenario *s, const char *dir, char **out)
{
    static const char *const history[] = {"history", "last", "--canonical", NULL};
    static const char *const get[] = {"get", "last", "-o", "json", NULL};
    struct ended e;

    child_run(dir, s->processes ? get : history, 0, false, &e);
    *out = s->processes ? final_state(buf_text(&e.out)) : mem_text(buf_text(&e.out));
    const int code = e.code;

    ended_done(&e);
    return code;
}

char *judge_look(const struct scenario *s, const char *dir)
{
    char *out = NULL;

    if (look(s, dir, &out) == 0)
        return out;
    mem_free(out);
    return NULL;
}

static const char *judge_run(const struct scenario *s, const char *dir,
                             const struct ended *e, const char *expected,
                             const char *unasked)
{
    char *out = NULL;
    const int code = look(s, dir, &out);
    const char *why = NULL;

    if (code == 4 && e->code == s->result)
        why = "it said that it has made a run, and there is none";
    else if (code != 0 && code != 4)
        why = "the run cannot be looked at";
    else if (code == 0 && strcmp(out, expected) != 0 &&
             (!unasked || e->code == s->result || strcmp(out, unasked) != 0))
        why = "the run went another way than without the fault";
    mem_free(out);
    return why;
}

const char *judge_recovery(const struct scenario *s, const char *dir,
                           const struct ended *e, const char *expected,
                           const char *unasked)
{
    static const char *const resume[] = {"resume", NULL};
    struct ended again;

    child_run(dir, resume, 0, false, &again);
    const int code = again.code;

    if (child_loud)
        fputs(buf_text(&again.err), stderr);
    ended_done(&again);
    if (code != 0 && code != s->run_result)
        return "what it left could not be gone on with";
    return judge_run(s, dir, e, expected, unasked);
}
