/* send.c - one request to the collector, and what its answer means (OTLP, "OTLP/HTTP
 * Response"): some answers say to come again, and one of 200 may still have refused
 * some of it. */
#include "cli/export/export_priv.h"

#include "cli/remote/curl.h"

static bool is_again(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* 64-bit numbers are texts in JSON of OTLP; a number is understood, too. */
static int64_t number_of(const json_t *value)
{
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                 : json_integer_value(value);
}

/* So much is read of an answer; it has a number and a sentence. */
#define ANSWER_MAX ((size_t)64 * 1024)

/* Of n spans. What makes no sense is as nothing. */
static void read_partial(const struct buf *body, size_t n, struct export_sent *sent)
{
    struct ff_err ignored;
    json_t *answer = body->len > 0 && body->len <= ANSWER_MAX
                         ? json_parse(body->data, body->len, &ignored)
                         : NULL;
    const json_t *partial = json_object_get(answer, "partialSuccess");
    const json_t *message = json_object_get(partial, "errorMessage");
    const int64_t n_rejected = number_of(json_object_get(partial, "rejectedSpans"));

    sent->n_rejected = n_rejected < 0 || n_rejected > (int64_t)n ? 0 : n_rejected;
    if (sent->n_rejected > 0)
        log_warn("traces: the collector took all but %lld spans: %.300s",
                 (long long)sent->n_rejected,
                 json_is_string(message) ? json_string_value(message) : "");
    json_decref(answer);
}

void export_send(struct export_way *way, const struct export_page *p,
                 struct export_sent *sent)
{
    const struct curl_request request = {.method = "POST",
                                         .url = way->url,
                                         .ca = way->ca,
                                         .headers = way->headers,
                                         .timeout_us = way->timeout_us,
                                         .abandon = &way->abandon,
                                         .body = buf_text(&p->body)};
    struct curl_answer answer;

    *sent = (struct export_sent){.outcome = EXPORT_AGAIN};
    if (curl_ask(&request, &answer, &sent->err) != FF_OK)
        return;
    sent->retry_after_s = answer.retry_after_s;
    if (answer.status >= 200 && answer.status < 300) {
        sent->outcome = EXPORT_SENT;
        read_partial(&answer.body, p->n_spans, sent);
    } else {
        sent->outcome = is_again(answer.status) ? EXPORT_AGAIN : EXPORT_REJECTED;
        ff_fail(&sent->err, FF_UNAVAILABLE, 0, "it answered %ld: %.200s", answer.status,
                buf_text(&answer.body));
    }
    buf_done(&answer.body);
}
