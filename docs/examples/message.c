/* Encodes a message, decodes it, and prints it: the example of the README. */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>

int main(void)
{
    unsigned char bytes[256];
    size_t size = 0;
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_PROPERTIES | AMQPC_SECTION_BODY;
    message.properties.present = AMQPC_PROPERTIES_TO;
    message.properties.to = (amqpc_bytes){"queue/orders", 12};
    message.body_kind = AMQPC_BODY_DATA;
    message.body_count = 1;
    message.body = (amqpc_value){.type = AMQPC_TYPE_BINARY, .as.bytes = {"hello", 5}};
    amqpc_status status = amqpc_message_encode(&message, 0, bytes, sizeof bytes, &size);
    if (status == AMQPC_OK) {
        status = amqpc_message_decode(bytes, size, NULL, &message, NULL);
    }
    if (status != AMQPC_OK) {
        fprintf(stderr, "%s: %s\n", amqpc_status_name(status), amqpc_status_text(status));
        return 1;
    }
    printf("%zu bytes to %.*s\n", size, (int)message.properties.to.size,
           (const char *)message.properties.to.data);
    return 0;
}
