/* The way to a byte: in which value of encoded bytes it lies, and in which part of that value.
 *
 * The slow path that tells where a failure was. Decoders give a status and an offset; a trail leads
 * from the first byte to that offset, over the values that enclose it. It knows no schema: the
 * layer `explain` gives the names. */
#ifndef AMQPCI_CODEC_EXPLAIN_H
#define AMQPCI_CODEC_EXPLAIN_H

#include <amqpcodec/limits.h>

#include "codec/print.h"

/* Which part of a value a byte belongs to. */
typedef enum amqpci_part {
    AMQPCI_PART_CONSTRUCTOR, /* the format code */
    AMQPCI_PART_SIZE,        /* of a text, binary or compound */
    AMQPCI_PART_COUNT,       /* of a compound */
    AMQPCI_PART_CONTENT,     /* of a value that is not compound */
    AMQPCI_PART_ELEMENTS,    /* of an array, the format code of its elements */
    AMQPCI_PART_BEHIND,      /* bytes behind the last element of the innermost step */
    AMQPCI_PART_MISSING      /* an element of the innermost step which has no bytes */
} amqpci_part;

/* A value that encloses the place. The first step is no value, but all that is to be decoded. */
typedef struct amqpci_trail_step {
    const uint8_t *start;    /* the format code; of an element of an array, what follows it */
    const uint8_t *position; /* the element on the way */
    const uint8_t *previous; /* the element before it, or NULL */
    const uint8_t *content;  /* the first element */
    const uint8_t *end;      /* of the elements; of a described value, what encloses it ends */
    uint32_t count;          /* elements as declared: keys and values of a map, 2 if described */
    uint32_t index;          /* of the element on the way; `count` where it is behind the last */
    uint8_t type;            /* amqpc_type */
    uint8_t code;            /* its format code */
    uint8_t element_code;    /* of an array, otherwise 0 */
    bool in_constructor;     /* of an array: the place is in a descriptor of its constructor */
} amqpci_trail_step;

enum { AMQPCI_TRAIL_STEPS = AMQPC_DEPTH_MAX + 4 };

typedef struct amqpci_trail {
    amqpc_status status;
    const uint8_t *input;    /* offsets count from here */
    const uint8_t *position; /* the byte at fault */
    const uint8_t *value;    /* the value at fault, where part is neither BEHIND nor MISSING */
    const uint8_t *body;     /* what follows its format code, which an element of an array lacks */
    uint8_t code;            /* its format code */
    uint8_t part;            /* amqpci_part */
    unsigned depth;          /* the innermost step */
    amqpci_trail_step steps[AMQPCI_TRAIL_STEPS];
} amqpci_trail;

/* Finds the way to `position`, where decoding `count` values between `from` and `end` failed with
 * `status`. Whatever the bytes are, only those between `from` and `end` are read, in time that is
 * linear in the bytes before `position`.
 *
 * Of AMQPC_MISSING_FIELD it leads to the innermost compound that ends at `position`, with part
 * MISSING: which of the steps lacks the field, only the schema knows. */
void amqpci_trail_find(amqpci_trail *trail, const uint8_t *from, const uint8_t *end,
                       uint32_t count);

static inline const amqpci_trail_step *amqpci_trail_inner(const amqpci_trail *trail)
{
    return &trail->steps[trail->depth];
}

static inline size_t amqpci_trail_offset(const amqpci_trail *trail, const uint8_t *at)
{
    return (size_t)(at - trail->input);
}

/* The width of the size and the count of values with that format code: 4, 1, or 0 if it has no
 * size. */
size_t amqpci_code_width(uint8_t code);

/* The size of values of one of the layouts up to AMQPCI_LAYOUT_CHAR, which are fixed. */
size_t amqpci_layout_width(unsigned layout);

/* How many bytes, from the position on, are at fault: those of one field. */
size_t amqpci_trail_fault_size(const amqpci_trail *trail);

/* "1 byte", "3 bytes". */
void amqpci_print_number_of(amqpci_printer *printer, uint64_t number, const char *noun);

/* A format code by the name that the specification gives it: "str8-utf8 0xa1". */
void amqpci_print_code(amqpci_printer *printer, uint8_t code);

/* A type with its format codes: "uint (0x43, 0x52, 0x70)". */
void amqpci_print_type(amqpci_printer *printer, unsigned type);

/* The value at `from`, which need not be valid, in the notation where it is short and scalar; its
 * beginning, or its type, otherwise. */
void amqpci_print_brief(amqpci_printer *printer, const uint8_t *from, const uint8_t *end);

/* What kind of place it is, and what value it belongs to: "the size of a list8 0xc0 at offset 5".
 */
void amqpci_print_place(amqpci_printer *printer, const amqpci_trail *trail);

#endif
