/* driver/check.c - judges what a driver says about itself.
 *
 * Magic before sizes, sizes before fields, NULL before calls. What is newer than we
 * are is left out; what is older is filled with zeroes. */
#include "driver/driver_priv.h"

#include <ctype.h>
#include <string.h>

/* The descriptor as of ABI 1.0: it never gets smaller. */
#define DRIVER_SIZE_1_0 (offsetof(struct ff_driver, ops) + sizeof(void *))

/* Larger than any descriptor or table will grow: a size beyond it is garbage. */
#define ABSURD_SIZE   4096
#define ABSURD_CONFIG ((size_t)1024 * 1024)

struct judged {
    struct driver *d;
    const char *subject;
    struct ff_err *err;
};

static int FF_PRINTF(3, 4)
    refuse(const struct judged *j, int code, const char *fmt, ...)
{
    char sentence[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    return ff_fail(j->err, code, 0, "%s: %s", j->subject, sentence);
}

static void copy_known(void *to, size_t to_size, const void *from, size_t from_size)
{
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
}

static int check_head(const struct judged *j, const struct ff_driver *theirs)
{
    if (theirs->magic != FF_DRIVER_MAGIC)
        return refuse(j, FF_INVALID,
                      "its magic number is 0x%08x, so it is no FlowForge driver",
                      theirs->magic);
    if (theirs->abi_major != FF_ABI_MAJOR)
        return refuse(j, FF_UNSUPPORTED,
                      "it was compiled for ABI %u, this FlowForge speaks ABI %d",
                      theirs->abi_major, FF_ABI_MAJOR);
    if (theirs->struct_size < DRIVER_SIZE_1_0)
        return refuse(j, FF_INVALID,
                      "its descriptor has %u bytes, fewer than the %zu of ABI 1.0",
                      theirs->struct_size, DRIVER_SIZE_1_0);
    if (theirs->struct_size > ABSURD_SIZE)
        return refuse(j, FF_INVALID, "its descriptor claims to have %u bytes",
                      theirs->struct_size);
    return FF_OK;
}

static bool is_name(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len <= 63 && islower((unsigned char)text[0]) &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int check_words(const struct judged *j)
{
    const struct ff_driver *d = &j->d->info.d;

    if (!d->name)
        return refuse(j, FF_INVALID, "it has no name");
    if (!is_name(d->name))
        return refuse(j, FF_INVALID,
                      "its name is '%.40s', not small letters, digits and '-'",
                      d->name);
    if (!d->version || !*d->version)
        return refuse(j, FF_INVALID, "it does not say its version");
    return FF_OK;
}

static int check_flags(const struct judged *j)
{
    const struct ff_driver *d = &j->d->info.d;

    if (d->flags & ~(uint32_t)FF_FILTER)
        return refuse(j, FF_UNSUPPORTED, "its flags are 0x%x, unknown here in part",
                      d->flags);
    if (d->adds && !(d->flags & FF_FILTER))
        return refuse(j, FF_INVALID, "it adds capabilities but is no filter");
    return FF_OK;
}

static int check_kind(const struct judged *j, uint32_t wanted)
{
    const struct ff_driver *d = &j->d->info.d;
    const struct driver_kind *is = driver_kind(d->kind);
    const struct driver_kind *should = driver_kind(wanted);

    if (!is)
        return refuse(j, FF_UNSUPPORTED, "it is of kind %u, which is unknown here",
                      d->kind);
    if (should && is != should)
        return refuse(j, FF_INVALID,
                      "it is a driver of kind %s, but one of kind %s is needed",
                      is->name, should->name);
    if (d->threads > FF_ON_LOOP)
        return refuse(j, FF_UNSUPPORTED,
                      "its threading model is %u, which is unknown here", d->threads);
    if (!(is->threads & 1U << d->threads))
        return refuse(j, FF_INVALID, "as a driver of kind %s it must be %s", is->name,
                      is->threads_text);
    return FF_OK;
}

static bool slot_is_empty(const void *ops, const struct driver_slot *slot)
{
    void (*fn)(void);

    memcpy(&fn, (const char *)ops + slot->offset, sizeof(fn));
    return !fn;
}

/* The table without what only a capability requires. */
static size_t smallest_ops(const struct driver_kind *kind)
{
    size_t size = 0;

    for (const struct driver_slot *s = kind->slots; s->name; s++)
        if (!s->cap && s->offset + sizeof(void *) > size)
            size = s->offset + sizeof(void *);
    return size;
}

static int check_ops(const struct judged *j, const struct driver_kind *kind)
{
    struct ff_driver *d = &j->d->info.d;

    if (d->ops_size < smallest_ops(kind))
        return refuse(j, FF_INVALID,
                      "its table of functions has %u bytes, at least %zu are needed",
                      d->ops_size, smallest_ops(kind));
    if (d->ops_size > ABSURD_SIZE || d->ops_size % sizeof(void *) != 0)
        return refuse(j, FF_INVALID, "its table of functions claims to have %u bytes",
                      d->ops_size);
    if (!d->ops.store)
        return refuse(j, FF_INVALID, "it has no table of functions");
    copy_known(&j->d->ops, kind->ops_size, d->ops.store, d->ops_size);
    d->ops.store = &j->d->ops.store;
    for (const struct driver_slot *s = kind->slots; s->name; s++) {
        if ((s->cap && !((d->caps | d->adds) & s->cap)) ||
            !slot_is_empty(&j->d->ops, s))
            continue;
        return refuse(j, FF_INVALID, "its function %s is missing, which %s needs",
                      s->name, s->cap ? "a capability that it claims" : kind->name);
    }
    return FF_OK;
}

int driver_check(struct driver *d, const struct ff_driver *theirs, const char *subject,
                 uint32_t kind, struct ff_err *err)
{
    const struct judged j = {d, subject, err};
    int code = check_head(&j, theirs);

    if (code != FF_OK)
        return code;
    copy_known(&d->info.d, sizeof(d->info.d), theirs, theirs->struct_size);
    code = check_words(&j);
    if (code == FF_OK)
        code = check_kind(&j, kind);
    if (code == FF_OK)
        code = check_flags(&j);
    if (code == FF_OK)
        code = check_ops(&j, driver_kind(d->info.d.kind));
    if (code == FF_OK && d->info.d.config_size > ABSURD_CONFIG)
        code = refuse(&j, FF_INVALID, "its configuration claims to have %llu bytes",
                      (unsigned long long)d->info.d.config_size);
    if (code == FF_OK)
        code = driver_check_options(&d->info.d, subject, err);
    d->info.kind = d->info.d.kind;
    return code;
}
