/* test_faults.c - a server that is slow, busy, cut short or wrong: what the driver asks
 * then, and what it says to the core. */
#include "support.h"

#include <stdio.h>
#include <string.h>

static const int64_t at[] = {INT64_C(1763000000000000), INT64_C(1763500000000000)};
#define HOUR INT64_C(3600000000)

static void one_piece_is_one_request(void **state)
{
    struct content c = content_of("hello");
    struct world w;
    char line[400];

    (void)state;
    world_begin(&w);
    world_lists_nothing(&w);
    world_says(&w, 200, NULL);
    assert_int_equal(put(&w, &c), FF_OK);
    snprintf(line, sizeof(line), "PUT /bucket/p/kit/%s.%020lld", c.hash,
             (long long)w.now_us);
    assert_string_equal(w.asked[1].line, line);
    assert_string_equal(w.asked[1].body, "hello");
    world_end(&w);
}

static void what_is_busy_is_asked_again(void **state)
{
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    world_says(&w, 500, "<Error><Code>InternalError</Code></Error>");
    world_lists_nothing(&w);
    world_says(&w, 503, "<Error><Code>SlowDown</Code></Error>");
    world_answers(&w, (struct answer){.status = 0});
    world_answers(&w, (struct answer){.status = 429, .headers = "Retry-After: 0\r\n"});
    world_says(&w, 200, NULL);
    assert_int_equal(put(&w, &c), FF_OK);
    assert_string_equal(w.asked[5].body, "hello");
    assert_string_equal(w.asked[5].line, w.asked[2].line); /* the same object */
    world_end(&w);
}

static void tries_have_an_end(void **state)
{
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists_nothing(&w);
    for (int i = 0; i < 4; i++)
        world_says(&w, 503,
                   "<Error><Code>SlowDown</Code><Message>less</Message></Error>");
    assert_int_equal(put(&w, &c), FF_UNAVAILABLE);
    assert_non_null(strstr(w.err.msg, "HTTP 503 SlowDown: less"));
    assert_null(strstr(w.err.msg, "hidden"));
    world_end(&w);
}

static void a_server_that_says_nothing_more_is_given_up(void **state)
{
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    world_answers(&w, (struct answer){.status = 200, .body = "<List", .stalls = true});
    world_lists_nothing(&w);
    world_says(&w, 200, NULL);
    w.answers[0].body = "<ListBucketResult><IsTruncated>";
    w.answers[0].cut = 5;
    assert_int_equal(put(&w, &c), FF_OK);
    world_end(&w);
}

static void what_was_cut_short_goes_on_where_it_ended(void **state)
{
    static const size_t size = 26;
    struct content c = content_of("abcdefghijklmnopqrstuvwxyz");
    struct got got = {0};
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists(&w, c.hash, at, &size, 1);
    world_answers(&w, (struct answer){.status = 200, .body = c.bytes, .cut = 7});
    world_answers(&w, (struct answer){.status = 206, .body = c.bytes + 7, .cut = 3});
    world_answers(&w, (struct answer){.status = 503});
    world_says(&w, 200, c.bytes); /* all of it, though the rest was asked for */
    assert_int_equal(get(&w, &c, &got), FF_OK);
    assert_int_equal(got.len, 26);
    assert_memory_equal(got.bytes, c.bytes, 26);
    assert_string_equal(w.asked[1].range, "");
    assert_string_equal(w.asked[2].range, "bytes=7-");
    assert_string_equal(w.asked[4].range, "bytes=10-");
    world_end(&w);
}

static void other_content_is_corrupt(void **state)
{
    static const size_t size = 5;
    struct content c = content_of("hello");
    struct got got = {0};
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists(&w, c.hash, at, &size, 1);
    world_says(&w, 200, "hallo");
    assert_int_equal(get(&w, &c, &got), FF_CORRUPT);
    world_end(&w);
}

static void who_wants_no_more_is_given_no_more(void **state)
{
    static const size_t size = 5;
    struct content c = content_of("hello");
    struct got got = {.stop_at = 1};
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists(&w, c.hash, at, &size, 1);
    world_says(&w, 200, "hello");
    assert_int_equal(get(&w, &c, &got), FF_CANCELLED);
    world_end(&w);
}

static void an_object_that_another_put_deletes_is_looked_for_again(void **state)
{
    static const size_t sizes[] = {5, 5};
    struct content c = content_of("hello");
    struct got got = {0};
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists(&w, c.hash, at, sizes, 1);
    world_says(&w, 404, "<Error><Code>NoSuchKey</Code></Error>");
    world_lists(&w, c.hash, at, sizes, 2);
    world_says(&w, 200, "hello");
    assert_int_equal(get(&w, &c, &got), FF_OK);
    assert_non_null(strstr(w.asked[3].line, "1763500000000000"));
    world_lists_nothing(&w);
    assert_int_equal(get(&w, &c, &got), FF_NOT_FOUND);
    world_end(&w);
}

static void a_young_blob_is_not_sent_again_and_an_old_one_is_replaced(void **state)
{
    struct content c = content_of("hello");
    const size_t sizes[] = {5, 5};
    struct world w;

    (void)state;
    world_begin(&w);
    const int64_t young[] = {at[0], w.now_us - HOUR / 2};
    world_lists(&w, c.hash, young, sizes, 2);
    assert_int_equal(put(&w, &c), FF_OK);
    assert_int_equal(w.n_asked, 1);

    const int64_t old[] = {at[0], w.now_us - HOUR};
    world_lists(&w, c.hash, old, sizes, 2);
    world_says(&w, 200, NULL);
    world_says(&w, 204, NULL);
    world_says(&w, 500, NULL); /* what cannot be deleted stays, and that is all */
    assert_int_equal(put(&w, &c), FF_OK);
    assert_true(strncmp(w.asked[3].line, "DELETE ", 7) == 0);
    world_end(&w);
}

static void wrong_content_is_not_sent(void **state)
{
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists_nothing(&w);
    c.bytes = "hallo";
    assert_int_equal(put(&w, &c), FF_INVALID);
    world_lists_nothing(&w);
    c.fails_at = 2;
    assert_int_equal(put(&w, &c), FF_INVALID);
    world_end(&w);
}

#define UPLOAD "<InitiateMultipartUploadResult><UploadId>a/b+c</UploadId></Init>"

static void large_contents_go_in_parts(void **state)
{
    struct content c = content_of("0123456789abcdefghijklm");
    struct world w;

    (void)state;
    world_begin(&w);
    world_lists_nothing(&w);
    world_says(&w, 200, UPLOAD);
    world_answers(&w, (struct answer){.status = 200, .headers = "ETag: \"e1\"\r\n"});
    world_answers(&w, (struct answer){.status = 500});
    world_answers(&w, (struct answer){.status = 200, .headers = "ETag: \"e2\"\r\n"});
    world_answers(&w, (struct answer){.status = 200, .headers = "etag: \"e3\"\r\n"});
    world_says(&w, 200, "<Error><Code>InternalError</Code></Error>");
    world_says(&w, 200, "<CompleteMultipartUploadResult/>");
    assert_int_equal(put(&w, &c), FF_OK);
    assert_non_null(strstr(w.asked[1].line, "?uploads="));
    assert_non_null(strstr(w.asked[2].line, "?partNumber=1&uploadId=a%2Fb%2Bc"));
    assert_string_equal(w.asked[2].body, "0123456789");
    assert_string_equal(w.asked[3].body, w.asked[4].body);
    assert_string_equal(w.asked[5].body, "klm");
    assert_string_equal(w.asked[7].body,
                        "<CompleteMultipartUpload>"
                        "<Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag></Part>"
                        "<Part><PartNumber>2</PartNumber><ETag>\"e2\"</ETag></Part>"
                        "<Part><PartNumber>3</PartNumber><ETag>\"e3\"</ETag></Part>"
                        "</CompleteMultipartUpload>");
    world_end(&w);
}

static void an_upload_of_other_content_is_not_completed(void **state)
{
    struct content c = content_of("0123456789abc");
    struct world w;

    (void)state;
    world_begin(&w);
    c.bytes = "0123456789abd";
    world_lists_nothing(&w);
    world_says(&w, 200, UPLOAD);
    world_says(&w, 200, NULL);
    world_says(&w, 200, NULL);
    world_says(&w, 204, NULL);
    assert_int_equal(put(&w, &c), FF_INVALID);
    assert_true(strncmp(w.asked[4].line, "DELETE ", 7) == 0);
    assert_non_null(strstr(w.asked[4].line, "?uploadId=a%2Fb%2Bc"));
    world_end(&w);
}

static void an_upload_whose_end_was_lost_is_looked_for(void **state)
{
    static const size_t size = 13;
    struct content c = content_of("0123456789abc");
    struct world w;

    (void)state;
    for (int found = 0; found < 2; found++) {
        world_begin(&w);
        world_lists_nothing(&w);
        world_says(&w, 200, UPLOAD);
        world_says(&w, 200, NULL);
        world_says(&w, 200, NULL);
        world_answers(&w, (struct answer){.status = 0});
        world_says(&w, 404, "<Error><Code>NoSuchUpload</Code></Error>");
        world_lists(&w, c.hash, found ? &w.now_us : at, &size, 1);
        if (!found)
            world_says(&w, 404, NULL); /* the upload is given up */
        assert_int_equal(put(&w, &c), found ? FF_OK : FF_UNAVAILABLE);
        world_end(&w);
    }
}

static void a_remove_leaves_what_is_younger(void **state)
{
    static const size_t sizes[] = {5, 5};
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    c.id = (struct ff_blob_id){.space = "kit", .hash = c.hash};
    world_lists(&w, c.hash, at, sizes, 2);
    assert_int_equal(s3_remove(w.s3, &c.id, at[1], &w.err), FF_CONFLICT);
    world_lists(&w, c.hash, at, sizes, 2);
    world_says(&w, 204, NULL);
    world_says(&w, 404, "<Error><Code>NoSuchKey</Code></Error>");
    assert_int_equal(s3_remove(w.s3, &c.id, at[1] + 1, &w.err), FF_OK);
    world_end(&w);
}

static void codes_say_what_to_do(void **state)
{
    static const struct {
        int status;
        const char *body;
        int code;
    } cases[] = {
        {403, "<Error><Code>AccessDenied</Code></Error>", FF_DENIED},
        {403, "<Error><Code>QuotaExceeded</Code></Error>", FF_FULL},
        {507, "<Error><Code>XMinioStorageFull</Code></Error>", FF_FULL},
        {404, "<Error><Code>NoSuchBucket</Code></Error>", FF_DENIED},
        {301, "<Error><Code>PermanentRedirect</Code></Error>", FF_DENIED},
        {400, "<Error><Code>MalformedXML</Code></Error>", FF_INTERNAL},
        {200, "this is no list", FF_UNAVAILABLE},
        {200, "<html><body/></html>", FF_UNAVAILABLE},
    };
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_begin(&w);
        world_says(&w, cases[i].status, cases[i].body);
        assert_int_equal(put(&w, &c), cases[i].code);
        assert_true(strlen(w.err.msg) > 10);
        world_end(&w);
    }
}

static void what_a_server_says_is_shown_without_its_controls(void **state)
{
    struct content c = content_of("hello");
    struct world w;

    (void)state;
    world_begin(&w);
    world_says(&w, 403, "<Error><Code>X</Code><Message>a\x1b[31mb\n</Message></Error>");
    assert_int_equal(put(&w, &c), FF_DENIED);
    assert_non_null(strstr(w.err.msg, "a?[31mb?"));
    world_end(&w);
}

struct listed {
    char text[512];
};

static int add_listed(void *arg, const struct ff_blob_info *info)
{
    struct listed *l = arg;
    const size_t n = strlen(l->text);

    snprintf(l->text + n, sizeof(l->text) - n, "%s/%.4s %llu; ", info->id.space,
             info->id.hash, (unsigned long long)info->size_bytes);
    return 0;
}

#define H1 "1111111111111111111111111111111111111111111111111111111111111111"
#define H2 "2222222222222222222222222222222222222222222222222222222222222222"
#define OBJECT(space, hash, time, size)                                                \
    "<Contents><Key>p/" space "/" hash ".0000" time "</Key><Size>" size                \
    "</Size></Contents>"
#define T1 "1763000000000000"
#define T2 "1763500000000000"

static void pages_make_one_list_and_what_is_not_ours_is_passed_over(void **state)
{
    struct listed l = {""};
    struct world w;

    (void)state;
    world_begin(&w);
    world_says(&w, 200,
               "<ListBucketResult><IsTruncated>true</IsTruncated>"
               "<NextContinuationToken>to/ken=</NextContinuationToken>"
               "<Contents><Key>p/readme &amp; more</Key><Size>1</Size></Contents>"
               "<Contents><Key>other/a/" H1 ".0000" T1
               "</Key></Contents>" OBJECT("a", H1, T1, "5") "</ListBucketResult>");
    world_says(
        &w, 200,
        "<ListBucketResult><IsTruncated>false</IsTruncated>" OBJECT("a", H1, T2, "6")
            OBJECT("a", H2, T1, "7") OBJECT("b", H1, T1, "8") "</ListBucketResult>");
    assert_int_equal(s3_list(w.s3, NULL, NULL, 0, add_listed, &l, &w.err), FF_OK);
    assert_string_equal(l.text, "a/1111 6; a/2222 7; b/1111 8; ");
    assert_non_null(strstr(w.asked[1].line,
                           "?continuation-token=to%2Fken%3D&list-type=2&prefix=p%2F"));
    world_end(&w);
}

#define SAME_PAGE(list, key)                                                           \
    "<" list "><IsTruncated>true</IsTruncated><" key ">k</" key "></" list ">"

static void a_page_that_leads_to_itself_is_no_list(void **state)
{
    struct listed l = {""};
    struct world w;

    (void)state;
    world_begin(&w);
    for (int i = 0; i < 2; i++)
        world_says(&w, 200, SAME_PAGE("ListBucketResult", "NextContinuationToken"));
    assert_int_equal(s3_list(w.s3, NULL, NULL, 0, add_listed, &l, &w.err),
                     FF_UNAVAILABLE);
    assert_non_null(strstr(w.err.msg, "no list of objects that goes on"));
    for (int i = 0; i < 2; i++)
        world_says(&w, 200, SAME_PAGE("ListMultipartUploadsResult", "NextKeyMarker"));
    assert_int_equal(s3_tidy(w.s3, at[1], &w.err), FF_UNAVAILABLE);
    assert_non_null(strstr(w.err.msg, "no list of uploads that goes on"));
    world_end(&w);
}

static void old_uploads_are_tidied_away(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    world_says(&w, 200,
               "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
               "<NextKeyMarker>k</NextKeyMarker>"
               "<NextUploadIdMarker>u</NextUploadIdMarker>"
               "<Upload><Key>p/a/" H1 ".0000" T1
               "</Key><UploadId>one</UploadId></Upload>"
               "<Upload><Key>p/else</Key><UploadId>two</UploadId></Upload>"
               "</ListMultipartUploadsResult>");
    world_says(&w, 200,
               "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
               "<Upload><Key>p/a/" H1 ".0000" T2
               "</Key><UploadId>new</UploadId></Upload>"
               "</ListMultipartUploadsResult>");
    world_says(&w, 204, NULL);
    assert_int_equal(s3_tidy(w.s3, at[1], &w.err), FF_OK);
    assert_non_null(strstr(w.asked[1].line,
                           "?key-marker=k&prefix=p%2F&upload-id-marker=u&uploads="));
    assert_non_null(strstr(w.asked[2].line, "?uploadId=one"));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_piece_is_one_request),
        cmocka_unit_test(what_is_busy_is_asked_again),
        cmocka_unit_test(tries_have_an_end),
        cmocka_unit_test(a_server_that_says_nothing_more_is_given_up),
        cmocka_unit_test(what_was_cut_short_goes_on_where_it_ended),
        cmocka_unit_test(other_content_is_corrupt),
        cmocka_unit_test(who_wants_no_more_is_given_no_more),
        cmocka_unit_test(an_object_that_another_put_deletes_is_looked_for_again),
        cmocka_unit_test(a_young_blob_is_not_sent_again_and_an_old_one_is_replaced),
        cmocka_unit_test(wrong_content_is_not_sent),
        cmocka_unit_test(large_contents_go_in_parts),
        cmocka_unit_test(an_upload_of_other_content_is_not_completed),
        cmocka_unit_test(an_upload_whose_end_was_lost_is_looked_for),
        cmocka_unit_test(a_remove_leaves_what_is_younger),
        cmocka_unit_test(codes_say_what_to_do),
        cmocka_unit_test(what_a_server_says_is_shown_without_its_controls),
        cmocka_unit_test(pages_make_one_list_and_what_is_not_ours_is_passed_over),
        cmocka_unit_test(a_page_that_leads_to_itself_is_no_list),
        cmocka_unit_test(old_uploads_are_tidied_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
