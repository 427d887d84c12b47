/* driver/load.c - loads drivers, once each. A library once loaded stays loaded, a
 * refused one too: its code may already be in use by a thread that it started. */
#include "driver/driver_priv.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was loaded by this process, by path. Loop thread, like everything here. */
static struct map loaded;

static void driver_free(struct driver *d)
{
    mem_free(d->path);
    mem_free(d);
}

/* Checks and keeps it; takes over path. */
static struct driver *keep(char *path, const struct ff_driver *theirs,
                           const char *subject, uint32_t kind, struct ff_err *err)
{
    struct driver *d = mem_alloc(sizeof(*d));

    d->path = path;
    d->info.path = path;
    if (driver_check(d, theirs, subject, kind, err) != FF_OK) {
        driver_free(d);
        return NULL;
    }
    map_set_text(&loaded, path, d);
    return d;
}

/* A driver that is there already may still be of the wrong kind. */
static struct driver *again(struct driver *d, const char *subject, uint32_t kind,
                            struct ff_err *err)
{
    if (kind == 0 || d->info.kind == kind)
        return d;
    ff_fail(err, FF_INVALID, 0,
            "%s: it is a driver of kind %s, but one of kind %s is needed", subject,
            driver_kind(d->info.kind)->name,
            driver_kind(kind) ? driver_kind(kind)->name : "unknown");
    return NULL;
}

static const struct ff_driver *enter(const char *path, const char *subject,
                                     struct ff_err *err)
{
    ff_driver_entry_fn *entry;
    const struct ff_driver *theirs;

    errno = 0;
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!so && errno == ENOMEM)
        mem_exhausted(); /* it would look like a broken file */
    if (!so) {
        const char *why = dlerror();

        /* The reason begins with the path, which the sentence has already. */
        if (strncmp(why, path, strlen(path)) == 0 && why[strlen(path)] == ':')
            why += strlen(path) + 1;
        ff_fail(err, FF_INVALID, 0, "%s cannot be loaded:%s%s", subject,
                why[0] == ' ' ? "" : " ", why);
        return NULL;
    }
    *(void **)&entry = dlsym(so, FF_DRIVER_ENTRY);
    if (!entry) {
        ff_fail(err, FF_INVALID, 0, "%s is no FlowForge driver: it does not export %s",
                subject, FF_DRIVER_ENTRY);
        return NULL;
    }
    theirs = entry();
    if (!theirs)
        ff_fail(err, FF_INVALID, 0, "%s: its %s returns nothing", subject,
                FF_DRIVER_ENTRY);
    return theirs;
}

struct driver *driver_load(const char *dir, const char *name, uint32_t kind,
                           struct ff_err *err)
{
    char *path = driver_find(dir, name, err);
    const struct ff_driver *theirs;
    struct driver *d;
    char subject[DRIVER_PATH_TEXT];

    if (!path)
        return NULL;
    driver_shown(path, subject);
    d = map_get_text(&loaded, path);
    if (d) {
        mem_free(path);
        return again(d, subject, kind, err);
    }
    theirs = NULL;
    if (driver_check_whole(path, subject, err) == FF_OK)
        theirs = enter(path, subject, err);
    if (!theirs) {
        mem_free(path);
        return NULL;
    }
    return keep(path, theirs, subject, kind, err);
}

struct driver *driver_from(const struct ff_driver *theirs, struct ff_err *err)
{
    struct buf path = {0};
    char subject[DRIVER_PATH_TEXT];
    struct driver *d;

    if (!theirs) {
        ff_fail(err, FF_INVALID, 0, "the linked-in driver is NULL");
        return NULL;
    }
    buf_printf(&path, "(linked in at %p)", (const void *)theirs);
    driver_shown(buf_text(&path), subject);
    d = map_get_text(&loaded, buf_text(&path));
    if (!d)
        return keep(buf_take(&path), theirs, "the linked-in driver", 0, err);
    buf_done(&path);
    return d;
}

const struct driver_info *driver_info(const struct driver *d)
{
    return &d->info;
}

char *driver_default_dir(void)
{
    const char *env = getenv("FLOWFORGE_DRIVER_DIR");
    MEM_AUTO char *program = NULL;
    MEM_AUTO char *beside = NULL;
    char *real;
    char *dir;

    if (env && *env)
        return mem_text(env);
    program = file_dir_of_program();
    beside = file_join(program ? program : "", "../lib/flowforge");
    real = file_real(beside);
    if (!real)
        return mem_text(beside);
    dir = mem_text(real);
    mem_free(real);
    return dir;
}

static int is_module(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static void list_one(const char *dir, const char *file, driver_list_fn *fn, void *arg)
{
    MEM_AUTO char *path = file_join(dir, file);
    struct ff_err err = {0};
    struct driver *d = driver_load(dir, path, 0, &err);

    fn(arg, path, d, &err);
}

int driver_list(const char *dir, driver_list_fn *fn, void *arg, struct ff_err *err)
{
    struct dirent **entries = NULL;
    char shown[DRIVER_PATH_TEXT];
    int n;

    driver_shown(dir, shown);
    if (dir[0] != '/')
        return ff_fail(err, FF_INVALID, 0,
                       "the driver directory '%s' is not an absolute path", shown);
    n = scandir(dir, &entries, is_module, alphasort);
    if (n < 0 && errno == ENOMEM)
        mem_exhausted();
    if (n < 0)
        return ff_fail(err, errno == ENOENT ? FF_NOT_FOUND : FF_INVALID, errno,
                       "cannot list the drivers in %s: %s", shown, strerror(errno));
    for (int i = 0; i < n; i++) {
        list_one(dir, entries[i]->d_name, fn, arg);
        free(entries[i]);
    }
    free(entries);
    return FF_OK;
}
