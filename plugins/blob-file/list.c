/* blob-file/list.c - which blobs there are, folder by folder, each in order. Memory is
 * that of one folder. */
#include "blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listing {
    const struct file_blobs *b;
    const struct ff_blob_id *after; /* or NULL */
    uint32_t left;
    ff_blob_info_fn *fn;
    void *arg;
    bool stopped;
    struct ff_err *err;
};

/* --- one folder, sorted --- */

struct names {
    char **items;
    size_t n, cap;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i]);
    free(names->items);
}

static bool add_name(struct names *names, const char *name)
{
    if (names->n == names->cap) {
        const size_t cap = names->cap ? 2 * names->cap : 64;
        char **items = realloc(names->items, cap * sizeof(*items));

        if (!items)
            return false;
        names->items = items;
        names->cap = cap;
    }
    names->items[names->n] = strdup(name);
    if (!names->items[names->n])
        return false;
    names->n++;
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_fan(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* The names in `path` that `fits`; a folder that is not there has none. */
static int read_names(const struct listing *l, const char *path,
                      bool (*fits)(const char *name), struct names *names)
{
    const int fd = openat(l->b->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool enough = true;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return FF_OK;
    if (fd < 0)
        return file_fail(l->b, errno, path, "opening it", l->err);
    for (const struct dirent *e; dir && enough && (e = readdir(dir));)
        if (fits(e->d_name))
            enough = add_name(names, e->d_name);
    if (dir)
        closedir(dir);
    else
        close(fd);
    if (!dir || !enough)
        return ff_fail(l->err, FF_NO_MEMORY, 0, "out of memory for a list of blobs");
    if (names->n > 0)
        qsort(names->items, names->n, sizeof(*names->items), compare);
    return FF_OK;
}

/* --- blobs --- */

static bool is_done(const struct listing *l)
{
    return l->stopped || l->left == 0;
}

static void give(struct listing *l, const char *space, const char *folder,
                 const char *hash)
{
    struct ff_blob_info info = {.struct_size = sizeof(info),
                                .id = {.space = space, .hash = hash}};
    struct file_place place;
    struct stat st;

    if (strncmp(folder, hash, 2) != 0 || file_find(&info.id, &place, NULL) != FF_OK)
        return;
    if (fstatat(l->b->root, place.path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return; /* gone meanwhile, or none of ours */
    info.size_bytes = (uint64_t)st.st_size;
    info.put_us = file_time_us(&st);
    l->left--;
    l->stopped = l->fn(l->arg, &info) != 0;
}

/* `from`: only hashes behind it, or NULL. */
static int list_folder(struct listing *l, const char *space, const char *folder,
                       const char *from)
{
    char path[FF_BLOB_SPACE_MAX + 4];
    struct names names = {0};

    snprintf(path, sizeof(path), "%.63s/%.2s", space, folder);

    const int code = read_names(l, path, file_is_hash, &names);

    for (size_t i = 0; code == FF_OK && i < names.n && !is_done(l); i++)
        if (!from || strcmp(names.items[i], from) > 0)
            give(l, space, folder, names.items[i]);
    names_done(&names);
    return code;
}

static int list_space(struct listing *l, const char *space)
{
    const bool cut = l->after && strcmp(space, l->after->space) == 0;
    const char *from = cut ? l->after->hash : NULL;
    struct names folders = {0};
    int code = read_names(l, space, is_fan, &folders);

    for (size_t i = 0; code == FF_OK && i < folders.n && !is_done(l); i++)
        if (!from || strncmp(folders.items[i], from, 2) >= 0)
            code = list_folder(l, space, folders.items[i], from);
    names_done(&folders);
    return code;
}

static int list_spaces(struct listing *l)
{
    struct names spaces = {0};
    int code = read_names(l, ".", file_is_space, &spaces);

    for (size_t i = 0; code == FF_OK && i < spaces.n && !is_done(l); i++)
        if (!l->after || strcmp(spaces.items[i], l->after->space) >= 0)
            code = list_space(l, spaces.items[i]);
    names_done(&spaces);
    return code;
}

int file_list(void *blob, const char *space, const struct ff_blob_id *after,
              uint32_t limit, ff_blob_info_fn *fn, void *arg, struct ff_err *err)
{
    struct listing l = {.b = blob,
                        .after = after,
                        .left = limit ? limit : UINT32_MAX,
                        .fn = fn,
                        .arg = arg,
                        .err = err};
    struct file_place place;

    if (after && file_find(after, &place, err) != FF_OK)
        return FF_INVALID;
    if (!space)
        return list_spaces(&l);
    if (!file_is_space(space))
        return ff_fail(err, FF_INVALID, 0,
                       "the space of a blob is not 1 to %d of a-z, 0-9 and '_'",
                       FF_BLOB_SPACE_MAX);
    if (after && strcmp(space, after->space) < 0)
        return FF_OK;
    if (after && strcmp(space, after->space) > 0)
        l.after = NULL;
    return list_space(&l, space);
}
