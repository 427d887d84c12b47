/* driver-show PATH: loads a driver and prints what it says about itself. */
#include "driver/driver.h"

#include <stdio.h>

static const char *const kinds[] = {"?", "store", "queue", "runtime", "auth", "blob"};

int main(int argc, char **argv)
{
    const struct driver_info *info;
    struct ff_err err;
    struct driver *d;

    if (argc != 2)
        return 2;
    d = driver_load(NULL, argv[1], 0, &err);
    if (!d) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    info = driver_info(d);
    printf("%s %s %s\n", kinds[info->kind], info->d.name, info->d.version);
    for (const struct ff_opt *o = info->d.opts; o && o->name; o++)
        printf("  %s=%s\n", o->name, o->fallback ? o->fallback : "");
    return 0;
}
