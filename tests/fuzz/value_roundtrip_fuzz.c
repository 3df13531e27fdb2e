/* Values built from the input, as a program builds them: what the writer makes of them, and what
 * the decoder makes of that. */
#include "fuzz.h"
#include "value_tree.h"

#include "codec/value_bound.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_COMPARED = 40 }; /* maps of more keys are left to the decoder */

/* Whether a map has two keys that are the same, by comparing each with each. */
static bool has_duplicate_key(const amqpc_value *map)
{
    for (uint32_t i = 0; i < map->count; i += 2) {
        for (uint32_t j = 0; j < i; j += 2) {
            bool same = false;
            amqpc_status status = amqpc_value_same(&map->as.items[i], &map->as.items[j], &same);
            FUZZ_CHECK(status == AMQPC_OK);
            if (same) {
                return true;
            }
        }
    }
    return false;
}

/* Whether the decoder must, and whether it may, find a duplicate key. */
static void expect_duplicates(const value_tree *tree, bool *must, bool *may)
{
    *must = false;
    *may = false;
    for (uint32_t i = 0; i < tree->count; i++) {
        const amqpc_value *node = &tree->nodes[i];
        if (node->type != AMQPC_TYPE_MAP) {
            continue;
        }
        bool compared = node->count <= 2 * KEYS_COMPARED;
        *must = *must || (compared && has_duplicate_key(node));
        *may = *may || !compared;
    }
}

/* The bytes that the tree encodes to are in `buffer`: a fixed buffer gets the same ones, if it has
 * room for them. */
static void check_fixed(const amqpc_value *root, const amqpc_buffer *buffer, uint64_t choice)
{
    size_t size = amqpc_buffer_size(buffer);
    amqpc_writer *writer = fuzz_writer();
    uint8_t *bytes = (uint8_t *)fuzz_allocate(size);
    amqpc_writer_set_fixed(writer, bytes, size);
    FUZZ_CHECK(amqpc_writer_value(writer, root) == AMQPC_OK);
    FUZZ_CHECK(amqpc_writer_size(writer) == size);
    FUZZ_CHECK(memcmp(bytes, amqpc_buffer_data(buffer), size) == 0);
    free(bytes);
    size_t less = (size_t)(choice % size);
    bytes = (uint8_t *)fuzz_allocate(less);
    amqpc_writer_set_fixed(writer, bytes, less);
    FUZZ_CHECK(amqpc_writer_value(writer, root) == AMQPC_BUFFER_FULL);
    FUZZ_CHECK(amqpc_writer_size(writer) <= less);
    FUZZ_CHECK(amqpc_writer_finish(writer) == AMQPC_BUFFER_FULL);
    free(bytes);
}

/* The bytes decode to the tree, and encode to themselves. */
static void check_decoded(const value_tree *tree, const amqpc_buffer *buffer)
{
    amqpc_value value;
    size_t used = 0;
    bool same = false;
    bool must = false;
    bool may = false;
    const uint8_t *data = amqpc_buffer_data(buffer);
    size_t size = amqpc_buffer_size(buffer);
    expect_duplicates(tree, &must, &may);
    FUZZ_CHECK(amqpc_value_skip(data, size, fuzz_deep_limits(), &used) == AMQPC_OK && used == size);
    amqpc_status status = amqpc_value_decode(data, size, fuzz_deep_limits(), &value, &used);
    if (must || (may && status == AMQPC_DUPLICATE_KEY)) {
        FUZZ_CHECK(status == AMQPC_DUPLICATE_KEY);
        return;
    }
    FUZZ_CHECK(status == AMQPC_OK && used == size);
    status = amqpc_value_same(&tree->nodes[0], &value, &same);
    if (!tree->has_described_array) {
        FUZZ_CHECK(status == AMQPC_OK && same);
        amqpc_buffer *text = fuzz_buffer(1);
        amqpc_buffer *again = fuzz_buffer(2);
        FUZZ_CHECK(amqpc_value_print(&tree->nodes[0], AMQPC_PRINT_TEXT, text) == AMQPC_OK);
        FUZZ_CHECK(amqpc_value_print(&value, AMQPC_PRINT_TEXT, again) == AMQPC_OK);
        FUZZ_CHECK(fuzz_same_bytes(text, again));
    }
    amqpc_buffer *written = fuzz_buffer(3);
    amqpc_writer_set_growable(fuzz_writer(), written);
    FUZZ_CHECK(amqpc_writer_value(fuzz_writer(), &value) == AMQPC_OK);
    FUZZ_CHECK(fuzz_same_bytes(buffer, written));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static value_tree tree;
    value_tree_generate(&tree, data, size);
    const amqpc_value *root = &tree.nodes[0];
    amqpc_buffer *buffer = fuzz_buffer(0);
    amqpc_writer *writer = fuzz_writer();
    amqpc_writer_set_growable(writer, buffer);
    amqpc_status status = amqpc_writer_value(writer, root);
    FUZZ_CHECK(status == AMQPC_OK || status == AMQPC_INVALID_ARGUMENT);
    FUZZ_CHECK(amqpc_writer_finish(writer) == status);
    FUZZ_CHECK(amqpc_writer_size(writer) == amqpc_buffer_size(buffer));
    size_t bound = amqpci_value_bound(root);
    uint8_t *bytes = (uint8_t *)fuzz_allocate(bound);
    amqpc_writer_set_fixed(writer, bytes, bound);
    FUZZ_CHECK(amqpc_writer_value(writer, root) == status);
    free(bytes);
    if (status == AMQPC_OK) {
        check_fixed(root, buffer, fuzz_hash(data, size));
        check_decoded(&tree, buffer);
    }
    return 0;
}
