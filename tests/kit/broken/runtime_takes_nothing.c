/* breaks: runtime/take/file
 * over: runtime-local
 *
 * take makes the file and leaves it empty. */
#include "broken_runtime.h"

static int take(void *runtime, const char *attempt_id, const char *name, const char *to,
                struct ff_err *err)
{
    const int code = good->take(runtime, attempt_id, name, to, err);
    FILE *file = code == FF_OK ? fopen(to, "w") : NULL;

    if (file)
        fclose(file);
    return code;
}

static void break_it(struct ff_driver *d, struct ff_runtime_ops *ops)
{
    (void)d;
    ops->take = take;
}
