#include <string.h>

#include "soak/soak.h"

/* Stands before the bytes of each message. */
typedef struct content_head {
    uint64_t sender;
    uint64_t number;
} content_head;

/* Most are small; a few are larger than a frame. */
static size_t size_of(uint64_t number)
{
    uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
    uint64_t die = mixed % 1000;
    uint64_t most = die < 5 ? SOAK_SIZE_MOST : die < 100 ? 8192 : 512;
    return sizeof(content_head) + (size_t)(mixed / 1000 % (most - sizeof(content_head)));
}

static uint8_t byte_of(uint64_t number, size_t index)
{
    return (uint8_t)(number * 7 + index);
}

void soak_content_make(unsigned sender, uint64_t number, uint8_t *data, amqpc_message *message)
{
    const content_head head = {.sender = sender, .number = number};
    size_t size = size_of(number);
    memcpy(data, &head, sizeof head);
    for (size_t i = sizeof head; i < size; i++) {
        data[i] = byte_of(number, i);
    }
    amqpc_message_init(message);
    message->sections = AMQPC_SECTION_BODY;
    message->body_kind = AMQPC_BODY_DATA;
    message->body_count = 1;
    message->body.type = AMQPC_TYPE_BINARY;
    message->body.as.bytes = (amqpc_bytes){data, size};
}

bool soak_content_read(amqpc_bytes payload, unsigned *sender, uint64_t *number)
{
    amqpc_message message;
    content_head head;
    if (amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL) != AMQPC_OK) {
        return false;
    }
    amqpc_bytes body = message.body.as.bytes;
    if (message.body_kind != AMQPC_BODY_DATA || body.size < sizeof head) {
        return false;
    }
    memcpy(&head, body.data, sizeof head);
    const uint8_t *bytes = body.data;
    bool as_made = head.sender < SOAK_SENDERS && body.size == size_of(head.number);
    for (size_t i = sizeof head; as_made && i < body.size; i++) {
        as_made = bytes[i] == byte_of(head.number, i);
    }
    *sender = (unsigned)head.sender;
    *number = head.number;
    return as_made;
}
