/* Messages: one pass over the sections, and back (AMQP 3.2). */
#ifndef AMQPCODEC_MESSAGE_H
#define AMQPCODEC_MESSAGE_H

#include <amqpcodec/buffer.h>
#include <amqpcodec/composites.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

/* Bits of amqpc_message.sections: which sections are there. */
#define AMQPC_SECTION_HEADER                 1u
#define AMQPC_SECTION_DELIVERY_ANNOTATIONS   2u
#define AMQPC_SECTION_MESSAGE_ANNOTATIONS    4u
#define AMQPC_SECTION_PROPERTIES             8u
#define AMQPC_SECTION_APPLICATION_PROPERTIES 16u
#define AMQPC_SECTION_BODY                   32u
#define AMQPC_SECTION_FOOTER                 64u

/* What the body consists of (AMQP 3.2.6 to 3.2.8). */
typedef enum amqpc_body_kind {
    AMQPC_BODY_NONE =
        0, /* no section at all; the specification wants one, some programs send none */
    AMQPC_BODY_DATA = 1,     /* data sections: binary values */
    AMQPC_BODY_SEQUENCE = 2, /* amqp-sequence sections: lists */
    AMQPC_BODY_VALUE = 3     /* one amqp-value section: any value */
} amqpc_body_kind;

/* A message, as views.
 *
 * From amqpc_message_decode all pointers lie in the input. To encode one, set a bit of `sections`
 * for each section, its member, and the body; the members of absent sections are not looked at.
 * Start from amqpc_message_init.
 *
 * sections                AMQPC_SECTION_ bits
 * body_kind               amqpc_body_kind
 * body_count              sections of the body: 1, or more where there are several data or
 *                         sequence sections
 * header, properties      with the specification's defaults in absent fields; `present` tells
 * delivery_annotations, message_annotations, application_properties,
 * footer                  values of AMQPC_TYPE_MAP, of either form. Keys of application
 *                         properties are strings; of the others symbols or ulongs (strings are
 *                         let through, because programs send them).
 * body                    the first, mostly the only, section of the body
 * bodies                  to encode several sections: `body_count` values, where it is not NULL
 *                         instead of `body`; decoding sets NULL
 * encoded                 from decoding: each section as it arrived, descriptor included, in the
 *                         order of the bits above; body sections together. Encoding with
 *                         AMQPC_ENCODE_AS_ARRIVED copies a section's bytes instead of its member;
 *                         a program that changes a section sets its size here to 0. */
typedef struct amqpc_message {
    uint32_t sections;
    uint32_t body_kind;
    uint32_t body_count;
    uint32_t reserved;
    amqpc_header header;
    amqpc_value delivery_annotations;
    amqpc_value message_annotations;
    amqpc_properties properties;
    amqpc_value application_properties;
    amqpc_value body;
    const amqpc_value *bodies;
    amqpc_value footer;
    amqpc_bytes encoded[7];
} amqpc_message;

/* Flags of the encoding functions. */
#define AMQPC_ENCODE_AS_ARRIVED 1u /* sections whose `encoded` is set are copied, byte for byte */

/* Makes an empty message: no sections, members at their defaults. */
AMQPC_API void amqpc_message_init(amqpc_message *message);

/* Decodes and validates a message, every section to its last byte; allocates nothing.
 *
 * data, size  borrowed: the message points into it
 * limits      borrowed until return; NULL for the defaults
 * message     written on success; on failure its contents are undefined
 * offset      may be NULL; on success `size`, on failure the offset of the first byte at fault
 *
 * Returns AMQPC_OK; AMQPC_UNKNOWN_SECTION, AMQPC_SECTION_ORDER, AMQPC_SECTION_REPEATED; a status
 * of the encoding or composite range. */
AMQPC_API amqpc_status amqpc_message_decode(const void *data, size_t size,
                                            const amqpc_limits *limits, amqpc_message *message,
                                            size_t *offset) AMQPC_CHECK;

/* A place among the body sections of a message. Make one by amqpc_body_init; the members are the
 * library's. */
typedef struct amqpc_body {
    const amqpc_message *message;
    const uint8_t *position;
    const uint8_t *end;
    uint32_t remaining;
    uint32_t index;
} amqpc_body;

/* Starts at the first section of the body. message is borrowed as long as body is used. */
AMQPC_API void amqpc_body_init(const amqpc_message *message, amqpc_body *body);

/* Reads the next section of the body: a binary, a list, or the value.
 *
 * Returns AMQPC_OK; AMQPC_NOT_FOUND after the last; a status of the encoding range if `encoded`
 * was never validated. */
AMQPC_API amqpc_status amqpc_body_next(amqpc_body *body, amqpc_value *value) AMQPC_CHECK;

/* An upper bound of the bytes that encoding the message takes; exact to within a few bytes a
 * value. SIZE_MAX where it overflows. */
AMQPC_API size_t amqpc_message_encoded_bound(const amqpc_message *message, unsigned flags);

/* Encodes a message into memory of the caller.
 *
 * message         borrowed until return
 * flags           0 or AMQPC_ENCODE_AS_ARRIVED
 * data, capacity  where to
 * size            receives the bytes written
 *
 * Returns AMQPC_OK; AMQPC_BUFFER_FULL (amqpc_message_encoded_bound says how much is enough);
 * AMQPC_INVALID_ARGUMENT for a section whose value has the wrong type, or for what
 * amqpc_writer_value refuses. */
AMQPC_API amqpc_status amqpc_message_encode(const amqpc_message *message, unsigned flags,
                                            void *data, size_t capacity, size_t *size) AMQPC_CHECK;

/* As amqpc_message_encode, appended to a buffer; on failure it is as before. Adds
 * AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_message_append(const amqpc_message *message, unsigned flags,
                                            amqpc_buffer *buffer) AMQPC_CHECK;

/* As amqpc_message_encode, but a body of one data section is left out, for writers that send it
 * from where it lies.
 *
 * The message on the wire is: the first `*body_offset` bytes at data, then message->body, then
 * the rest of the `*size` bytes. With any other body *body_offset is *size, and nothing is left
 * out. */
AMQPC_API amqpc_status amqpc_message_encode_around(const amqpc_message *message, unsigned flags,
                                                   void *data, size_t capacity, size_t *size,
                                                   size_t *body_offset) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
