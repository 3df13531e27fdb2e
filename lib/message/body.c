/* Reading the body sections of a message one by one; empty messages. */
#include <string.h>

#include "message/section.h"
#include "schema/fields.h"

void amqpc_message_init(amqpc_message *message)
{
    memset(message, 0, sizeof *message);
    message->header.priority = AMQPCI_DEFAULT_PRIORITY;
}

void amqpc_body_init(const amqpc_message *message, amqpc_body *body)
{
    amqpc_bytes encoded = message->encoded[AMQPCI_INDEX_BODY];
    *body = (amqpc_body){.message = message, .remaining = message->body_count};
    if (message->bodies == NULL && message->body_count > 1) {
        body->position = (const uint8_t *)encoded.data;
        body->end = encoded.size == 0 ? body->position : body->position + encoded.size;
    }
}

amqpc_status amqpc_body_next(amqpc_body *body, amqpc_value *value)
{
    if (body->remaining == 0) {
        return AMQPC_NOT_FOUND;
    }
    amqpc_value section;
    amqpc_value ignored;
    if (body->message->bodies != NULL) {
        *value = body->message->bodies[body->index];
    } else if (body->position == NULL) {
        *value = body->message->body;
    } else {
        const uint8_t *next = amqpci_read_value(body->position, body->end, &section);
        if (next == NULL || section.type != AMQPC_TYPE_DESCRIBED) {
            return AMQPC_TRUNCATED;
        }
        const uint8_t *content =
            amqpci_read_value((const uint8_t *)section.as.bytes.data, next, &ignored);
        if (content == NULL || amqpci_read_value(content, next, value) == NULL) {
            return AMQPC_TRUNCATED;
        }
        body->position = next;
    }
    body->index++;
    body->remaining--;
    return AMQPC_OK;
}
