/* kit/kit_probe.c - what a driver says of itself, asked in a child: loading it is
 * running it, and the kit wants to live. */
#include "kit/kit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
    int32_t code;
    struct ff_err err;
    struct kit_about about;
};

static uint64_t slots_of(const struct driver_instance *i,
                         const struct driver_info *info)
{
    const void *const ops[] = {
        [FF_STORE] = driver_store_ops(i),     [FF_QUEUE] = driver_queue_ops(i),
        [FF_RUNTIME] = driver_runtime_ops(i), [FF_AUTH] = driver_auth_ops(i),
        [FF_BLOB] = driver_blob_ops(i),
    };
    static const size_t sizes[] = {
        [FF_STORE] = sizeof(struct ff_store_ops),
        [FF_QUEUE] = sizeof(struct ff_queue_ops),
        [FF_RUNTIME] = sizeof(struct ff_runtime_ops),
        [FF_AUTH] = sizeof(struct ff_auth_ops),
        [FF_BLOB] = sizeof(struct ff_blob_ops),
    };
    const unsigned char *bytes = ops[info->kind];
    const void *const null = NULL;
    uint64_t slots = 0;

    for (size_t at = 0; at < sizes[info->kind]; at += sizeof(void *))
        if (memcmp(bytes + at, &null, sizeof(null)) != 0)
            slots |= UINT64_C(1) << at / sizeof(void *);
    return slots;
}

static void describe(const struct driver_instance *i, struct kit_about *about)
{
    const struct driver_info *info = driver_instance_info(i);

    about->kind = info->kind;
    about->caps = info->d.caps;
    about->slots = slots_of(i, info);
    snprintf(about->name, sizeof(about->name), "%s-%s", driver_kind_name(info->kind),
             info->d.name);
    snprintf(about->version, sizeof(about->version), "%s",
             info->d.version ? info->d.version : "");
    snprintf(about->summary, sizeof(about->summary), "%s",
             info->d.summary ? info->d.summary : "");
}

static bool can_be_judged(const struct kit_settings *settings, struct ff_err *err)
{
    const struct driver *d = kit_load(settings, err);

    if (!d)
        return false;
    if (!(driver_info(d)->d.flags & FF_FILTER) || settings->over)
        return true;
    ff_fail(err, FF_INVALID, 0,
            "%.100s is a filter and judged in front of another %s: say by --over which",
            settings->driver, driver_kind_name(driver_info(d)->kind));
    return false;
}

/* An instance with the options as they are, placeholders unfilled: nothing is opened,
 * but a key that does not exist is found. */
static void ask(const struct kit_settings *settings, struct answer *answer)
{
    struct kit k;
    struct driver_instance *i = NULL;

    kit_init(&k, settings, NULL, "/");
    if (can_be_judged(settings, &answer->err)) {
        answer->about.loaded = true;
        i = kit_instance_with(&k, NULL, &answer->err);
    }
    if (i)
        describe(i, &answer->about);
    else
        answer->code = answer->err.code;
    kit_done(&k);
}

noreturn static void be_child(const struct kit_settings *settings, int fd)
{
    struct answer answer = {0};

    ask(settings, &answer);

    const ssize_t n = write(fd, &answer, sizeof(answer));

    _exit(n == (ssize_t)sizeof(answer) ? 0 : 1);
}

int kit_probe(const struct kit_settings *settings, struct kit_about *about,
              struct ff_err *err)
{
    struct answer answer = {0};
    struct buf why = {0};
    int fds[2];
    int status = 0;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return ff_fail(err, FF_INTERNAL, errno, "no pipe: %s", strerror(errno));

    const pid_t pid = fork();

    if (pid < 0)
        return ff_fail(err, FF_INTERNAL, errno, "no process: %s", strerror(errno));
    if (pid == 0)
        be_child(settings, fds[1]);
    close(fds[1]);

    const ssize_t n = read(fds[0], &answer, sizeof(answer));

    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof(answer)) {
        kit_why_ended(status, &why);
        ff_fail(err, FF_INVALID, 0,
                "%.100s cannot be loaded: the process that did %.80s", settings->driver,
                buf_text(&why));
        buf_done(&why);
        return FF_INVALID;
    }
    *about = answer.about;
    if (answer.code != FF_OK)
        *err = answer.err;
    return answer.code;
}
