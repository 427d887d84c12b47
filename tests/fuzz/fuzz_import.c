/* fuzz_import.c - any text as a workflow of another system, which the first byte names:
 * either it is refused with a sentence, or what is made is YAML, the same each time. */
#include "fuzz.h"
#include "import/import.h"
#include "source/source.h"

#include <string.h>

static int import(const char *system, const char *text, size_t len, struct buf *out,
                  struct import_report *report, struct ff_err *err)
{
    return import_workflow(system, "fuzz", text, len, out, report, err);
}

static void check_report(const struct import_report *report)
{
    size_t counts[3] = {0};

    for (size_t i = 0; i < report->n; i++) {
        const struct import_remark *r = &report->items[i];
        FUZZ_CHECK(r->line > 0);
        FUZZ_CHECK(r->grade == IMPORT_DONE || r->why[0]);
        counts[r->grade]++;
    }
    FUZZ_CHECK(memcmp(counts, report->counts, sizeof(counts)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *system = import_systems[data[0] % 4];
    MEM_AUTO char *text = fuzz_text(data + 1, size - 1);
    struct import_report report = {0};
    struct import_report again = {0};
    struct buf out = {.max = 64 << 20};
    struct buf same = {.max = 64 << 20};
    struct ff_err err = {0};
    const int code = import(system, text, size - 1, &out, &report, &err);
    struct source made;

    FUZZ_CHECK(code == FF_OK || code == FF_INVALID);
    FUZZ_CHECK(code == FF_OK || err.msg[0]);
    FUZZ_CHECK(import(system, text, size - 1, &same, &again, &err) == code);
    if (code == FF_OK) {
        FUZZ_CHECK(strcmp(buf_text(&out), buf_text(&same)) == 0);
        FUZZ_CHECK(source_read(&made, buf_text(&out), out.len, false, &err) == FF_OK);
        source_done(&made);
    }
    check_report(&report);
    import_report_done(&report);
    import_report_done(&again);
    buf_done(&out);
    buf_done(&same);
    return 0;
}
