/* A walk over encoded values: one constructor a step, validated, with an explicit stack.
 * amqpci_skip and the reader are made of it. */
#ifndef AMQPCI_CODEC_WALK_H
#define AMQPCI_CODEC_WALK_H

#include "codec/cursor.h"

/* A compound that was entered. The cursor's end stays the input's; `end` bounds what is in the
 * compound. */
typedef struct amqpci_level {
    const uint8_t *end;     /* of the content; of a described value, of what encloses it */
    const uint8_t *content; /* of a map whose keys are to be compared: its entries; of an array: its
                               constructor; otherwise NULL */
    uint32_t remaining;     /* elements not yet begun */
    uint32_t
        count; /* of a map its keys and values; of an array the size of its elements' descriptors */
    uint8_t type;         /* amqpc_type */
    uint8_t element_code; /* of an array, otherwise 0 */
} amqpci_level;

typedef struct amqpci_walk {
    amqpci_cursor *cursor;
    bool stepwise; /* stop at every element and every descriptor; otherwise step over what needs no
                      stack */
    unsigned
        depth; /* entries of stack in use, the first one, which is not a compound, not counted */
    amqpci_level stack[AMQPC_DEPTH_MAX + 1];
} amqpci_walk;

/* Starts at the cursor. `remaining` values are there to be walked over; they are elements of an
 * array where element_code is not 0. */
static inline void amqpci_walk_init(amqpci_walk *walk, amqpci_cursor *cursor, uint8_t element_code,
                                    uint32_t remaining)
{
    walk->cursor = cursor;
    walk->stepwise = false;
    walk->depth = 0;
    walk->stack[0] =
        (amqpci_level){.end = cursor->end, .remaining = remaining, .element_code = element_code};
}

/* Takes the next constructor of the innermost level, which has elements remaining, and its
 * content if it is not compound. On failure the cursor stands at the byte at fault. */
AMQPC_CHECK amqpc_status amqpci_walk_step(amqpci_walk *walk);

/* Ends the innermost level, which has no elements remaining. */
AMQPC_CHECK amqpc_status amqpci_walk_leave(amqpci_walk *walk);

/* Validates and steps over one value, which has no constructor of its own where element_code is
 * not 0. */
AMQPC_CHECK amqpc_status amqpci_skip_element(amqpci_cursor *cursor, uint8_t element_code);

#endif
