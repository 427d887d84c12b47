/* mask.c - see mask.h. */
#include "mask.h"

#include <stdlib.h>
#include <string.h>

static const char stars[] = "***";
#define N_STARS (sizeof(stars) - 1)

_Static_assert(MASK_MIN >= N_STARS, "what is written must fit where it was read");

struct text {
    const char *bytes;
    size_t len;
};

struct mask {
    size_t n;
    struct text *texts; /* the longest first */
    char *all;          /* their bytes */
    char *work;         /* held and new bytes of one call */
    struct {
        char *bytes;
        size_t len;
    } held[MASK_STREAMS];
    bool begins[256]; /* some text does, with this byte */
};

static bool fits(const char *text)
{
    const size_t len = strlen(text);

    return len >= MASK_MIN && len <= MASK_MAX;
}

static int longest_first(const void *a, const void *b)
{
    const struct text *x = a;
    const struct text *y = b;

    return (x->len < y->len) - (x->len > y->len);
}

static void add(struct mask *mask, const char *text, char **at)
{
    const size_t len = strlen(text);

    memcpy(*at, text, len);
    mask->texts[mask->n++] = (struct text){*at, len};
    mask->begins[(unsigned char)text[0]] = true;
    *at += len;
}

static bool make_room(struct mask *mask, size_t n, size_t bytes, size_t longest,
                      size_t piece)
{
    mask->texts = malloc(n * sizeof(*mask->texts));
    mask->all = malloc(bytes);
    mask->work = malloc(longest + piece);
    for (int i = 0; i < MASK_STREAMS; i++)
        mask->held[i].bytes = malloc(longest);
    return mask->texts && mask->all && mask->work && mask->held[0].bytes &&
           mask->held[1].bytes;
}

bool mask_new(const char *const *texts, size_t piece, struct mask **out)
{
    size_t n = 0;
    size_t bytes = 0;
    size_t longest = 0;

    *out = NULL;
    for (size_t i = 0; texts && texts[i]; i++) {
        const size_t len = fits(texts[i]) ? strlen(texts[i]) : 0;

        n += len > 0;
        bytes += len;
        longest = len > longest ? len : longest;
    }
    if (n == 0)
        return true;

    struct mask *mask = calloc(1, sizeof(*mask));

    if (!mask || !make_room(mask, n, bytes, longest, piece)) {
        mask_free(mask);
        return false;
    }

    char *at = mask->all;

    for (size_t i = 0; texts[i]; i++)
        if (fits(texts[i]))
            add(mask, texts[i], &at);
    qsort(mask->texts, mask->n, sizeof(*mask->texts), longest_first);
    *out = mask;
    return true;
}

void mask_free(struct mask *mask)
{
    if (!mask)
        return;
    for (size_t i = 0; i < mask->n; i++)
        explicit_bzero((char *)mask->texts[i].bytes, mask->texts[i].len);
    for (int i = 0; i < MASK_STREAMS; i++)
        free(mask->held[i].bytes);
    free(mask->work);
    free(mask->all);
    free(mask->texts);
    free(mask);
}

enum found { NOTHING, WHOLE, MORE_TO_COME };

/* Whether a text stands at `at`, the longest, or may when more has come. */
static enum found look(const struct mask *mask, const char *at, size_t left, bool end,
                       size_t *len)
{
    if (!mask->begins[(unsigned char)*at])
        return NOTHING;
    for (size_t i = 0; i < mask->n; i++) {
        const struct text *text = &mask->texts[i];

        if (text->len > left) {
            if (!end && memcmp(text->bytes, at, left) == 0)
                return MORE_TO_COME;
        } else if (memcmp(text->bytes, at, text->len) == 0) {
            *len = text->len;
            return WHOLE;
        }
    }
    return NOTHING;
}

size_t mask_feed(struct mask *mask, int stream, const char *text, size_t len, bool end,
                 const char **out)
{
    char *work = mask->work;
    const size_t n = mask->held[stream].len + len;
    size_t at = 0;
    size_t written = 0;

    if (mask->held[stream].len)
        memcpy(work, mask->held[stream].bytes, mask->held[stream].len);
    if (len)
        memcpy(work + mask->held[stream].len, text, len);
    while (at < n) {
        size_t found_len = 0;
        const enum found found = look(mask, work + at, n - at, end, &found_len);

        if (found == MORE_TO_COME)
            break;
        if (found == WHOLE) {
            memcpy(work + written, stars, N_STARS);
            written += N_STARS;
            at += found_len;
        } else {
            work[written++] = work[at++];
        }
    }
    mask->held[stream].len = n - at;
    if (n > at)
        memcpy(mask->held[stream].bytes, work + at, n - at);
    *out = work;
    return written;
}
