/* The output that crosses to Python, as the files that fill it see it. */
#ifndef AMQPCODEC_OUTPUT_H
#define AMQPCODEC_OUTPUT_H

#include "crossing.h"

enum {
    REMEMBERED_BITS = 7,
    REMEMBERED_SETS = 1 << REMEMBERED_BITS,
    REMEMBERED_SIZE_MAX = 32, /* longer strings are seldom the same */
    TEXT_HEAD_SIZE = 8        /* at most, in front of the bytes of a string or of a binary */
};

/* A string that was written since the output was started, and may be referred to. It is told by its
 * first and its last bytes, and, where that is not all of it, by its place in the output, for
 * inputs may be gone, or move. */
typedef struct remembered_text {
    uint64_t low;
    uint64_t high;
    uint64_t key; /* its size, and the generation of the output when it was written */
    size_t offset;
    uint32_t reference;
} remembered_text;

struct crossing_output {
    uint8_t *data;
    uint8_t *position;
    uint8_t *end; /* of the memory */
    uint32_t flags;
    uint32_t generation;
    uint32_t reference_count;
    size_t fault;
    crossing_view *views;
    uint32_t view_count;
    remembered_text remembered[REMEMBERED_SETS][2]; /* of each set the newer one first */
};

struct crossing_view {
    amqpc_delivery delivery;
    amqpc_bytes bytes;
    crossing_view *next;
    uint32_t index;
};

/* Forgets all that was put; memory is kept, unless it is much. */
void crossing_output_start(crossing_output *output);

/* Makes room for at least `size` more bytes. */
bool crossing_output_grow(crossing_output *output, size_t size);

static inline bool crossing_reserve(crossing_output *output, size_t size)
{
    return (size_t)(output->end - output->position) >= size || crossing_output_grow(output, size);
}

/* Puts a string, which is UTF-8. `repeats`: it may well come again, and is referred to then. */
amqpc_status crossing_put_text(crossing_output *output, const uint8_t *text, size_t size,
                               bool repeats);

/* The keys of a map: what is known of them. */
typedef enum crossing_keys {
    CROSSING_KEYS_ANY,
    CROSSING_KEYS_STRINGS,    /* strings only, of application properties */
    CROSSING_KEYS_ANNOTATIONS /* symbols and ulongs, which get no marks */
} crossing_keys;

/* Puts the value at `from`, which was validated, and is looked at with care all the same. */
amqpc_status crossing_put_value(crossing_output *output, const uint8_t *from, const uint8_t *end,
                                unsigned mode, crossing_keys keys);

/* The end of the encoded value at `from`; NULL where it does not end. */
const uint8_t *crossing_skip(const uint8_t *from, const uint8_t *end);

/* Whether a dict surely holds the map with these `count` keys and values, none of which are the
 * same in AMQP. */
bool crossing_keys_fit_dict(const uint8_t *from, const uint8_t *end, uint32_t count);

/* What is known of a message beside its bytes. */
typedef struct crossing_delivered {
    amqpc_delivery *delivery; /* NULL: no delivery */
    size_t view_size_min;
    bool fields_fixed; /* see crossing_put_message */
} crossing_delivered;

/* Puts the tuple of a message; after a failure output->fault is set, and the output is as it was.
 *
 * wanted  set of the tuple's fields; those that the message has beyond it are added, or, where they
 *         are fixed, make it AMQPC_LIMIT_REACHED */
amqpc_status crossing_put_message(crossing_output *output, amqpc_bytes payload, unsigned mode,
                                  const crossing_delivered *delivered, uint32_t *wanted);

#endif
