#include "support.h"

#include <fcntl.h>
#include <flowforge/queue.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

poke_fn *on_publish;
int open_code;
const char *open_says;
bool open_gives = true;
const struct poke_config *seen_config;
const struct ff_host *seen_host;

static int poke_open(const struct ff_host *host, const void *config, void **queue,
                     struct ff_err *err)
{
    seen_host = host;
    seen_config = config;
    if (open_gives)
        *queue = (void *)(uintptr_t)host;
    if (open_code != FF_OK && open_says)
        ff_fail(err, open_code, 0, "%s", open_says);
    return open_code;
}

static void poke_close(void *queue)
{
    (void)queue;
}

static void poke_publish(void *queue, const struct ff_message *messages, size_t n,
                         struct ff_op *op)
{
    (void)messages;
    (void)n;
    on_publish(queue, op);
}

static void done(void *queue, struct ff_op *op)
{
    const struct ff_host *host = queue;

    host->complete(host->self, op, NULL);
}

static void poke_ack(void *queue, const char *const *receipts, size_t n,
                     struct ff_op *op)
{
    (void)receipts;
    (void)n;
    done(queue, op);
}

static void poke_nack(void *queue, const char *const *receipts, size_t n,
                      int64_t delay_us, struct ff_op *op)
{
    (void)delay_us;
    poke_ack(queue, receipts, n, op);
}

static int poke_subscribe(void *queue, const char *topic, uint32_t credit,
                          ff_deliver_fn *fn, void *arg, struct ff_err *err)
{
    (void)queue;
    (void)topic;
    (void)credit;
    (void)fn;
    (void)arg;
    (void)err;
    return FF_OK;
}

static void poke_unsubscribe(void *queue, const char *topic, struct ff_op *op)
{
    (void)topic;
    done(queue, op);
}

static const struct ff_queue_ops ops = {
    .open = poke_open,
    .close = poke_close,
    .publish = poke_publish,
    .ack = poke_ack,
    .nack = poke_nack,
    .subscribe = poke_subscribe,
    .unsubscribe = poke_unsubscribe,
};

static const struct ff_opt options[] = {
    {.name = "word",
     .type = FF_OPT_TEXT,
     .offset = offsetof(struct poke_config, word),
     .fallback = "none"},
    {.name = "limit",
     .type = FF_OPT_INT,
     .offset = offsetof(struct poke_config, limit),
     .fallback = "10",
     .min = 1,
     .max = 100},
    {.name = "retries",
     .type = FF_OPT_INT,
     .offset = offsetof(struct poke_config, retries)},
    {0},
};

const struct ff_driver poke_driver = {
    FF_DRIVER_HEAD(FF_QUEUE, FF_ON_LOOP, ops),
    .name = "poke",
    .version = "1",
    .opts = options,
    .config_size = sizeof(struct poke_config),
    .ops.queue = &ops,
};

void fixture_init(struct fixture *f)
{
    struct ff_err err = {0};
    struct driver *d = driver_from(&poke_driver, &err);

    assert_non_null(d);
    open_code = FF_OK;
    open_gives = true;
    f->loop = loop_new(&err);
    assert_non_null(f->loop);
    f->instance = driver_instance_new(d, f->loop, NULL, "poke", &err);
    assert_non_null(f->instance);
    assert_int_equal(driver_open_queue(f->instance, &f->queue, &err), FF_OK);
}

void fixture_done(struct fixture *f)
{
    driver_instance_free(f->instance);
    loop_free(f->loop);
}

void fixture_publish(struct fixture *f, driver_done_fn *fn, void *arg)
{
    const struct ff_message m = {.struct_size = sizeof(m), .topic = "t", .id = "1"};
    struct ff_op *op = driver_op(f->instance, fn, arg);

    driver_queue_ops(f->instance)->publish(f->queue, &m, 1, op);
}

int exit_code_of(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0};
        int null = open("/dev/null", O_WRONLY);

        setrlimit(RLIMIT_CORE, &none);
        dup2(null, STDERR_FILENO);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
