/* message.c - memory of messages: sizes double from class to class, and what was freed
 * waits in its class for the next message, up to a bound. A burst of a million costs
 * its allocations once and gives most of them back. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES ((size_t)8 * 1024 * 1024)

void message_add_last(struct message_list *l, struct message *m)
{
    m->next = NULL;
    m->prev = l->last;
    if (l->last)
        l->last->next = m;
    else
        l->first = m;
    l->last = m;
}

void message_add_first(struct message_list *l, struct message *m)
{
    m->prev = NULL;
    m->next = l->first;
    if (l->first)
        l->first->prev = m;
    else
        l->last = m;
    l->first = m;
}

void message_del(struct message_list *l, struct message *m)
{
    if (m->prev)
        m->prev->next = m->next;
    else
        l->first = m->next;
    if (m->next)
        m->next->prev = m->prev;
    else
        l->last = m->prev;
    m->next = m->prev = NULL;
}

struct message *message_take(struct message_list *l)
{
    struct message *m = l->first;

    if (m)
        message_del(l, m);
    return m;
}

static size_t room_of(uint32_t size_class)
{
    return (size_t)128 << size_class;
}

static size_t bytes_of(uint32_t size_class)
{
    return sizeof(struct message) + room_of(size_class);
}

static uint32_t class_for(size_t room)
{
    uint32_t size_class = 0;

    while (room_of(size_class) < room)
        size_class++;
    return size_class;
}

static struct message *reserve(struct message_pool *pool, size_t room)
{
    uint32_t size_class = class_for(room);
    struct message *m = pool->unused[size_class];

    if (m) {
        pool->unused[size_class] = m->next;
        pool->unused_bytes -= bytes_of(size_class);
    } else {
        m = malloc(bytes_of(size_class));
        if (!m)
            return NULL;
    }
    pool->used_bytes += bytes_of(size_class);
    m->size_class = size_class;
    return m;
}

struct message *message_new(struct message_pool *pool, const struct ff_message *from)
{
    size_t id_size = strlen(from->id) + 1;
    struct message *m = reserve(pool, id_size + from->len);

    if (!m)
        return NULL;
    m->next = m->prev = NULL;
    m->topic = NULL;
    m->holder = NULL;
    m->when_us = from->not_before_us;
    m->order = 0;
    m->delivery = 0;
    m->receipt = 0;
    m->len = (uint32_t)from->len;
    m->body = m->data + id_size;
    memcpy(m->data, from->id, id_size);
    if (from->len > 0)
        memcpy(m->data + id_size, from->body, from->len);
    return m;
}

void message_free(struct message_pool *pool, struct message *m)
{
    size_t bytes = bytes_of(m->size_class);

    pool->used_bytes -= bytes;
    if (pool->unused_bytes + bytes > KEPT_BYTES) {
        free(m);
        return;
    }
    pool->unused_bytes += bytes;
    m->next = pool->unused[m->size_class];
    pool->unused[m->size_class] = m;
}

void message_pool_done(struct message_pool *pool)
{
    for (size_t i = 0; i < MESSAGE_CLASSES; i++)
        while (pool->unused[i]) {
            struct message *m = pool->unused[i];

            pool->unused[i] = m->next;
            free(m);
        }
}
