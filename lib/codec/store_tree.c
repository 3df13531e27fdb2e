/* Storing any value: compounds that are trees of values are walked with a stack instead of
 * recursion. */
#include "codec/described.h"
#include "codec/flat.h"
#include "codec/format_code.h"
#include "codec/store.h"
#include "codec/value_compare.h"

/* A compound of AMQPC_FORM_ITEMS that is being stored. */
typedef struct branch {
    amqpci_open_compound compound; /* of a described value only its type is used */
    const amqpc_value *items;
    uint32_t remaining;
    bool described_elements; /* of an array: elements are stored without their descriptor */
} branch;

typedef struct value_tree {
    amqpci_sink *sink;
    unsigned depth;
    branch stack[AMQPC_DEPTH_MAX];
} value_tree;

static amqpc_status store_encoded_described(amqpci_sink *sink, const amqpc_value *value)
{
    amqpc_status status = amqpci_sink_reserve(sink, 1 + value->as.bytes.size);
    if (status == AMQPC_OK) {
        *sink->position = 0x00;
        amqpci_copy(sink->position + 1, (const uint8_t *)value->as.bytes.data,
                    value->as.bytes.size);
        sink->position += 1 + value->as.bytes.size;
    }
    return status;
}

/* The code that holds every element of the type of `first`, for which `wide` says that one byte
 * of size or number is not enough. */
static uint8_t element_code_of(const amqpc_value *first, bool wide)
{
    switch (first->type) {
    case AMQPC_TYPE_BOOLEAN:
        return AMQPC_CODE_BOOLEAN;
    case AMQPC_TYPE_UINT:
        return wide ? AMQPC_CODE_UINT : AMQPC_CODE_SMALLUINT;
    case AMQPC_TYPE_ULONG:
        return wide ? AMQPC_CODE_ULONG : AMQPC_CODE_SMALLULONG;
    case AMQPC_TYPE_INT:
        return wide ? AMQPC_CODE_INT : AMQPC_CODE_SMALLINT;
    case AMQPC_TYPE_LONG:
        return wide ? AMQPC_CODE_LONG : AMQPC_CODE_SMALLLONG;
    case AMQPC_TYPE_BINARY:
        return wide ? AMQPC_CODE_BINARY32 : AMQPC_CODE_BINARY8;
    case AMQPC_TYPE_STRING:
        return wide ? AMQPC_CODE_STRING32 : AMQPC_CODE_STRING8;
    case AMQPC_TYPE_SYMBOL:
        return wide ? AMQPC_CODE_SYMBOL32 : AMQPC_CODE_SYMBOL8;
    case AMQPC_TYPE_LIST:
        return AMQPC_CODE_LIST32;
    case AMQPC_TYPE_MAP:
        return AMQPC_CODE_MAP32;
    case AMQPC_TYPE_ARRAY:
        return AMQPC_CODE_ARRAY32;
    default:
        break;
    }
    for (unsigned code = AMQPC_CODE_NULL; code <= AMQPC_CODE_UUID; code++) {
        if (amqpc_code_type(code) == first->type) {
            return (uint8_t)code;
        }
    }
    return 0;
}

static bool needs_wide(const amqpc_value *value)
{
    switch (value->type) {
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_ULONG:
        return value->as.u64 > UINT8_MAX;
    case AMQPC_TYPE_INT:
    case AMQPC_TYPE_LONG:
        return value->as.i64 > INT8_MAX || value->as.i64 < INT8_MIN;
    case AMQPC_TYPE_BINARY:
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        return value->as.bytes.size > UINT8_MAX;
    default:
        return false;
    }
}

/* The descriptor and the value of an array's element; of elements that are not described, the
 * element itself. */
static amqpc_status element_of(const branch *array, const amqpc_value *item,
                               amqpc_value *descriptor, amqpc_value *element)
{
    *element = *item;
    return array->described_elements ? amqpci_described_parts(item, descriptor, element) : AMQPC_OK;
}

/* Finds the code of an array's elements, and makes sure that they have one type and one
 * descriptor. */
static amqpc_status choose_element_code(const branch *array, amqpc_value *descriptor, uint8_t *code)
{
    amqpc_value first;
    amqpc_status status = element_of(array, &array->items[0], descriptor, &first);
    bool wide = false;
    for (uint32_t i = 0; status == AMQPC_OK && i < array->remaining; i++) {
        amqpc_value element;
        amqpc_value other = *descriptor;
        int order = 0;
        status = array->items[i].type == array->items[0].type
                     ? element_of(array, &array->items[i], &other, &element)
                     : AMQPC_INVALID_ARGUMENT;
        if (status == AMQPC_OK && array->described_elements) {
            status = amqpci_value_compare(descriptor, &other, &order);
        }
        if (status == AMQPC_OK &&
            (order != 0 || element.type != first.type || element.type == AMQPC_TYPE_DESCRIBED)) {
            status = AMQPC_INVALID_ARGUMENT;
        }
        wide = wide || (status == AMQPC_OK && needs_wide(&element));
    }
    if (status == AMQPC_OK) {
        *code = first.code != AMQPC_CODE_SMALLEST ? first.code : element_code_of(&first, wide);
    }
    return status;
}

static amqpc_status store_array_constructor(amqpci_sink *sink, branch *array)
{
    if (array->remaining == 0) {
        array->compound.element_code = AMQPC_CODE_NULL;
        return amqpci_store_byte(sink, AMQPC_CODE_NULL);
    }
    amqpc_value descriptor = {0};
    uint8_t code = 0;
    array->described_elements = array->items[0].type == AMQPC_TYPE_DESCRIBED;
    amqpc_status status = choose_element_code(array, &descriptor, &code);
    if (status == AMQPC_OK && array->described_elements) {
        status = descriptor.type < AMQPC_TYPE_LIST ? amqpci_store_byte(sink, 0x00)
                                                   : AMQPC_INVALID_ARGUMENT;
        if (status == AMQPC_OK) {
            status = amqpci_store_scalar(sink, &descriptor);
        }
    }
    array->compound.element_code = code;
    return status == AMQPC_OK ? amqpci_store_byte(sink, code) : status;
}

/* Begins a compound of AMQPC_FORM_ITEMS. */
static amqpc_status enter(value_tree *tree, const amqpc_value *value, uint8_t element_code)
{
    if (tree->depth == AMQPC_DEPTH_MAX) {
        return AMQPC_TOO_DEEP;
    }
    branch *entered = &tree->stack[tree->depth];
    entered->items = value->as.items;
    entered->remaining = value->count;
    entered->described_elements = false;
    amqpc_status status = AMQPC_OK;
    if (value->type == AMQPC_TYPE_DESCRIBED) {
        entered->compound = (amqpci_open_compound){.type = AMQPC_TYPE_DESCRIBED};
        bool valid =
            value->count == 2 && value->as.items[0].type < AMQPC_TYPE_LIST && element_code == 0;
        status = valid ? amqpci_store_byte(tree->sink, 0x00) : AMQPC_INVALID_ARGUMENT;
    } else if (value->type == AMQPC_TYPE_MAP && (value->count & 1) != 0) {
        status = AMQPC_INVALID_ARGUMENT;
    } else {
        status = amqpci_begin_compound(tree->sink, value->type, value->code, element_code,
                                       value->count, &entered->compound);
        entered->compound.count = value->count;
        if (status == AMQPC_OK && value->type == AMQPC_TYPE_ARRAY) {
            status = store_array_constructor(tree->sink, entered);
        }
    }
    tree->depth++;
    return status;
}

/* A list that takes one byte, so that no room is reserved for more. */
static bool is_list0(const amqpc_value *value, uint8_t element_code)
{
    return value->type == AMQPC_TYPE_LIST && value->count == 0 &&
           value->code == AMQPC_CODE_SMALLEST && element_code == 0;
}

/* Stores a value, or begins it; as an element of an array where element_code is not 0. */
static amqpc_status store_next(value_tree *tree, const amqpc_value *value, uint8_t element_code)
{
    if (is_list0(value, element_code)) {
        return amqpci_store_byte(tree->sink, AMQPC_CODE_LIST0);
    }
    if (value->type >= AMQPC_TYPE_LIST && value->form == AMQPC_FORM_ITEMS) {
        return value->type <= AMQPC_TYPE_DESCRIBED ? enter(tree, value, element_code)
                                                   : AMQPC_INVALID_ARGUMENT;
    }
    if (element_code != 0) {
        return amqpci_store_content(tree->sink, value, element_code);
    }
    return value->type == AMQPC_TYPE_DESCRIBED ? store_encoded_described(tree->sink, value)
                                               : amqpci_store_scalar(tree->sink, value);
}

static amqpc_status leave(value_tree *tree)
{
    const branch *done = &tree->stack[--tree->depth];
    return done->compound.type == AMQPC_TYPE_DESCRIBED
               ? AMQPC_OK
               : amqpci_end_compound(tree->sink, &done->compound);
}

/* Stores the next items of a list or map, as long as they are plain. */
AMQPCI_INLINE void store_flat(amqpci_sink *sink, branch *inner)
{
    uint32_t before = inner->remaining;
    sink->position = amqpci_store_flat(sink->position, sink->end, inner->items, &inner->remaining);
    inner->items += before - inner->remaining;
}

static AMQPCI_NOINLINE amqpc_status store_tree(amqpci_sink *sink, const amqpc_value *value,
                                               uint8_t element_code)
{
    value_tree tree;
    tree.sink = sink;
    tree.depth = 0;
    amqpc_status status = store_next(&tree, value, element_code);
    while (status == AMQPC_OK && tree.depth > 0) {
        branch *inner = &tree.stack[tree.depth - 1];
        if (inner->remaining > 0 && inner->compound.element_code == 0) {
            store_flat(sink, inner);
        }
        if (inner->remaining == 0) {
            status = leave(&tree);
            continue;
        }
        amqpc_value descriptor;
        amqpc_value element;
        const amqpc_value *item = inner->items++;
        inner->remaining--;
        if (inner->described_elements) {
            status = element_of(inner, item, &descriptor, &element);
            item = &element;
        }
        if (status == AMQPC_OK) {
            status = store_next(&tree, item, inner->compound.element_code);
        }
    }
    return status;
}

/* A list or map of plain items, as most are, in its smallest form and without a stack. False, with
 * nothing stored, for any other. */
static bool store_flat_compound(amqpci_sink *sink, const amqpc_value *value)
{
    enum { NARROW = 3, WIDE = 9 };
    bool wanted = value->form == AMQPC_FORM_ITEMS && value->type <= AMQPC_TYPE_MAP &&
                  value->code == AMQPC_CODE_SMALLEST && value->count > 0 &&
                  value->count <= UINT8_MAX &&
                  (value->type == AMQPC_TYPE_LIST || (value->count & 1) == 0);
    uint8_t *start = sink->position;
    if (!wanted || sink->end - start < WIDE) {
        return false;
    }
    uint32_t remaining = value->count;
    uint8_t *end =
        amqpci_store_flat(start + NARROW, sink->end - (WIDE - NARROW), value->as.items, &remaining);
    size_t size = (size_t)(end - (start + NARROW));
    if (remaining > 0) {
        return false;
    }
    uint8_t code = value->type == AMQPC_TYPE_MAP ? AMQPC_CODE_MAP8 : AMQPC_CODE_LIST8;
    if (AMQPCI_LIKELY(size < UINT8_MAX)) {
        start[0] = code;
        start[1] = (uint8_t)(size + 1);
        start[2] = (uint8_t)value->count;
        sink->position = end;
        return true;
    }
    memmove(start + WIDE, start + NARROW, size);
    start[0] = code | 0x10;
    amqpci_store32(start + 1, (uint32_t)size + 4);
    amqpci_store32(start + 5, value->count);
    sink->position = end + (WIDE - NARROW);
    return true;
}

amqpc_status amqpci_store_value(amqpci_sink *sink, const amqpc_value *value)
{
    if (value->type < AMQPC_TYPE_LIST ||
        (value->form == AMQPC_FORM_ENCODED && value->type <= AMQPC_TYPE_ARRAY)) {
        return amqpci_store_scalar(sink, value);
    }
    if (value->form == AMQPC_FORM_ENCODED && value->type == AMQPC_TYPE_DESCRIBED) {
        return store_encoded_described(sink, value);
    }
    return AMQPCI_LIKELY(store_flat_compound(sink, value)) ? AMQPC_OK : store_tree(sink, value, 0);
}

amqpc_status amqpci_store_element(amqpci_sink *sink, const amqpc_value *value, uint8_t element_code)
{
    return store_tree(sink, value, element_code);
}
