/* Whether Python's dict holds a map of AMQP: keys that AMQP tells apart may be equal in Python (1,
 * True, 1.0), or not be hashable (lists). */
#include "output.h"

enum { UUIDS_MAX = 1024 }; /* chosen ones have one hash */

#define BIT(type) (1u << (type))

/* Within one type, keys that differ are different in Python too; between those of one set they may
 * not be. */
#define TEXTS (BIT(AMQPC_TYPE_STRING) | BIT(AMQPC_TYPE_SYMBOL) | BIT(AMQPC_TYPE_CHAR))
#define INTEGERS                                                                                   \
    (BIT(AMQPC_TYPE_BOOLEAN) | BIT(AMQPC_TYPE_UBYTE) | BIT(AMQPC_TYPE_USHORT) |                    \
     BIT(AMQPC_TYPE_UINT) | BIT(AMQPC_TYPE_ULONG) | BIT(AMQPC_TYPE_BYTE) | BIT(AMQPC_TYPE_SHORT) | \
     BIT(AMQPC_TYPE_INT) | BIT(AMQPC_TYPE_LONG))
#define PLAIN                                                                                      \
    (TEXTS | INTEGERS | BIT(AMQPC_TYPE_NULL) | BIT(AMQPC_TYPE_BINARY) | BIT(AMQPC_TYPE_UUID))

static inline bool at_most_one(uint32_t bits)
{
    return (bits & (bits - 1)) == 0;
}

static inline uint32_t bit_of(unsigned code)
{
    if (code == AMQPC_CODE_STRING8) {
        return BIT(AMQPC_TYPE_STRING);
    }
    const int type = amqpc_code_type(code);
    return type < 0 ? BIT(AMQPC_TYPE_DESCRIBED) : BIT(type);
}

bool crossing_keys_fit_dict(const uint8_t *from, const uint8_t *end, uint32_t count)
{
    uint32_t types = 0;
    for (uint32_t i = 0; i < count; i += 2) {
        if (from == NULL || from >= end) {
            return false;
        }
        types |= bit_of(*from);
        from = crossing_skip(from, end);
        from = from == NULL ? NULL : crossing_skip(from, end);
    }
    if ((types & ~PLAIN) != 0 || !at_most_one(types & TEXTS) || !at_most_one(types & INTEGERS)) {
        return false;
    }
    return (types & BIT(AMQPC_TYPE_UUID)) == 0 || count / 2 <= UUIDS_MAX;
}
