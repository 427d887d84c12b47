/* kit/kit.h - the conformance kit: judges a driver by the rules of its contract.
 *
 * A check is one rule, one sentence and one function. Each runs in a child process of
 * its own, through the loader that the engine uses, so that whatever the driver does -
 * crash, hang, leak - fails that one check and no other. Files named kit_KIND_*.c hold
 * tables of checks; kit_KIND.c lists the tables. Nothing here knows any driver. */
#ifndef KIT_KIT_H
#define KIT_KIT_H

#include "driver/driver.h"
#include <stdnoreturn.h>
#include <sys/types.h>

/* The program: its exit code. */
int kit_main(int argc, char **argv);

enum kit_exit { KIT_PASSED = 0, KIT_FAILED = 1, KIT_USAGE = 2, KIT_REFUSED = 78 };

/* --- checks --- */

struct kit;

struct kit_check {
    const char *name; /* "guards/insert-over-existing"; NULL ends a table */
    const char *what; /* the rule, one sentence */
    void (*run)(struct kit *k);
    const void *data;    /* for run: kit_data(k) */
    uint64_t caps;       /* skipped where the driver lacks one of them */
    uint32_t slot;       /* KIT_SLOT(...): skipped where it is NULL; 0: none */
    uint32_t deadline_s; /* at least; else that of the command line, 30 s */
};

/* Where a slot lies in its table of operations. open is the first one and always there,
 * so 0 can mean none. */
#define KIT_SLOT(ops, field) ((uint32_t)offsetof(struct ops, field))

/* The tables of each kind, end with NULL (kit_store.c and so on). */
extern const struct kit_check *const kit_store_checks[];
extern const struct kit_check *const kit_queue_checks[];
extern const struct kit_check *const kit_runtime_checks[];
extern const struct kit_check *const kit_auth_checks[];
extern const struct kit_check *const kit_blob_checks[];

/* --- verdicts: any thread, and any process that the check has started --- */

/* The first verdict counts and ends the process at once; a check that returns has
 * passed. `expected` and `got` may be NULL. */
noreturn void FF_PRINTF(6, 7)
    kit_fail_at(struct kit *k, const char *file, int line, const char *expected,
                const char *got, const char *fmt, ...);
/* The machine cannot do what the check needs. */
noreturn void FF_PRINTF(2, 3) kit_skip(struct kit *k, const char *fmt, ...);

/* kit_fail(k, "the scan gave %zu rows", n); */
#define kit_fail(k, ...) kit_fail_at((k), __FILE__, __LINE__, NULL, NULL, __VA_ARGS__)
#define kit_expect(k, holds, ...)                                                      \
    do {                                                                               \
        if (!(holds))                                                                  \
            kit_fail_at((k), __FILE__, __LINE__, #holds, "it does not hold",           \
                        __VA_ARGS__);                                                  \
    } while (0)

/* A code of enum ff_code, with what the driver said; the sentence says what was done:
 * kit_expect_code(k, code, FF_CONFLICT, &err, "an insert over an existing row"); */
#define kit_expect_code(k, got, expected, err, ...)                                    \
    kit_expect_code_at((k), __FILE__, __LINE__, (got), (expected), (err), __VA_ARGS__)
void FF_PRINTF(7, 8)
    kit_expect_code_at(struct kit *k, const char *file, int line, int got, int expected,
                       const struct ff_err *err, const char *fmt, ...);
/* kit_expect_int(k, version, 2, "the version after a patch"); */
#define kit_expect_int(k, got, expected, ...)                                          \
    kit_expect_int_at((k), __FILE__, __LINE__, (int64_t)(got), (int64_t)(expected),    \
                      __VA_ARGS__)
void FF_PRINTF(6, 7)
    kit_expect_int_at(struct kit *k, const char *file, int line, int64_t got,
                      int64_t expected, const char *fmt, ...);
/* kit_expect_text(k, text, "abc", "the text read back"); got may be NULL. */
#define kit_expect_text(k, got, expected, ...)                                         \
    kit_expect_text_at((k), __FILE__, __LINE__, (got), (expected), __VA_ARGS__)
void FF_PRINTF(6, 7)
    kit_expect_text_at(struct kit *k, const char *file, int line, const char *got,
                       const char *expected, const char *fmt, ...);

const char *kit_code_name(int code); /* "FF_CONFLICT" */

/* --- the driver under check --- */

/* The check's own instance of the driver, and the loop it lives on: made by the first
 * call, with the options of the command line. A bad option or a refused driver fails
 * the check. The loop runs only while the check runs it. */
struct driver_instance *kit_instance(struct kit *k);
struct loop *kit_loop(struct kit *k);
const struct driver_info *kit_info(struct kit *k);
/* A further instance, which the kit frees too. `changed` (NULL: none) overrides
 * options: "path=/nowhere", ends with NULL. Returns NULL with err. */
struct driver_instance *kit_instance_with(struct kit *k, const char *const *changed,
                                          struct ff_err *err);
/* Another driver of the driver directory, by its name, with no options set; NULL with
 * err. For oracles. */
struct driver_instance *kit_instance_of(struct kit *k, const char *name, uint32_t kind,
                                        struct ff_err *err);
/* Drops all instances and the loop; the next kit_instance makes new ones. Sessions are
 * closed before. */
void kit_drop(struct kit *k);

/* The value of a placeholder, for instances made from now on. {dir} and {unique} have
 * values from the beginning, {jwks}, {issuer}, {audience} and {secret} wait for their
 * check; {discovery} is false but in the checks that are about it. */
void kit_set(struct kit *k, const char *placeholder, const char *value);
/* From now on {dir} is a new empty directory and {unique} a new word: a second store.
 */
void kit_new_place(struct kit *k);
const char *kit_dir(const struct kit *k); /* what {dir} is now; absolute */
/* The options of the command line, as they were given. */
size_t kit_n_options(const struct kit *k);
const char *kit_option(const struct kit *k, size_t i);
bool kit_uses(const struct kit *k, const char *placeholder); /* by any option */

/* Seeded by --seed and the name of the check: the same in every run of that seed. */
struct rand *kit_rand(struct kit *k);
const void *kit_data(const struct kit *k); /* of the check */
/* Seconds that are left until the check is ended as hanging. */
int64_t kit_left_us(const struct kit *k);

/* Runs the loop until done(arg) or for so long; false: it did not come about. */
bool kit_loop_until(struct kit *k, bool (*done)(void *arg), void *arg, int64_t for_us);

/* --- processes of a check --- */

/* Each has its own instances of the driver, with the same options and places. Start
 * them before this process opens anything: nothing open may cross a fork. */
struct kit_child {
    pid_t pid;
    int from; /* numbers that the child tells */
    int to;   /* the child waits for a byte here */
};
typedef void kit_child_fn(struct kit *k, void *arg);

void kit_start(struct kit *k, struct kit_child *c, kit_child_fn *fn, void *arg);
void kit_let_go(struct kit_child *c);             /* the child's function begins now */
void kit_end(struct kit *k, struct kit_child *c); /* waits; it must have ended well */
void kit_kill(struct kit_child *c);               /* SIGKILL, and waits */
/* The same; the last number that it told is in *last, if it told another. */
void kit_kill_hearing(struct kit_child *c, int64_t *last);
bool kit_hear(struct kit_child *c, int64_t *number); /* false: the child is gone */
void kit_tell(struct kit *k, int64_t number);        /* in the child */

/* fn in a thread; kit_join waits for it. */
struct kit_thread;
struct kit_thread *kit_thread(struct kit *k, kit_child_fn *fn, void *arg);
void kit_join(struct kit_thread *t);

#endif
