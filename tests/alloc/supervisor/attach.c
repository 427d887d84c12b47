/* tests/alloc/supervisor/attach.c - makes the supervisor that is given a gate's file in
 * FF_GATE count and fail by it, from before main on. The first one only. */
#include "../gate.h"

#include <stdlib.h>

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("FF_GATE");

    if (path)
        gate_file_take(path);
}
