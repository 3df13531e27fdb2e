/* What each format code means for the bytes behind it (AMQP 1.6), as one table of 256 entries. */
#ifndef AMQPCI_CODEC_FORMAT_CODE_H
#define AMQPCI_CODEC_FORMAT_CODE_H

#include <amqpcodec/value.h>

#include "base/compiler.h"

/* The layout of a value behind its constructor. Values below LAYOUT_CHECKED are fixed widths
 * whose every content is valid. */
enum {
    AMQPCI_LAYOUT_FIXED_MAX = 16, /* 0, 1, 2, 4, 8, 16: that many bytes */
    AMQPCI_LAYOUT_BOOLEAN = 17,   /* 1 byte, 0 or 1 */
    AMQPCI_LAYOUT_CHAR = 18,      /* 4 bytes, a code point */
    AMQPCI_LAYOUT_BINARY8 = 19,   /* 1 byte of size, then bytes */
    AMQPCI_LAYOUT_STRING8 = 20,
    AMQPCI_LAYOUT_SYMBOL8 = 21,
    AMQPCI_LAYOUT_BINARY32 = 22, /* 4 bytes of size, then bytes */
    AMQPCI_LAYOUT_STRING32 = 23,
    AMQPCI_LAYOUT_SYMBOL32 = 24,
    AMQPCI_LAYOUT_COMPOUND8 = 25,  /* 1 byte each of size and count; list or map */
    AMQPCI_LAYOUT_COMPOUND32 = 26, /* 4 bytes each */
    AMQPCI_LAYOUT_ARRAY8 = 27,
    AMQPCI_LAYOUT_ARRAY32 = 28,
    AMQPCI_LAYOUT_DESCRIBED = 29,
    AMQPCI_LAYOUT_RESERVED = 30
};

typedef struct amqpci_code_info {
    uint8_t layout;
    uint8_t type; /* amqpc_type, where the layout is not RESERVED */
} amqpci_code_info;

extern const amqpci_code_info amqpci_code_infos[256];

/* A set of types, for fields that take several. */
#define AMQPCI_TYPE_BIT(type) (1u << (type))

/* Whether elements of this layout take no byte. */
AMQPCI_INLINE bool amqpci_layout_is_scalar(unsigned layout)
{
    return layout < AMQPCI_LAYOUT_COMPOUND8;
}

#endif
