/* Making an amqpc_value from a format code and the content behind it; shared by all that hand out
 * values. */
#ifndef AMQPCI_CODEC_CONTENT_H
#define AMQPCI_CODEC_CONTENT_H

#include "codec/cursor.h"

AMQPCI_INLINE void amqpci_set_value(amqpc_value *value, uint8_t type, uint8_t code, uint32_t count)
{
    value->type = type;
    value->code = code;
    value->form = AMQPC_FORM_ENCODED;
    value->reserved = 0;
    value->count = count;
}

/* A value with constructor `code` (not described) and content from `content` on, within `end`.
 * Gives the byte behind it, or NULL where it does not fit. Texts and elements are not validated. */
const uint8_t *amqpci_read_content(uint8_t code, const uint8_t *content, const uint8_t *end,
                                   amqpc_value *value);

/* The value at `from`, which was validated as part of something larger. Gives the byte behind it;
 * NULL, within bounds, where it was not. */
const uint8_t *amqpci_read_value(const uint8_t *from, const uint8_t *end, amqpc_value *value);

#endif
