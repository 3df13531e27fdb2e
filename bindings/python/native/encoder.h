/* From Python's values to AMQP: a stack on which values are built, bottom up, and what makes
 * messages of them.
 *
 * A compound takes its items off the stack and goes onto it.
 * Nothing here recurses; what a caller declares is never allocated, only what has come. */
#ifndef AMQPCODEC_CROSSING_ENCODER_H
#define AMQPCODEC_CROSSING_ENCODER_H

#include "crossing.h"

/* Places in the flat list of a message. */
enum {
    FIELD_FLAGS = 0,
    FIELD_DURABLE = 1,
    FIELD_PRIORITY = 2,
    FIELD_TTL = 3,
    FIELD_FIRST_ACQUIRER = 4,
    FIELD_DELIVERY_COUNT = 5,
    FIELD_DELIVERY_ANNOTATIONS = 6,
    FIELD_MESSAGE_ANNOTATIONS = 7,
    FIELD_MESSAGE_ID = 8,
    FIELD_USER_ID = 9,
    FIELD_TO = 10,
    FIELD_SUBJECT = 11,
    FIELD_REPLY_TO = 12,
    FIELD_CORRELATION_ID = 13,
    FIELD_CONTENT_TYPE = 14,
    FIELD_CONTENT_ENCODING = 15,
    FIELD_ABSOLUTE_EXPIRY_TIME = 16,
    FIELD_CREATION_TIME = 17,
    FIELD_GROUP_ID = 18,
    FIELD_GROUP_SEQUENCE = 19,
    FIELD_REPLY_TO_GROUP_ID = 20,
    FIELD_APPLICATION_PROPERTIES = 21,
    FIELD_BODY = 22,
    FIELD_FOOTER = 23,
    FIELD_COUNT = 24
};

typedef struct arena_chunk arena_chunk;

/* A value that others are the same as. Its type is REFERENCE_OPEN until it is complete. */
typedef struct crossing_reference {
    amqpc_value value;
    uint64_t weight; /* values that it consists of, itself included */
} crossing_reference;

struct crossing_encoder_parts {
    amqpc_writer *writer;
    amqpc_message message;

    amqpc_value *stack;
    uint32_t stack_count;
    uint32_t stack_capacity;
    amqpc_status status; /* the first failure of those calls */
    bool has_binary;     /* see CROSSING_HAS_BINARY */

    /* What marshal may refer to by number. */
    crossing_reference *references;
    uint32_t reference_count;
    uint32_t reference_capacity;

    /* Memory of items and copied texts, kept until the encoder starts over. */
    arena_chunk *arena;
    size_t arena_used;

    const amqpc_bytes *bodies; /* of messages that are encoded by CROSSING_BODY_BORROWED */
    size_t body_count;

    uint8_t *window; /* CROSSING_WINDOW bytes, which never move */
    uint8_t *output; /* the window, or where what does not fit it is put */
    size_t output_capacity;

    /* Their addresses come when the batch is complete: the output may move. */
    amqpc_bytes *payloads;
    size_t *ends;
    uint32_t payload_capacity;
};

enum { REFERENCE_OPEN = 0xff };

/* Forgets all that was built and encoded. */
void crossing_encoder_reset(crossing_encoder *encoder);

/* Memory that lasts until the encoder starts over; NULL where there is none. */
void *crossing_arena_take(crossing_encoder *encoder, size_t size);

/* Room for one value more; the caller fills it. */
amqpc_status crossing_stack_grow(crossing_encoder *encoder);

static inline amqpc_status crossing_push(crossing_encoder *encoder, const amqpc_value *value)
{
    struct crossing_encoder_parts *parts = encoder->parts;
    if (parts->stack_count == parts->stack_capacity) {
        amqpc_status status = crossing_stack_grow(encoder);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    parts->stack[parts->stack_count++] = *value;
    return AMQPC_OK;
}

/* Room for one reference more. */
amqpc_status crossing_reference_room(crossing_encoder *encoder);

/* Takes all values from `base` on off the stack, and makes a list or a map of them. */
amqpc_status crossing_collect(crossing_encoder *encoder, uint32_t base, unsigned type,
                              amqpc_value *compound);

/* Makes the value of an AMQP type from a plain one: an integer of some width, a symbol of a string,
 * a uuid of 16 bytes, a map of a list; AMQPC_INVALID_ARGUMENT where it cannot be. */
amqpc_status crossing_typed(unsigned type, const amqpc_value *plain, amqpc_value *typed);

/* Makes an array of a list whose elements have the type already. */
amqpc_status crossing_array(unsigned element_type, const amqpc_value *list, amqpc_value *array);

/* Encodes one value, behind what the output has. */
amqpc_status crossing_store_value(crossing_encoder *encoder, const amqpc_value *value);

/* Fills parts->message from FIELD_COUNT values; encoder->field tells which one is at fault. In
 * message_fill.c. */
amqpc_status crossing_fill_message(crossing_encoder *encoder, const amqpc_value *fields);

/* Encodes a message of FIELD_COUNT values as the next payload; encoder->field tells which one is at
 * fault. */
amqpc_status crossing_store_message(crossing_encoder *encoder, const amqpc_value *fields);

/* What calls from Python return. */
static inline int64_t crossing_result(const crossing_encoder *encoder, amqpc_status status,
                                      size_t value)
{
    int64_t flag = encoder->parts->has_binary ? CROSSING_HAS_BINARY : 0;
    return status == AMQPC_OK ? (int64_t)value | flag : -1 - (int64_t)status;
}

/* Completes the batch: the payloads get their addresses. */
void crossing_finish(crossing_encoder *encoder);

#endif
