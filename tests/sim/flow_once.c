/* flow_once.c - one text is parsed once for all processes of a seed, since a quarter of
 * the time went there: a plan does not change, and counts its owners.
 *
 * Not with sanitizers: each process parses by itself there, as only they see a plan
 * that is used after it was given back. */
#include "sim.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_FOR_ITSELF 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EACH_FOR_ITSELF 1
#endif

struct flow *__real_flow_parse(const char *text, size_t len,
                               struct flow_problems *problems);
struct flow *__wrap_flow_parse(const char *text, size_t len,
                               struct flow_problems *problems);

static struct map plans; /* by their text */

static struct flow *parse_once(const char *text, size_t len,
                               struct flow_problems *problems)
{
    struct flow *flow = map_get_len(&plans, text, len);

    if (flow)
        return flow_ref(flow);
    flow = __real_flow_parse(text, len, problems);
    if (!flow)
        return NULL;
    MEM_AUTO char *key = mem_text_len(text, len);
    map_set_text(&plans, key, flow_ref(flow)); /* the map owns it too */
    return flow;
}

struct flow *__wrap_flow_parse(const char *text, size_t len,
                               struct flow_problems *problems)
{
#ifdef EACH_FOR_ITSELF
    (void)parse_once;
    return __real_flow_parse(text, len, problems);
#else
    return parse_once(text, len, problems);
#endif
}
