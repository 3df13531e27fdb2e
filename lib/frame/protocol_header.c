/* Protocol headers (AMQP 2.2, 5.2.1, 5.3.2): | "AMQP" | protocol id | major 1 | minor 0 | revision
 * 0 | */
#include <amqpcodec/frame.h>
#include <string.h>

static const uint8_t header_start[] = {'A', 'M', 'Q', 'P'};
static const uint8_t header_end[] = {1, 0, 0};

static bool byte_matches(size_t index, uint8_t byte)
{
    if (index < sizeof header_start) {
        return byte == header_start[index];
    }
    if (index == sizeof header_start) {
        return byte == AMQPC_PROTOCOL_AMQP || byte == AMQPC_PROTOCOL_TLS ||
               byte == AMQPC_PROTOCOL_SASL;
    }
    return byte == header_end[index - sizeof header_start - 1];
}

amqpc_status amqpc_protocol_header_parse(const void *data, size_t size, amqpc_protocol *protocol,
                                         size_t *offset)
{
    const uint8_t *bytes = (const uint8_t *)data;
    size_t index = 0;
    while (index < AMQPC_PROTOCOL_HEADER_SIZE && index < size &&
           byte_matches(index, bytes[index])) {
        index++;
    }
    if (offset != NULL) {
        *offset = index;
    }
    if (index == AMQPC_PROTOCOL_HEADER_SIZE) {
        *protocol = (amqpc_protocol)bytes[sizeof header_start];
        return AMQPC_OK;
    }
    return index == size ? AMQPC_NEED_MORE : AMQPC_BAD_PROTOCOL_HEADER;
}

amqpc_status amqpc_protocol_header_write(amqpc_protocol protocol, void *data, size_t capacity)
{
    uint8_t *bytes = (uint8_t *)data;
    if ((unsigned)protocol > UINT8_MAX || !byte_matches(sizeof header_start, (uint8_t)protocol)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (capacity < AMQPC_PROTOCOL_HEADER_SIZE) {
        return AMQPC_BUFFER_FULL;
    }
    memcpy(bytes, header_start, sizeof header_start);
    bytes[sizeof header_start] = (uint8_t)protocol;
    memcpy(bytes + sizeof header_start + 1, header_end, sizeof header_end);
    return AMQPC_OK;
}
