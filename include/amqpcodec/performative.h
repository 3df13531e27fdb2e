/* Composites of which the type is not known beforehand: performatives, SASL frames, and the rest
 * by descriptor. */
#ifndef AMQPCODEC_PERFORMATIVE_H
#define AMQPCODEC_PERFORMATIVE_H

#include <amqpcodec/composites.h>

AMQPC_BEGIN_DECLS

/* One performative of any type, AMQP or SASL, and the payload behind it.
 *
 * type     amqpc_composite_type: which member of `as` holds; AMQPC_COMPOSITE_NONE in an empty frame
 * payload  of a transfer the bytes behind the performative; otherwise empty */
typedef struct amqpc_performative {
    uint32_t type;
    amqpc_bytes payload;
    union {
        amqpc_open open;
        amqpc_begin begin;
        amqpc_attach attach;
        amqpc_flow flow;
        amqpc_transfer transfer;
        amqpc_disposition disposition;
        amqpc_detach detach;
        amqpc_end end;
        amqpc_close close;
        amqpc_sasl_mechanisms sasl_mechanisms;
        amqpc_sasl_init sasl_init;
        amqpc_sasl_challenge sasl_challenge;
        amqpc_sasl_response sasl_response;
        amqpc_sasl_outcome sasl_outcome;
    } as;
} amqpc_performative;

/* Decodes the body of a frame.
 *
 * frame_type    amqpc_frame_type: 0 takes the performatives of AMQP 2.7, 1 those of SASL, AMQP
 *               5.3.3
 * data, size    borrowed: the performative points into it
 * limits        borrowed until return; NULL for the defaults
 * performative  its type, payload and one member of `as` are written, on success
 * offset        may be NULL; on success `size`, on failure the offset of the first byte at fault
 *
 * Returns AMQPC_OK; AMQPC_UNKNOWN_DESCRIPTOR, also for a performative of the other frame type;
 * AMQPC_UNEXPECTED_PAYLOAD behind anything but a transfer; a status of the encoding or composite
 * range. */
AMQPC_API amqpc_status amqpc_performative_decode(unsigned frame_type, const void *data, size_t size,
                                                 const amqpc_limits *limits,
                                                 amqpc_performative *performative,
                                                 size_t *offset) AMQPC_CHECK;

/* Encodes a performative and its payload.
 *
 * data, capacity  where to
 * size            receives the bytes written
 *
 * Returns AMQPC_OK; AMQPC_BUFFER_FULL; AMQPC_MISSING_FIELD; AMQPC_INVALID_ARGUMENT for a type
 * that is none, a payload where there may be none, or a field that cannot be encoded. */
AMQPC_API amqpc_status amqpc_performative_encode(const amqpc_performative *performative, void *data,
                                                 size_t capacity, size_t *size) AMQPC_CHECK;

/* Which composite a described value is: an amqpc_composite_type, by its numeric or symbolic
 * descriptor.
 *
 * value  borrowed until return
 *
 * Returns AMQPC_COMPOSITE_NONE where it is none, or not a described value. Symbols match whole
 * (AMQP 1.3). */
AMQPC_API uint32_t amqpc_value_composite(const amqpc_value *value);

/* The types that a composite's field may have in C. */
typedef enum amqpc_field_kind {
    AMQPC_FIELD_BOOLEAN = 0,     /* bool */
    AMQPC_FIELD_UBYTE = 1,       /* uint8_t */
    AMQPC_FIELD_USHORT = 2,      /* uint16_t */
    AMQPC_FIELD_UINT = 3,        /* uint32_t */
    AMQPC_FIELD_ULONG = 4,       /* uint64_t */
    AMQPC_FIELD_TIMESTAMP = 5,   /* int64_t, milliseconds since 1970 UTC */
    AMQPC_FIELD_BINARY = 6,      /* amqpc_bytes */
    AMQPC_FIELD_STRING = 7,      /* amqpc_bytes, UTF-8 */
    AMQPC_FIELD_SYMBOL = 8,      /* amqpc_bytes, ASCII */
    AMQPC_FIELD_SYMBOLS = 9,     /* amqpc_symbols */
    AMQPC_FIELD_MAP = 10,        /* amqpc_value */
    AMQPC_FIELD_ANY = 11,        /* amqpc_value */
    AMQPC_FIELD_DESCRIBED = 12,  /* amqpc_value, a described value */
    AMQPC_FIELD_MESSAGE_ID = 13, /* amqpc_value: ulong, uuid, binary or string */
    AMQPC_FIELD_ERROR = 14       /* amqpc_error */
} amqpc_field_kind;

/* What the specification says of one field. All strings are static.
 *
 * name            in the specification: "delivery-tag"
 * type_name       in the specification: "delivery-tag", "uint", "*"
 * kind            amqpc_field_kind
 * mandatory       must not be null
 * multiple        may hold several values
 * offset          of the member in the composite's struct
 * default_text    as the specification writes it, or NULL
 * choices         of an enumerated type the names of 0, 1, ..., separated by one space each;
 *                 otherwise NULL */
typedef struct amqpc_field_info {
    const char *name;
    const char *type_name;
    uint32_t kind;
    bool mandatory;
    bool multiple;
    size_t offset;
    const char *default_text;
    const char *choices;
} amqpc_field_info;

/* What the specification says of one composite. All strings are static.
 *
 * name         in the specification: "transfer"
 * symbol       the symbolic descriptor: "amqp:transfer:list"
 * type         the numeric descriptor, an amqpc_composite_type
 * size         of its struct
 * field_count  how many fields, and bits of `present`
 * fields       one each, in order */
typedef struct amqpc_composite_info {
    const char *name;
    const char *symbol;
    uint32_t type;
    size_t size;
    uint32_t field_count;
    const amqpc_field_info *fields;
} amqpc_composite_info;

/* The entry of a composite type, or NULL. Static. */
AMQPC_API const amqpc_composite_info *amqpc_composite_info_get(uint32_t type);

/* All entries, `*count` of them, in the order of their descriptors. Static. */
AMQPC_API const amqpc_composite_info *amqpc_composite_info_all(size_t *count);

AMQPC_END_DECLS

#endif
