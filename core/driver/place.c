/* driver/place.c - finds the file of a driver and makes sure that nobody else could
 * have put it there. Loading code is trusting it. */
#include "driver/driver_priv.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *driver_shown(const char *path, char out[DRIVER_PATH_TEXT])
{
    size_t len = strlen(path);

    if (len < DRIVER_PATH_TEXT)
        snprintf(out, DRIVER_PATH_TEXT, "%s", path);
    else
        snprintf(out, DRIVER_PATH_TEXT, "...%s", path + len - (DRIVER_PATH_TEXT - 4));
    return out;
}

static int FF_PRINTF(3, 4)
    refuse(struct ff_err *err, const char *path, const char *fmt, ...)
{
    char sentence[128];
    char shown[DRIVER_PATH_TEXT];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    return ff_fail(err, FF_INVALID, 0, "%s %s", driver_shown(path, shown), sentence);
}

/* Many systems give each user a group of the same name and let it write; such a group
 * is nobody else. root shares no such thing. */
static bool group_is_private(uid_t uid, gid_t gid)
{
    const struct passwd *user = uid ? getpwuid(uid) : NULL;
    const struct group *group = user && user->pw_gid == gid ? getgrgid(gid) : NULL;

    if (!group || strcmp(group->gr_name, user->pw_name) != 0)
        return false;
    for (char *const *member = group->gr_mem; *member; member++)
        if (strcmp(*member, user->pw_name) != 0)
            return false;
    return true;
}

static int check_owner(const char *path, const struct stat *st, struct ff_err *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return refuse(err, path,
                      "belongs to user %u, neither root nor whoever runs this",
                      (unsigned)st->st_uid);
    if ((st->st_mode & S_IWOTH) ||
        ((st->st_mode & S_IWGRP) && !group_is_private(st->st_uid, st->st_gid)))
        return refuse(err, path, "can be written by others: chmod go-w it");
    return FF_OK;
}

static int check_file(const char *path, struct ff_err *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return refuse(err, path, "cannot be looked at: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(err, path, "is not a regular file");
    return check_owner(path, &st, err);
}

/* Who can write the directory can put another file in the place of ours. */
static int check_dir_of(const char *path, struct ff_err *err)
{
    const char *slash = strrchr(path, '/');
    MEM_AUTO char *dir = mem_text_len(path, slash == path ? 1 : (size_t)(slash - path));
    struct stat st;

    if (stat(dir, &st) != 0)
        return refuse(err, dir, "cannot be looked at: %s", strerror(errno));
    return check_owner(dir, &st, err);
}

static int is_module(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 3 && strcmp(entry->d_name + len - 3, ".so") == 0;
}

/* "; did you mean store-sqlite?" or nothing. */
static void suggest(const char *dir, const char *name, char *out, size_t size)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_module, alphasort);
    const char **names = mem_array((n > 0 ? (size_t)n : 0) + 1, sizeof(*names));
    const char *nearest;

    for (int i = 0; i < n; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 3] = '\0';
        names[i] = entries[i]->d_name;
    }
    nearest = text_nearest(name, names);
    snprintf(out, size, "%s%s%s", nearest ? "; did you mean " : "",
             nearest ? nearest : "", nearest ? "?" : "");
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    mem_free(names);
}

static int refuse_missing(const char *dir, const char *name, const char *path,
                          struct ff_err *err)
{
    char shown[DRIVER_PATH_TEXT];
    char hint[96];

    if (name[0] == '/')
        return ff_fail(err, FF_NOT_FOUND, ENOENT, "there is no file %s",
                       driver_shown(path, shown));
    suggest(dir, name, hint, sizeof(hint));
    return ff_fail(err, FF_NOT_FOUND, ENOENT, "there is no driver %.48s in %.96s%s",
                   name, driver_shown(dir, shown), hint);
}

/* NAME.so in dir, or the absolute path that name is. */
static char *candidate(const char *dir, const char *name, struct ff_err *err)
{
    struct buf file = {0};
    char shown[DRIVER_PATH_TEXT];

    if (name[0] == '/')
        return mem_text(name);
    if (!*name || strchr(name, '/')) {
        ff_fail(err, FF_INVALID, 0,
                "a driver is named like store-sqlite or by an absolute path, not '%s'",
                driver_shown(name, shown));
        return NULL;
    }
    if (!dir || dir[0] != '/') {
        ff_fail(err, FF_INVALID, 0, "the driver directory '%s' is not an absolute path",
                dir ? driver_shown(dir, shown) : "");
        return NULL;
    }
    buf_printf(&file, "%s/%s.so", dir, name);
    return buf_take(&file);
}

char *driver_find(const char *dir, const char *name, struct ff_err *err)
{
    MEM_AUTO char *path = candidate(dir, name, err);
    char *real;
    char *found;

    if (!path)
        return NULL;
    real = file_real(path);
    if (!real) {
        if (errno == ENOENT || errno == ENOTDIR)
            refuse_missing(dir, name, path, err);
        else
            refuse(err, path, "cannot be looked at: %s", strerror(errno));
        return NULL;
    }
    found = mem_text(real);
    mem_free(real);
    if (check_file(found, err) != FF_OK || check_dir_of(found, err) != FF_OK) {
        mem_free(found);
        return NULL;
    }
    return found;
}
