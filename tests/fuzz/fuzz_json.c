/* fuzz_json.c - JSON: what is read is what jansson reads, what is written reads back as
 * the same value, and its text is then final. */
#include "fuzz.h"

/* Only the bound of the depth is not jansson's. */
static void check_oracle(const char *text, size_t size, const json_t *value)
{
    json_t *other =
        json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    if (value) {
        FUZZ_CHECK(other && json_equal(value, other));
        MEM_AUTO char *ours = json_text(value);
        MEM_AUTO char *theirs = json_text(other);

        FUZZ_CHECK(strcmp(ours, theirs) == 0);
    }
    json_decref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_err err = {0};
    MEM_AUTO char *text = fuzz_text(data, size);
    json_t *value = json_parse(text, size, &err);

    check_oracle(text, size, value);
    if (!value) {
        FUZZ_CHECK(err.code == FF_INVALID && err.msg[0]);
        return 0;
    }
    MEM_AUTO char *written = json_text(value);
    json_t *again = json_parse(written, strlen(written), &err);

    FUZZ_CHECK(again);
    FUZZ_CHECK(json_equal(value, again));
    FUZZ_CHECK(text_utf8_error(written, strlen(written)) == strlen(written));
    MEM_AUTO char *final = json_text(again);

    FUZZ_CHECK(strcmp(written, final) == 0);
    json_decref(again);
    json_decref(value);
    return 0;
}
