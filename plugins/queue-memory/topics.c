/* topics.c - topics by name. One exists while it has messages or subscribers. */
#include "hub.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: names are short and come from the core. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261U;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash;
}

struct topic *hub_topic(struct hub *h, const char *name)
{
    uint32_t hash;

    if (h->recent && strcmp(h->recent->name, name) == 0)
        return h->recent;
    if (h->n_buckets == 0)
        return NULL;
    hash = hash_of(name);
    for (struct topic *t = h->topics[hash % h->n_buckets]; t; t = t->next_of_hash)
        if (t->hash == hash && strcmp(t->name, name) == 0)
            return h->recent = t;
    return NULL;
}

static bool grow(struct hub *h)
{
    size_t n = h->n_buckets ? h->n_buckets * 2 : 64;
    struct topic **topics = calloc(n, sizeof(struct topic *));

    if (!topics)
        return false;
    for (size_t i = 0; i < h->n_buckets; i++)
        while (h->topics[i]) {
            struct topic *t = h->topics[i];

            h->topics[i] = t->next_of_hash;
            t->next_of_hash = topics[t->hash % n];
            topics[t->hash % n] = t;
        }
    free(h->topics);
    h->topics = topics;
    h->n_buckets = n;
    return true;
}

struct topic *hub_topic_make(struct hub *h, const char *name)
{
    struct topic *t = hub_topic(h, name);
    size_t size = strlen(name) + 1;

    if (t)
        return t;
    if (h->n_topics >= h->n_buckets && !grow(h))
        return NULL;
    t = calloc(1, sizeof(*t) + size);
    if (!t)
        return NULL;
    memcpy(t->name, name, size);
    t->hash = hash_of(name);
    t->next_of_hash = h->topics[t->hash % h->n_buckets];
    h->topics[t->hash % h->n_buckets] = t;
    h->n_topics++;
    h->recent = t;
    return t;
}

void hub_topic_settle(struct hub *h, struct topic *t)
{
    struct topic **at = &h->topics[t->hash % h->n_buckets];

    if (t->last || t->n_messages > 0 || t->dirty || t->in_call)
        return;
    while (*at != t)
        at = &(*at)->next_of_hash;
    *at = t->next_of_hash;
    h->n_topics--;
    if (h->recent == t)
        h->recent = NULL;
    free(t);
}

void hub_topics_done(struct hub *h)
{
    for (size_t i = 0; i < h->n_buckets; i++)
        while (h->topics[i]) {
            struct topic *t = h->topics[i];

            h->topics[i] = t->next_of_hash;
            for (struct message *m; (m = message_take(&t->ready));)
                message_free(&h->pool, m);
            free(t);
        }
    free(h->topics);
    h->topics = NULL;
    h->n_topics = h->n_buckets = 0;
    h->recent = h->first_dirty = h->last_dirty = NULL;
}
