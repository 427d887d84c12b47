/* blob-s3/xml.c - the lists that servers give, read by expat. Only what is asked for is
 * kept, and nothing grows with what a server says: texts have a bound. */
#include "s3.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1100 /* a name of an object has at most 1,024 bytes */

struct reading {
    struct s3_seen *seen;
    int depth;
    bool in_object, in_upload, is_list;
    char text[TEXT_MAX];
    size_t len;
    char name[TEXT_MAX], id[TEXT_MAX];
    uint64_t size_bytes;
};

static void on_start(void *arg, const XML_Char *element, const XML_Char **attributes)
{
    struct reading *rd = arg;

    (void)attributes;
    rd->len = 0;
    if (rd->depth++ == 0)
        rd->is_list = strcmp(element, "ListBucketResult") == 0 ||
                      strcmp(element, "ListMultipartUploadsResult") == 0;
    if (rd->depth != 2)
        return;
    rd->in_object = strcmp(element, "Contents") == 0;
    rd->in_upload = strcmp(element, "Upload") == 0;
    rd->name[0] = rd->id[0] = '\0';
    rd->size_bytes = 0;
}

static void on_text(void *arg, const XML_Char *text, int len)
{
    struct reading *rd = arg;
    const size_t n = (size_t)len;

    /* Too long is none of ours. */
    if (n >= sizeof(rd->text) - rd->len) {
        rd->len = sizeof(rd->text) - 1;
        memset(rd->text, ' ', rd->len);
        return;
    }
    memcpy(rd->text + rd->len, text, n);
    rd->len += n;
}

static void on_field(struct reading *rd, const char *element)
{
    if (strcmp(element, "Key") == 0)
        memcpy(rd->name, rd->text, rd->len + 1);
    else if (strcmp(element, "UploadId") == 0)
        memcpy(rd->id, rd->text, rd->len + 1);
    else if (strcmp(element, "Size") == 0)
        rd->size_bytes = strtoull(rd->text, NULL, 10);
}

static void on_top(struct reading *rd, const char *element)
{
    struct s3_seen *seen = rd->seen;

    if (rd->in_object && rd->name[0] && seen->object)
        seen->object(seen->arg, rd->name, rd->size_bytes);
    else if (rd->in_upload && rd->name[0] && rd->id[0] && seen->upload)
        seen->upload(seen->arg, rd->name, rd->id);
    else if (strcmp(element, "IsTruncated") == 0)
        seen->more = strcmp(rd->text, "true") == 0;
    else if (strcmp(element, "NextContinuationToken") == 0 ||
             strcmp(element, "NextKeyMarker") == 0)
        memcpy(seen->next, rd->text, rd->len + 1);
    else if (strcmp(element, "NextUploadIdMarker") == 0)
        memcpy(seen->next_upload, rd->text, rd->len + 1);
    rd->in_object = rd->in_upload = false;
}

static void on_end(void *arg, const XML_Char *element)
{
    struct reading *rd = arg;

    rd->text[rd->len] = '\0';
    if (rd->depth == 3 && (rd->in_object || rd->in_upload))
        on_field(rd, element);
    else if (rd->depth == 2)
        on_top(rd, element);
    rd->depth--;
    rd->len = 0;
}

/* A page that says where it began itself would be asked for again for ever. */
static bool leads_on(const struct s3_seen *seen, const char *from,
                     const char *from_upload)
{
    return !seen->more || !seen->next[0] || strcmp(seen->next, from) != 0 ||
           strcmp(seen->next_upload, from_upload) != 0;
}

bool s3_read_list(const char *xml, size_t len, struct s3_seen *seen)
{
    struct reading *rd = calloc(1, sizeof(*rd));
    XML_Parser parser = rd ? XML_ParserCreate(NULL) : NULL;
    char from[sizeof(seen->next)], from_upload[sizeof(seen->next_upload)];
    bool good = false;

    memcpy(from, seen->next, sizeof(from));
    memcpy(from_upload, seen->next_upload, sizeof(from_upload));
    seen->more = false;
    seen->next[0] = seen->next_upload[0] = '\0';
    if (parser && len < INT32_MAX) {
        rd->seen = seen;
        XML_SetUserData(parser, rd);
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        good = XML_Parse(parser, xml, (int)len, 1) == XML_STATUS_OK && rd->is_list &&
               leads_on(seen, from, from_upload);
    }
    if (parser)
        XML_ParserFree(parser);
    free(rd);
    return good;
}
