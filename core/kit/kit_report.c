/* kit/kit_report.c - what was found, as TAP 14 line by line, or as one JSON document.
 * In the YAML blocks every scalar is a JSON string, which YAML reads. */
#include "kit/kit_priv.h"

#include <string.h>
#include <unistd.h>

static void print(struct buf *out)
{
    fwrite(buf_text(out), 1, out->len, stdout);
    fflush(stdout); /* now: the next check forks */
    buf_done(out);
}

static void add_quoted(struct buf *out, const char *text)
{
    struct jsonw w = {.out = out};

    jsonw_text(&w, text);
}

static void add_line(struct buf *out, const char *key, const char *text)
{
    if (!text[0])
        return;
    buf_printf(out, "  %s: ", key);
    add_quoted(out, text);
    buf_add_char(out, '\n');
}

/* --- TAP --- */

static void add_details(struct buf *out, const struct kit_item *item,
                        const struct kit_result *r)
{
    buf_add_text(out, "  ---\n");
    add_line(out, "rule", item->check->what);
    add_line(out, "message", buf_text(&r->why));
    add_line(out, "expected", buf_text(&r->expected));
    add_line(out, "got", buf_text(&r->got));
    add_line(out, "at", buf_text(&r->at));
    buf_printf(out, "  seed: %llu\n", (unsigned long long)r->seed);
    if (r->output.n > 0)
        buf_add_text(out, "  output:\n");
    for (size_t i = 0; i < r->output.n; i++) {
        buf_add_text(out, "    - ");
        add_quoted(out, r->output.items[i]);
        buf_add_char(out, '\n');
    }
    buf_add_text(out, "  ...\n");
}

static void print_tap(const struct kit_score *score, const struct kit_item *item,
                      const struct kit_result *r)
{
    struct buf out = {0};

    buf_printf(&out, "%s %zu - %s", r->verdict == KIT_NOT_OK ? "not ok" : "ok",
               score->n_passed + score->n_failed + score->n_skipped, item->name);
    if (r->verdict == KIT_SKIPPED)
        buf_printf(&out, " # SKIP %s", buf_text(&r->why));
    buf_add_char(&out, '\n');
    if (r->verdict == KIT_NOT_OK)
        add_details(&out, item, r);
    print(&out);
}

/* --- JSON --- */

static void set_text(json_t *to, const char *key, const struct buf *text)
{
    if (text->len > 0)
        json_object_set_new(to, key, json_stringn(buf_text(text), text->len));
}

static void add_json(struct kit_score *score, const struct kit_item *item,
                     const struct kit_result *r)
{
    static const char *const words[] = {
        [KIT_OK] = "passed", [KIT_NOT_OK] = "failed", [KIT_SKIPPED] = "skipped"};
    json_t *one = json_pack("{s:s, s:s, s:s}", "name", item->name, "rule",
                            item->check->what, "result", words[r->verdict]);

    set_text(one, "message", &r->why);
    set_text(one, "expected", &r->expected);
    set_text(one, "got", &r->got);
    set_text(one, "at", &r->at);
    for (size_t i = 0; i < r->output.n; i++) {
        if (i == 0)
            json_object_set_new(one, "output", json_array());
        json_array_append_new(json_object_get(one, "output"),
                              json_string(r->output.items[i]));
    }
    json_array_append_new(score->checks, one);
}

static void print_json(const struct kit_score *score,
                       const struct kit_settings *settings,
                       const struct kit_about *about)
{
    char seed[24];
    struct buf out = {0};

    /* As text: JSON readers keep no more than 53 bits of a number. */
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)settings->seed);

    json_t *all =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:O}", "driver", about->name,
                  "version", about->version, "seed", seed, "passed",
                  (json_int_t)score->n_passed, "failed", (json_int_t)score->n_failed,
                  "skipped", (json_int_t)score->n_skipped, "checks", score->checks);

    json_add_to(&out, all);
    buf_add_char(&out, '\n');
    print(&out);
    json_decref(all);
}

/* --- the doors --- */

void kit_report_begin(struct kit_score *score, const struct kit_settings *settings,
                      const struct kit_about *about, size_t n)
{
    struct buf out = {0};

    *score = (struct kit_score){.n = n};
    if (settings->json) {
        score->checks = json_array();
        return;
    }
    buf_printf(&out, "TAP version 14\n# %s %s: %s\n# seed %llu\n1..%zu\n", about->name,
               about->version, about->summary, (unsigned long long)settings->seed, n);
    print(&out);
}

void kit_report(struct kit_score *score, const struct kit_settings *settings,
                const struct kit_item *item, const struct kit_result *result)
{
    size_t *const counts[] = {[KIT_OK] = &score->n_passed,
                              [KIT_NOT_OK] = &score->n_failed,
                              [KIT_SKIPPED] = &score->n_skipped};

    ++*counts[result->verdict];
    if (settings->json)
        add_json(score, item, result);
    else
        print_tap(score, item, result);
}

void kit_report_end(struct kit_score *score, const struct kit_settings *settings,
                    const struct kit_about *about)
{
    struct buf out = {0};

    if (settings->json) {
        print_json(score, settings, about);
        json_decref(score->checks);
        return;
    }
    buf_printf(&out, "# %zu of %zu passed, %zu failed, %zu skipped\n", score->n_passed,
               score->n, score->n_failed, score->n_skipped);
    print(&out);
}

void kit_report_list(const struct kit_settings *settings, const struct kit_list *list)
{
    json_t *all = json_array();
    struct buf out = {0};

    for (size_t i = 0; i < list->n; i++) {
        const struct kit_item *item = &list->items[i];

        if (settings->json)
            json_array_append_new(all, json_pack("{s:s, s:s}", "name", item->name,
                                                 "rule", item->check->what));
        else
            buf_printf(&out, "%s\n    %s\n", item->name, item->check->what);
    }
    if (settings->json) {
        json_add_to(&out, all);
        buf_add_char(&out, '\n');
    }
    print(&out);
    json_decref(all);
}
