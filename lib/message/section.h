/* The sections of a message: their descriptors, and their places in amqpc_message (AMQP 3.2). */
#ifndef AMQPCI_MESSAGE_SECTION_H
#define AMQPCI_MESSAGE_SECTION_H

#include <amqpcodec/message.h>

#include "base/compiler.h"

/* Numeric descriptors. */
enum {
    AMQPCI_SECTION_HEADER = 0x70,
    AMQPCI_SECTION_DELIVERY_ANNOTATIONS = 0x71,
    AMQPCI_SECTION_MESSAGE_ANNOTATIONS = 0x72,
    AMQPCI_SECTION_PROPERTIES = 0x73,
    AMQPCI_SECTION_APPLICATION_PROPERTIES = 0x74,
    AMQPCI_SECTION_DATA = 0x75,
    AMQPCI_SECTION_SEQUENCE = 0x76,
    AMQPCI_SECTION_VALUE = 0x77,
    AMQPCI_SECTION_FOOTER = 0x78
};

/* Of a header without one (AMQP 3.2.1); the other defaults are zero. */
enum { AMQPCI_DEFAULT_PRIORITY = 4 };

/* Indexes of amqpc_message.encoded, and of the bits of its sections, in the order that sections
 * have. */
enum {
    AMQPCI_INDEX_HEADER = 0,
    AMQPCI_INDEX_DELIVERY_ANNOTATIONS = 1,
    AMQPCI_INDEX_MESSAGE_ANNOTATIONS = 2,
    AMQPCI_INDEX_PROPERTIES = 3,
    AMQPCI_INDEX_APPLICATION_PROPERTIES = 4,
    AMQPCI_INDEX_BODY = 5,
    AMQPCI_INDEX_FOOTER = 6
};

/* The index of the section with that descriptor. */
AMQPCI_INLINE unsigned amqpci_section_index(uint32_t type)
{
    if (type <= AMQPCI_SECTION_DATA) {
        return type - AMQPCI_SECTION_HEADER;
    }
    return type == AMQPCI_SECTION_FOOTER ? AMQPCI_INDEX_FOOTER : AMQPCI_INDEX_BODY;
}

/* The amqpc_body_kind of a body section's descriptor, and back. */
AMQPCI_INLINE uint32_t amqpci_body_kind(uint32_t type)
{
    return type - AMQPCI_SECTION_DATA + AMQPC_BODY_DATA;
}

AMQPCI_INLINE uint8_t amqpci_body_section(uint32_t kind)
{
    return (uint8_t)(kind - AMQPC_BODY_DATA + AMQPCI_SECTION_DATA);
}

#endif
