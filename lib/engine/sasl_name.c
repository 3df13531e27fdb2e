/* Names and the gs2 header. */
#include "engine/sasl_name.h"

#include <string.h>

#include "codec/text.h"

bool amqpci_sasl_is_text(amqpc_bytes bytes)
{
    return bytes.size == 0 || (memchr(bytes.data, 0, bytes.size) == NULL &&
                               amqpci_is_utf8((const uint8_t *)bytes.data, bytes.size));
}

amqpc_status amqpci_sasl_name_escape(const amqpc_allocator *allocator, amqpc_bytes name,
                                     amqpci_secret *out)
{
    const uint8_t *from = (const uint8_t *)name.data;
    size_t size = name.size;
    for (size_t i = 0; i < name.size; i++) {
        size += from[i] == ',' || from[i] == '=' ? 2 : 0;
    }
    amqpc_status status = amqpci_secret_resize(allocator, out, size);
    size_t at = 0;
    for (size_t i = 0; status == AMQPC_OK && i < name.size; i++) {
        if (from[i] == ',' || from[i] == '=') {
            memcpy(out->data + at, from[i] == ',' ? "=2C" : "=3D", 3);
            at += 3;
        } else {
            out->data[at++] = from[i];
        }
    }
    return status;
}

amqpc_status amqpci_sasl_name_unescape(const amqpc_allocator *allocator, amqpc_bytes text,
                                       amqpci_secret *out)
{
    const uint8_t *from = (const uint8_t *)text.data;
    if (!amqpci_sasl_is_text(text)) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    amqpc_status status = amqpci_secret_resize(allocator, out, text.size);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t to = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = from[i];
        if (character == '=') {
            if (text.size - i < 3) {
                return AMQPC_SASL_BAD_CHALLENGE;
            }
            bool comma = memcmp(from + i, "=2C", 3) == 0;
            if (!comma && memcmp(from + i, "=3D", 3) != 0) {
                return AMQPC_SASL_BAD_CHALLENGE;
            }
            character = comma ? ',' : '=';
            i += 2;
        }
        out->data[to++] = character;
    }
    out->size = to;
    return AMQPC_OK;
}

amqpc_status amqpci_sasl_gs2_header(const amqpc_allocator *allocator, amqpc_bytes authorization_id,
                                    amqpci_secret *out)
{
    amqpci_secret name = {NULL, 0};
    amqpc_status status = amqpci_sasl_name_escape(allocator, authorization_id, &name);
    if (status == AMQPC_OK) {
        const amqpc_bytes parts[] = {amqpci_text(authorization_id.size > 0 ? "n,a=" : "n,"),
                                     amqpci_secret_view(&name), amqpci_text(",")};
        status = amqpci_secret_join(allocator, out, parts, sizeof parts / sizeof *parts);
    }
    amqpci_secret_release(allocator, &name);
    return status;
}

amqpc_status amqpci_sasl_gs2_read(const amqpc_allocator *allocator, amqpc_bytes message,
                                  amqpc_bytes *header, amqpc_bytes *rest,
                                  amqpci_secret *authorization_id)
{
    const char *text = (const char *)message.data;
    /* "n": the client does not know channel binding; "y": it does, and thinks that we do not. */
    if (message.size < 3 || (text[0] != 'n' && text[0] != 'y') || text[1] != ',') {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    const char *comma = (const char *)memchr(text + 2, ',', message.size - 2);
    if (comma == NULL) {
        return AMQPC_SASL_BAD_CHALLENGE;
    }
    size_t size = (size_t)(comma - text) + 1;
    *header = (amqpc_bytes){text, size};
    *rest = (amqpc_bytes){text + size, message.size - size};
    amqpc_bytes name = {text + 2, size - 3};
    if (name.size > 0) {
        if (name.size < 3 || memcmp(name.data, "a=", 2) != 0) {
            return AMQPC_SASL_BAD_CHALLENGE;
        }
        name = (amqpc_bytes){text + 4, size - 5};
    }
    return amqpci_sasl_name_unescape(allocator, name, authorization_id);
}
