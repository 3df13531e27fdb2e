/* The table of format codes. */
#include "codec/format_code.h"

#define RESERVED                                                                                   \
    {                                                                                              \
        AMQPCI_LAYOUT_RESERVED, 0                                                                  \
    }
#define RESERVED4  RESERVED, RESERVED, RESERVED, RESERVED
#define RESERVED8  RESERVED4, RESERVED4
#define RESERVED16 RESERVED8, RESERVED8
#define ENTRY(layout, type)                                                                        \
    {                                                                                              \
        layout, AMQPC_TYPE_##type                                                                  \
    }

/* One line each for 0x?0 to 0x?7 and 0x?8 to 0x?f. */
const amqpci_code_info amqpci_code_infos[256] = {
    /* 0x00 */ ENTRY(AMQPCI_LAYOUT_DESCRIBED, DESCRIBED),
    RESERVED,
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
    /* 0x10 */ RESERVED16,
    /* 0x20 */ RESERVED16,
    /* 0x30 */ RESERVED16,
    /* 0x40 */ ENTRY(0, NULL),
    ENTRY(0, BOOLEAN),
    ENTRY(0, BOOLEAN),
    ENTRY(0, UINT),
    ENTRY(0, ULONG),
    ENTRY(0, LIST),
    RESERVED,
    RESERVED,
    /* 0x48 */ RESERVED8,
    /* 0x50 */ ENTRY(1, UBYTE),
    ENTRY(1, BYTE),
    ENTRY(1, UINT),
    ENTRY(1, ULONG),
    ENTRY(1, INT),
    ENTRY(1, LONG),
    ENTRY(AMQPCI_LAYOUT_BOOLEAN, BOOLEAN),
    RESERVED,
    /* 0x58 */ RESERVED8,
    /* 0x60 */ ENTRY(2, USHORT),
    ENTRY(2, SHORT),
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
    /* 0x70 */ ENTRY(4, UINT),
    ENTRY(4, INT),
    ENTRY(4, FLOAT),
    ENTRY(AMQPCI_LAYOUT_CHAR, CHAR),
    ENTRY(4, DECIMAL32),
    RESERVED,
    RESERVED,
    RESERVED,
    /* 0x78 */ RESERVED8,
    /* 0x80 */ ENTRY(8, ULONG),
    ENTRY(8, LONG),
    ENTRY(8, DOUBLE),
    ENTRY(8, TIMESTAMP),
    ENTRY(8, DECIMAL64),
    RESERVED,
    RESERVED,
    RESERVED,
    /* 0x88 */ RESERVED8,
    /* 0x90 */ RESERVED,
    RESERVED,
    RESERVED,
    RESERVED,
    ENTRY(16, DECIMAL128),
    RESERVED,
    RESERVED,
    RESERVED,
    /* 0x98 */ ENTRY(16, UUID),
    RESERVED,
    RESERVED,
    RESERVED,
    RESERVED4,
    /* 0xa0 */ ENTRY(AMQPCI_LAYOUT_BINARY8, BINARY),
    ENTRY(AMQPCI_LAYOUT_STRING8, STRING),
    RESERVED,
    ENTRY(AMQPCI_LAYOUT_SYMBOL8, SYMBOL),
    RESERVED4,
    RESERVED8,
    /* 0xb0 */ ENTRY(AMQPCI_LAYOUT_BINARY32, BINARY),
    ENTRY(AMQPCI_LAYOUT_STRING32, STRING),
    RESERVED,
    ENTRY(AMQPCI_LAYOUT_SYMBOL32, SYMBOL),
    RESERVED4,
    RESERVED8,
    /* 0xc0 */ ENTRY(AMQPCI_LAYOUT_COMPOUND8, LIST),
    ENTRY(AMQPCI_LAYOUT_COMPOUND8, MAP),
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
    /* 0xd0 */ ENTRY(AMQPCI_LAYOUT_COMPOUND32, LIST),
    ENTRY(AMQPCI_LAYOUT_COMPOUND32, MAP),
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
    /* 0xe0 */ ENTRY(AMQPCI_LAYOUT_ARRAY8, ARRAY),
    RESERVED,
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
    /* 0xf0 */ ENTRY(AMQPCI_LAYOUT_ARRAY32, ARRAY),
    RESERVED,
    RESERVED,
    RESERVED,
    RESERVED4,
    RESERVED8,
};

static const char *const type_names[] = {
    "null",       "boolean", "ubyte",     "ushort",    "uint",   "ulong",     "byte",
    "short",      "int",     "long",      "float",     "double", "decimal32", "decimal64",
    "decimal128", "char",    "timestamp", "uuid",      "binary", "string",    "symbol",
    "list",       "map",     "array",     "described",
};

const char *amqpc_type_name(unsigned type)
{
    return type < sizeof type_names / sizeof type_names[0] ? type_names[type] : "unknown";
}

int amqpc_code_type(unsigned code)
{
    if (code > 0xff || amqpci_code_infos[code].layout == AMQPCI_LAYOUT_RESERVED) {
        return -1;
    }
    return amqpci_code_infos[code].type;
}
