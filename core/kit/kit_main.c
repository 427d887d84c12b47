/* kit/kit_main.c - the command line of flowforge-driver-check. `flowforge driver check`
 * is the same by another name. */
#include "kit/kit_priv.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "flowforge-driver-check"

static const char usage[] =
    "usage: flowforge driver check FILE [-o KEY=VALUE]... [--only PATTERN]... "
    "[--list]\n"
    "       [--seed N] [--deadline SECONDS] [--json] [--keep] [--driver-dir DIR]\n"
    "       [--accept CREDENTIAL]... [--deny CREDENTIAL]... [--over FILE]\n";

/* --- reading it --- */

enum { ONLY = 256, OVER, ACCEPT, DENY, LIST, SEED, DEADLINE, JSON, KEEP, DRIVER_DIR };

static const struct option long_options[] = {
    {"option", required_argument, NULL, 'o'},
    {"only", required_argument, NULL, ONLY},
    {"over", required_argument, NULL, OVER},
    {"accept", required_argument, NULL, ACCEPT},
    {"deny", required_argument, NULL, DENY},
    {"list", no_argument, NULL, LIST},
    {"seed", required_argument, NULL, SEED},
    {"deadline", required_argument, NULL, DEADLINE},
    {"json", no_argument, NULL, JSON},
    {"keep", no_argument, NULL, KEEP},
    {"driver-dir", required_argument, NULL, DRIVER_DIR},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int read_number(const char *option, const char *text, uint64_t min, uint64_t max,
                       uint64_t *out, struct ff_err *err)
{
    char *end;

    errno = 0;

    const unsigned long long n = strtoull(text, &end, 10);

    if (errno || end == text || *end || text[0] == '-' || n < min || n > max)
        return ff_fail(err, FF_INVALID, 0,
                       "--%s is a number from %llu to %llu; not %.40s", option,
                       (unsigned long long)min, (unsigned long long)max, text);
    *out = n;
    return FF_OK;
}

/* A path means what it means here; the loader wants it absolute. A bare name is one of
 * the driver directory. */
static int resolve(const char *word, char path[PATH_MAX], const char **driver,
                   struct ff_err *err)
{
    *driver = word;
    if (!strchr(word, '/'))
        return FF_OK;
    if (!realpath(word, path))
        return ff_fail(err, FF_NOT_FOUND, errno, "no driver %.160s: %s", word,
                       strerror(errno));
    *driver = path;
    return FF_OK;
}

static int take(struct kit_settings *s, int option, struct ff_err *err)
{
    uint64_t n = 0;
    int code = FF_OK;

    switch (option) {
    case 'o':
        ARRAY_ADD(&s->options, optarg);
        break;
    case ONLY:
        ARRAY_ADD(&s->only, optarg);
        break;
    case OVER:
        return resolve(optarg, s->over_path, &s->over, err);
    case ACCEPT:
        ARRAY_ADD(&s->accept, optarg);
        break;
    case DENY:
        ARRAY_ADD(&s->deny, optarg);
        break;
    case SEED:
        return read_number("seed", optarg, 0, UINT64_MAX, &s->seed, err);
    case DEADLINE:
        code = read_number("deadline", optarg, 1, 86400, &n, err);
        s->deadline_s = (int64_t)n;
        return code;
    case DRIVER_DIR:
        mem_free(s->driver_dir);
        s->driver_dir = mem_text(optarg);
        break;
    case LIST:
        s->list = true;
        break;
    case JSON:
        s->json = true;
        break;
    case KEEP:
        s->keep = true;
        break;
    default:
        return ff_fail(err, FF_INVALID, 0, "%s", "unknown option");
    }
    return FF_OK;
}

static int read_arguments(struct kit_settings *s, int argc, char **argv,
                          struct ff_err *err)
{
    int code = FF_OK;
    int option;

    while (code == FF_OK &&
           (option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(KIT_PASSED);
        }
        if (option == '?') /* getopt has told already */
            return ff_fail(err, FF_INVALID, 0, "%s", "");
        code = take(s, option, err);
    }
    if (code == FF_OK && optind + 1 != argc)
        code = ff_fail(err, FF_INVALID, 0, "%s",
                       optind < argc ? "one driver at a time"
                                     : "which driver? a name or the path of a .so");
    return code == FF_OK ? resolve(argv[optind], s->driver_path, &s->driver, err)
                         : code;
}

static int fail(int code, const char *sentence)
{
    if (sentence[0])
        fprintf(stderr, PROGRAM ": %s\n", sentence);
    if (code == KIT_USAGE)
        fputs(usage, stderr);
    return code;
}

/* --- doing it --- */

static int check_all(const struct kit_settings *s, const struct kit_about *about,
                     const struct kit_list *list, struct ff_err *err)
{
    struct kit_runner runner;
    struct kit_score score;

    if (kit_runner_init(&runner, s, err) != FF_OK)
        return fail(KIT_REFUSED, err->msg);
    if (about->kind == FF_AUTH)
        kit_prepare_tokens(s);
    kit_report_begin(&score, s, about, list->n);
    for (size_t i = 0; i < list->n && !kit_signal; i++) {
        const char *unneeded = kit_unneeded(list->items[i].check, about);
        struct kit_result result = {.verdict = KIT_SKIPPED};

        if (unneeded)
            buf_add_text(&result.why, unneeded);
        else
            kit_run(&runner, &list->items[i], &result);
        if (!kit_signal)
            kit_report(&score, s, &list->items[i], &result);
        kit_result_done(&result);
    }
    if (kit_signal && !s->json)
        printf("Bail out! SIG%s\n", sigabbrev_np(kit_signal));
    kit_report_end(&score, s, about);
    if (s->keep)
        fprintf(stderr, PROGRAM ": the checks' directories are in %s\n", runner.base);
    kit_runner_done(&runner);
    if (kit_signal)
        return 128 + kit_signal;
    return score.n_failed > 0 ? KIT_FAILED : KIT_PASSED;
}

static int check_options(const struct kit_settings *s, struct ff_err *err)
{
    int code = FF_OK;

    for (size_t i = 0; i < s->options.n && code == FF_OK; i++)
        code = kit_check_option(s->options.items[i], err);
    return code;
}

static int run(const struct kit_settings *s)
{
    struct kit_about about = {0};
    struct kit_list list = {0};
    struct ff_err err = {0};
    int code = KIT_PASSED;

    if (check_options(s, &err) != FF_OK)
        return fail(KIT_REFUSED, err.msg);
    if (kit_probe(s, &about, &err) != FF_OK) {
        fail(KIT_REFUSED, err.msg);
        return about.loaded
                   ? fail(KIT_REFUSED, "here options are given by -o KEY=VALUE alone")
                   : KIT_REFUSED;
    }
    kit_list_make(&list, about.kind, &s->only);
    if (list.n == 0)
        code = fail(KIT_USAGE, "no check has such a name; --list prints them");
    else if (s->list)
        kit_report_list(s, &list);
    else
        code = check_all(s, &about, &list, &err);
    ARRAY_DONE(&list);
    return code;
}

int kit_main(int argc, char **argv)
{
    struct kit_settings s = {.deadline_s = KIT_DEADLINE_S,
                             .driver_dir = driver_default_dir()};
    struct ff_err err = {0};
    uint64_t seed[2];

    mem_init();
    rand_system(seed, sizeof(seed));
    map_seed(seed[0], seed[1]);
    rand_system(&s.seed, sizeof(s.seed));
    s.seed >>= 32; /* short enough to type */
    kit_catch_signals();
    log_setup(LOG_WARN, false);

    int code = read_arguments(&s, argc, argv, &err);

    if (code == FF_OK)
        code = run(&s);
    else
        code = fail(code == FF_NOT_FOUND ? KIT_REFUSED : KIT_USAGE, err.msg);
    ARRAY_DONE(&s.options);
    ARRAY_DONE(&s.only);
    ARRAY_DONE(&s.accept);
    ARRAY_DONE(&s.deny);
    mem_free(s.driver_dir);
    return code;
}
