/* How many bytes a value takes at most: trees are walked with a stack. */
#include "codec/value_bound.h"

enum {
    FIXED_BOUND = 17,  /* a constructor and 16 bytes */
    HEADER_BOUND = 10, /* constructor, size, count; of an array its elements' constructor too */
};

typedef struct branch {
    const amqpc_value *items;
    uint32_t remaining;
} branch;

static bool is_tree(const amqpc_value *value)
{
    return value->type >= AMQPC_TYPE_LIST && value->form == AMQPC_FORM_ITEMS;
}

static size_t own_bound(const amqpc_value *value)
{
    if (value->type < AMQPC_TYPE_BINARY) {
        return FIXED_BOUND;
    }
    return is_tree(value) ? HEADER_BOUND : amqpci_bound_add(HEADER_BOUND, value->as.bytes.size);
}

size_t amqpci_value_bound(const amqpc_value *value)
{
    branch stack[AMQPC_DEPTH_MAX];
    unsigned depth = 0;
    size_t bound = own_bound(value);
    const amqpc_value *next = value;
    for (;;) {
        if (is_tree(next)) {
            if (depth == AMQPC_DEPTH_MAX) {
                return SIZE_MAX;
            }
            stack[depth++] = (branch){next->as.items, next->count};
        }
        while (depth > 0 && stack[depth - 1].remaining == 0) {
            depth--;
        }
        if (depth == 0) {
            return bound;
        }
        branch *inner = &stack[depth - 1];
        inner->remaining--;
        next = inner->items++;
        bound = amqpci_bound_add(bound, own_bound(next));
    }
}
