/* fuzz_json.c - JSON: what is written reads back as the same value, and its text is
 * then final. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_err err = {0};
    MEM_AUTO char *text = fuzz_text(data, size);
    json_t *value = json_parse(text, size, &err);

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
