/* Comparing values: both are walked at once, with a stack of places instead of recursion. */
#include "codec/value_compare.h"

#include "codec/content.h"
#include "codec/place.h"

typedef struct place_pair {
    amqpci_place left;
    amqpci_place right;
} place_pair;

static int order_of(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int compare_bytes(amqpc_bytes left, amqpc_bytes right)
{
    if (left.size != right.size) {
        return order_of(left.size, right.size);
    }
    return left.size == 0 ? 0 : memcmp(left.data, right.data, left.size);
}

static uint64_t bits_of(const amqpc_value *value)
{
    uint32_t bits32 = 0;
    switch (value->type) {
    case AMQPC_TYPE_NULL:
        return 0;
    case AMQPC_TYPE_BOOLEAN:
        return value->as.boolean;
    case AMQPC_TYPE_FLOAT:
        memcpy(&bits32, &value->as.f32, sizeof bits32);
        return bits32;
    default:
        return value->as.u64;
    }
}

/* Type and content of values; of compounds type and count. */
static int compare_one(const amqpc_value *left, const amqpc_value *right)
{
    if (left->type != right->type) {
        return order_of(left->type, right->type);
    }
    switch (left->type) {
    case AMQPC_TYPE_BINARY:
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        return compare_bytes(left->as.bytes, right->as.bytes);
    case AMQPC_TYPE_DECIMAL128:
    case AMQPC_TYPE_UUID:
        return memcmp(left->as.octets, right->as.octets, sizeof left->as.octets);
    case AMQPC_TYPE_LIST:
    case AMQPC_TYPE_MAP:
    case AMQPC_TYPE_ARRAY:
    case AMQPC_TYPE_DESCRIBED:
        return order_of(left->count, right->count);
    default:
        return order_of(bits_of(left), bits_of(right));
    }
}

/* Descriptors of an array's constructor, without regard to their encodings: | 0x00 | descriptor |
 * ... */
static int compare_descriptors(amqpc_bytes left, amqpc_bytes right)
{
    const uint8_t *left_at = (const uint8_t *)left.data;
    const uint8_t *right_at = (const uint8_t *)right.data;
    const uint8_t *left_end = left.size == 0 ? left_at : left_at + left.size;
    const uint8_t *right_end = right.size == 0 ? right_at : right_at + right.size;
    int order = 0;
    while (order == 0 && left_at != left_end && right_at != right_end) {
        amqpc_value left_value = {0};
        amqpc_value right_value = {0};
        left_at = amqpci_read_value(left_at + 1, left_end, &left_value);
        right_at = amqpci_read_value(right_at + 1, right_end, &right_value);
        order = compare_one(&left_value, &right_value);
    }
    return order != 0 ? order : (left_at != left_end) - (right_at != right_end);
}

/* What tells two arrays of equal count apart before their elements do: descriptors, and the type
 * of elements where there are none. */
static amqpc_status compare_constructors(const place_pair *pair, int *order)
{
    bool left_items = pair->left.items != NULL;
    bool right_items = pair->right.items != NULL;
    if (left_items != right_items) {
        const amqpci_place *encoded = left_items ? &pair->right : &pair->left;
        return encoded->encoded.descriptor.size == 0 ? AMQPC_OK : AMQPC_INVALID_ARGUMENT;
    }
    if (!left_items) {
        *order = compare_descriptors(pair->left.encoded.descriptor, pair->right.encoded.descriptor);
        if (*order == 0) {
            *order = order_of(amqpci_code_infos[pair->left.encoded.array_code].type,
                              amqpci_code_infos[pair->right.encoded.array_code].type);
        }
    }
    return AMQPC_OK;
}

static amqpc_status enter(const amqpc_value *left, const amqpc_value *right, place_pair *pair,
                          int *order)
{
    amqpc_status status = amqpci_place_start(left, &pair->left);
    if (status == AMQPC_OK) {
        status = amqpci_place_start(right, &pair->right);
    }
    if (status == AMQPC_OK && left->type == AMQPC_TYPE_ARRAY) {
        status = compare_constructors(pair, order);
    }
    return status;
}

amqpc_status amqpci_value_compare(const amqpc_value *left, const amqpc_value *right, int *order)
{
    place_pair stack[AMQPC_DEPTH_MAX];
    unsigned depth = 0;
    amqpc_value left_value = *left;
    amqpc_value right_value = *right;
    for (;;) {
        *order = compare_one(&left_value, &right_value);
        if (*order == 0 && left_value.type >= AMQPC_TYPE_LIST) {
            if (depth == AMQPC_DEPTH_MAX) {
                return AMQPC_TOO_DEEP;
            }
            amqpc_status status = enter(&left_value, &right_value, &stack[depth++], order);
            if (status != AMQPC_OK) {
                return status;
            }
        }
        while (depth > 0 && stack[depth - 1].left.remaining == 0) {
            depth--;
        }
        if (*order != 0 || depth == 0) {
            return AMQPC_OK;
        }
        amqpc_status status = amqpci_place_next(&stack[depth - 1].left, &left_value);
        if (status == AMQPC_OK) {
            status = amqpci_place_next(&stack[depth - 1].right, &right_value);
        }
        if (status != AMQPC_OK) {
            return status;
        }
    }
}

amqpc_status amqpc_value_same(const amqpc_value *left, const amqpc_value *right, bool *same)
{
    int order = 0;
    amqpc_status status = amqpci_value_compare(left, right, &order);
    if (status == AMQPC_OK) {
        *same = order == 0;
    }
    return status;
}
