/* Storing the fields of composites: what the generated encoders are made of (AMQP 1.4). */
#ifndef AMQPCI_SCHEMA_FIELDS_STORE_H
#define AMQPCI_SCHEMA_FIELDS_STORE_H

#include <amqpcodec/composites.h>

#include "codec/store.h"

/* How many fields must be written: those up to the last one that is present. */
AMQPCI_INLINE uint32_t amqpci_field_count(uint32_t present)
{
    return present == 0 ? 0 : 32 - (uint32_t)__builtin_clz(present);
}

/* Stores the descriptor, and leaves room for the header of a list8: | 00 53 type | c0 size count |
 */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_list_begin(amqpci_sink *sink, uint8_t type,
                                                         size_t *start)
{
    amqpc_status status = amqpci_sink_reserve(sink, 6);
    if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {
        return status;
    }
    uint8_t *to = sink->position;
    to[0] = 0x00;
    to[1] = AMQPC_CODE_SMALLULONG;
    to[2] = type;
    to[3] = AMQPC_CODE_LIST8;
    *start = amqpci_sink_offset(sink);
    sink->position = to + 6;
    return AMQPC_OK;
}

/* Stores a composite without fields: | 00 53 type | 45 | */
AMQPC_CHECK amqpc_status amqpci_list_empty(amqpci_sink *sink, uint8_t type);

/* The slow path of amqpci_list_end: a list that needs four bytes of size. */
AMQPC_CHECK amqpc_status amqpci_list_widen(amqpci_sink *sink, size_t start, uint32_t count);

/* Stores size and count of the list, which has fields: list8, or list32. */
AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_list_end(amqpci_sink *sink, size_t start,
                                                       uint32_t count)
{
    uint8_t *list = sink->start + start + 3;
    size_t size = (size_t)(sink->position - (list + 2));
    if (AMQPCI_UNLIKELY(size > UINT8_MAX)) {
        return amqpci_list_widen(sink, start, count);
    }
    list[1] = (uint8_t)size;
    list[2] = (uint8_t)count;
    return AMQPC_OK;
}

/* Fields of types that are not straight-line. AMQPC_INVALID_ARGUMENT for a value of another type
 * than may stand there. */
AMQPC_CHECK amqpc_status amqpci_store_map(amqpci_sink *sink, const amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_store_any(amqpci_sink *sink, const amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_store_described(amqpci_sink *sink, const amqpc_value *value);
AMQPC_CHECK amqpc_status amqpci_store_symbols(amqpci_sink *sink, const amqpc_symbols *symbols);
AMQPC_CHECK amqpc_status amqpci_store_error(amqpci_sink *sink, const amqpc_error *error);
AMQPC_CHECK amqpc_status amqpci_store_message_id_any(amqpci_sink *sink, const amqpc_value *value);

AMQPC_CHECK AMQPCI_INLINE amqpc_status amqpci_store_message_id(amqpci_sink *sink,
                                                               const amqpc_value *value)
{
    if (AMQPCI_LIKELY(value->type == AMQPC_TYPE_STRING && value->code == AMQPC_CODE_SMALLEST)) {
        return amqpci_store_string(sink, value->as.bytes);
    }
    return amqpci_store_message_id_any(sink, value);
}

#endif
