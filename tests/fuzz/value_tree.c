/* Trees of values. Nodes are made and then visited in one order, so that nothing recurses. */
#include "value_tree.h"

#include "fuzz.h"

#include <string.h>

enum {
    DEPTH_MAX = 24, /* levels of a generated tree: within the default limit */
    ANY_TYPE = 0xff,
    COMPLETE = 0xfe /* the node was made with its parent */
};

/* Room for `count` nodes, or NULL. */
static amqpc_value *add_nodes(value_tree *tree, uint32_t count)
{
    if (count > VALUE_TREE_MAX - tree->count) {
        return NULL;
    }
    amqpc_value *nodes = &tree->nodes[tree->count];
    tree->count += count;
    return nodes;
}

static bool is_encoded_compound(const amqpc_value *value)
{
    return value->type >= AMQPC_TYPE_LIST && value->form == AMQPC_FORM_ENCODED;
}

static amqpc_value make_described(const amqpc_value *parts)
{
    return (amqpc_value){
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
}

/* The only descriptor of an array's elements; false where there are several. */
static bool only_descriptor(amqpc_bytes encoded, amqpc_value *descriptor)
{
    const uint8_t *from = (const uint8_t *)encoded.data;
    size_t used = 0;
    FUZZ_CHECK(amqpc_value_decode(from + 1, encoded.size - 1, NULL, descriptor, &used) == AMQPC_OK);
    descriptor->code = AMQPC_CODE_SMALLEST;
    return used == encoded.size - 1;
}

/* Puts a descriptor in front of each element. */
static bool describe_elements(value_tree *tree, amqpc_value *elements, uint32_t count,
                              const amqpc_value *descriptor)
{
    for (uint32_t i = 0; i < count; i++) {
        amqpc_value *parts = add_nodes(tree, 2);
        if (parts == NULL) {
            return false;
        }
        parts[0] = *descriptor;
        parts[1] = elements[i];
        elements[i] = make_described(parts);
    }
    tree->has_described_array = true;
    return true;
}

/* Gives a node its items. */
static bool expand_node(value_tree *tree, amqpc_value *node)
{
    amqpc_items items;
    amqpc_value descriptor;
    size_t count = 0;
    FUZZ_CHECK(amqpc_items_init(node, &items) == AMQPC_OK);
    bool described = items.descriptor.size > 0;
    bool stays = node->type == AMQPC_TYPE_ARRAY && node->count == 0;
    if (stays || (described && !only_descriptor(items.descriptor, &descriptor))) {
        return true;
    }
    amqpc_value *children = add_nodes(tree, node->count);
    if (children == NULL) {
        return false;
    }
    FUZZ_CHECK(amqpc_items_next(&items, children, node->count, &count) == AMQPC_OK);
    FUZZ_CHECK(count == node->count && items.remaining == 0);
    for (uint32_t i = 0; i < node->count; i++) {
        children[i].code = AMQPC_CODE_SMALLEST;
    }
    node->form = AMQPC_FORM_ITEMS;
    node->as.items = children;
    return !described || describe_elements(tree, children, node->count, &descriptor);
}

bool value_tree_expand(value_tree *tree, const amqpc_value *value)
{
    tree->count = 0;
    tree->has_described_array = false;
    amqpc_value *root = add_nodes(tree, 1);
    *root = *value;
    root->code = AMQPC_CODE_SMALLEST;
    for (uint32_t i = 0; i < tree->count; i++) {
        if (is_encoded_compound(&tree->nodes[i]) && !expand_node(tree, &tree->nodes[i])) {
            return false;
        }
    }
    return true;
}

/* A tree that is being generated. */
typedef struct generation {
    value_tree *tree;
    const uint8_t *at;
    const uint8_t *end;
    uint8_t wanted[VALUE_TREE_MAX]; /* the type that a node must have, ANY_TYPE, or COMPLETE */
    uint8_t depth[VALUE_TREE_MAX];  /* compounds around a node */
} generation;

/* The next byte; 0 from the end on. */
static uint8_t take_byte(generation *making)
{
    return making->at < making->end ? *making->at++ : 0;
}

static uint64_t take_number(generation *making, unsigned width)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++) {
        number = number << 8 | take_byte(making);
    }
    return number;
}

/* Bytes of the input, or, to reach sizes around 256 from a short input, letters. */
static amqpc_bytes take_bytes(generation *making)
{
    static char letters[320];
    memset(letters, 'a', sizeof letters);
    unsigned wanted = take_byte(making);
    if (wanted >= 0xe0) {
        return (amqpc_bytes){letters, 240 + (wanted - 0xe0)};
    }
    size_t left = (size_t)(making->end - making->at);
    size_t size = wanted % 32 < left ? wanted % 32 : left;
    amqpc_bytes bytes = {making->at, size};
    making->at += size;
    return bytes;
}

/* Mostly the smallest, sometimes another code of the type. */
static uint8_t take_code(generation *making, uint8_t type)
{
    unsigned choice = take_byte(making);
    if (choice < 0xc0) {
        return AMQPC_CODE_SMALLEST;
    }
    unsigned skip = choice & 3;
    for (unsigned code = 0x40; code <= 0xff; code++) {
        if (amqpc_code_type(code) == type && skip-- == 0) {
            return (uint8_t)code;
        }
    }
    return AMQPC_CODE_SMALLEST;
}

static void generate_scalar(generation *making, amqpc_value *node)
{
    uint32_t bits = 0;
    switch (node->type) {
    case AMQPC_TYPE_NULL:
        break;
    case AMQPC_TYPE_BOOLEAN:
        node->as.boolean = (take_byte(making) & 1) != 0;
        break;
    case AMQPC_TYPE_UBYTE:
        node->as.u64 = take_byte(making);
        break;
    case AMQPC_TYPE_BYTE:
        node->as.i64 = (int8_t)take_byte(making);
        break;
    case AMQPC_TYPE_SHORT:
        node->as.i64 = (int16_t)take_number(making, 2);
        break;
    case AMQPC_TYPE_USHORT:
        node->as.u64 = take_number(making, 2);
        break;
    case AMQPC_TYPE_INT:
        node->as.i64 = (int32_t)take_number(making, 4);
        break;
    case AMQPC_TYPE_FLOAT:
        bits = (uint32_t)take_number(making, 4);
        memcpy(&node->as.f32, &bits, sizeof bits);
        break;
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_CHAR:
    case AMQPC_TYPE_DECIMAL32:
        node->as.u64 = take_number(making, 4);
        break;
    case AMQPC_TYPE_DECIMAL128:
    case AMQPC_TYPE_UUID:
        for (unsigned i = 0; i < sizeof node->as.octets; i++) {
            node->as.octets[i] = take_byte(making);
        }
        break;
    case AMQPC_TYPE_BINARY:
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        node->as.bytes = take_bytes(making);
        break;
    default:
        node->as.u64 = take_number(making, 8);
        break;
    }
}

static void want(generation *making, const amqpc_value *nodes, uint32_t count, uint8_t type,
                 uint8_t depth)
{
    size_t first = (size_t)(nodes - making->tree->nodes);
    memset(making->wanted + first, type, count);
    memset(making->depth + first, depth, count);
}

/* The elements of an array: all of one type, with one descriptor or with none. */
static void generate_elements(generation *making, amqpc_value *node, amqpc_value *children,
                              uint8_t depth)
{
    unsigned choice = take_byte(making);
    uint8_t type = (uint8_t)(choice % AMQPC_TYPE_DESCRIBED);
    want(making, children, node->count, type, depth);
    if (choice < 0xc0 || node->count == 0) {
        return;
    }
    amqpc_value descriptor = {.type = AMQPC_TYPE_ULONG};
    descriptor.as.u64 = take_byte(making);
    memset(children, 0, node->count * sizeof *children);
    want(making, children, node->count, COMPLETE, depth);
    if (!describe_elements(making->tree, children, node->count, &descriptor)) {
        node->count = 0;
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        want(making, children[i].as.items, 1, COMPLETE, depth);
        want(making, children[i].as.items + 1, 1, type, depth);
    }
}

static void generate_compound(generation *making, amqpc_value *node, uint8_t depth)
{
    uint32_t count = take_byte(making);
    count = node->type == AMQPC_TYPE_DESCRIBED ? 2 : count >= 0xf8 ? count + 4 : count % 16;
    amqpc_value *children = add_nodes(making->tree, count);
    node->form = AMQPC_FORM_ITEMS;
    if (children == NULL) {
        node->type = AMQPC_TYPE_LIST;
        return;
    }
    node->count = count;
    node->as.items = children;
    want(making, children, count, ANY_TYPE, depth);
    if (node->type == AMQPC_TYPE_ARRAY) {
        generate_elements(making, node, children, depth);
    } else if (node->type == AMQPC_TYPE_DESCRIBED) {
        want(making, children, 1, AMQPC_TYPE_SYMBOL, depth);
    }
}

static void generate_node(generation *making, uint32_t index)
{
    amqpc_value *node = &making->tree->nodes[index];
    uint8_t depth = making->depth[index];
    unsigned types = depth < DEPTH_MAX ? AMQPC_TYPE_DESCRIBED + 1 : AMQPC_TYPE_LIST;
    unsigned type = making->wanted[index];
    if (type == COMPLETE) {
        return;
    }
    type = type == ANY_TYPE ? take_byte(making) % types : type;
    *node = (amqpc_value){.type = (uint8_t)type};
    node->code = take_code(making, node->type);
    if (node->type < AMQPC_TYPE_LIST) {
        generate_scalar(making, node);
    } else if (depth < DEPTH_MAX) {
        generate_compound(making, node, (uint8_t)(depth + 1));
    } else {
        node->form = AMQPC_FORM_ITEMS; /* empty */
    }
}

void value_tree_generate(value_tree *tree, const uint8_t *data, size_t size)
{
    static generation making;
    making.tree = tree;
    making.at = data;
    making.end = data + size;
    tree->count = 0;
    tree->has_described_array = false;
    memset(tree->nodes, 0, sizeof tree->nodes);
    want(&making, add_nodes(tree, 1), 1, ANY_TYPE, 0);
    for (uint32_t i = 0; i < tree->count; i++) {
        generate_node(&making, i);
    }
}
