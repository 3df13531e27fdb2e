/* Lists of objects that carry their own links: joining and leaving cost nothing and cannot fail. */
#ifndef AMQPCI_TRANSPORT_LIST_H
#define AMQPCI_TRANSPORT_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Of an object, or a list's own head. Both NULL: in no list. A head is linked with itself. */
typedef struct amqpci_node {
    struct amqpci_node *next;
    struct amqpci_node *previous;
} amqpci_node;

static inline void amqpci_list_init(amqpci_node *list)
{
    list->next = list;
    list->previous = list;
}

static inline bool amqpci_list_is_empty(const amqpci_node *list)
{
    return list->next == list;
}

static inline bool amqpci_node_is_listed(const amqpci_node *node)
{
    return node->next != NULL;
}

/* At the end, where it is in no list yet. */
static inline void amqpci_list_append(amqpci_node *list, amqpci_node *node)
{
    if (!amqpci_node_is_listed(node)) {
        node->next = list;
        node->previous = list->previous;
        list->previous->next = node;
        list->previous = node;
    }
}

/* Out of whatever list it is in. */
static inline void amqpci_node_remove(amqpci_node *node)
{
    if (amqpci_node_is_listed(node)) {
        node->previous->next = node->next;
        node->next->previous = node->previous;
        node->next = NULL;
        node->previous = NULL;
    }
}

/* The first, taken out; NULL where there is none. */
static inline amqpci_node *amqpci_list_take(amqpci_node *list)
{
    amqpci_node *node = list->next;
    if (node == list) {
        return NULL;
    }
    amqpci_node_remove(node);
    return node;
}

/* All of `from` to the end of `to`. */
static inline void amqpci_list_move(amqpci_node *to, amqpci_node *from)
{
    if (!amqpci_list_is_empty(from)) {
        from->next->previous = to->previous;
        to->previous->next = from->next;
        from->previous->next = to;
        to->previous = from->previous;
        amqpci_list_init(from);
    }
}

#endif
