/* Trees of values (AMQPC_FORM_ITEMS): made from encoded values, or from any bytes at all. */
#ifndef TESTS_FUZZ_VALUE_TREE_H
#define TESTS_FUZZ_VALUE_TREE_H

#include <amqpcodec/value.h>

enum { VALUE_TREE_MAX = 4096 };

/* nodes[0] is the root; the items of a compound lie one behind the other, somewhere behind it. */
typedef struct value_tree {
    uint32_t count;
    bool has_described_array;
    amqpc_value nodes[VALUE_TREE_MAX];
} value_tree;

/* Makes a tree of a decoded value, all codes AMQPC_CODE_SMALLEST. Arrays that are empty, or of
 * which the elements have several descriptors, stay encoded, for a tree cannot say what they are.
 *
 * tree  borrows from `value`
 *
 * Returns false where the tree would be too large. */
bool value_tree_expand(value_tree *tree, const amqpc_value *value);

/* Makes a tree as the bytes say. Texts may be invalid, codes too small, and keys repeated: what a
 * caller might ask a writer for.
 *
 * tree  borrows from `data` */
void value_tree_generate(value_tree *tree, const uint8_t *data, size_t size);

#endif
