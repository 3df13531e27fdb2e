/* Duplicate keys in maps.
 *
 * Keys are compared by a hash of 32 bits first, and exactly where the hashes agree. Small maps,
 * nearly all, use a table of hashes on the stack; large ones are sorted a block at a time, so
 * that chosen collisions cost a comparison and not a quadratic search. */
#include "codec/map_keys.h"

#include <assert.h>

#include "codec/content.h"
#include "codec/key_hash.h"
#include "codec/value_compare.h"

enum {
    SMALL = 32,  /* keys kept in a table */
    BLOCK = 1024 /* keys sorted together */
};

typedef struct key_entry {
    uint32_t hash;
    uint32_t offset; /* of the key within the content */
} key_entry;

/* The hash of the key at `from`, the same for all encodings of a value; gives the key's end. */
static const uint8_t *hash_any(const uint8_t *from, const uint8_t *end, uint32_t *hash)
{
    amqpc_value key;
    const uint8_t *next = amqpci_read_value(from, end, &key);
    switch (key.type) {
    case AMQPC_TYPE_BINARY:
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
        *hash = amqpci_key_hash_text((const uint8_t *)key.as.bytes.data, key.as.bytes.size,
                                     key.as.bytes.size, key.type);
        break;
    case AMQPC_TYPE_DECIMAL128:
    case AMQPC_TYPE_UUID:
        *hash = amqpci_key_hash_text(key.as.octets, sizeof key.as.octets, sizeof key.as.octets,
                                     key.type);
        break;
    case AMQPC_TYPE_LIST:
    case AMQPC_TYPE_MAP:
    case AMQPC_TYPE_ARRAY:
    case AMQPC_TYPE_DESCRIBED:
        *hash = amqpci_key_hash_mix(0, 0, key.type);
        break;
    default:
        *hash = amqpci_key_hash_mix(key.as.u64, 0, key.type);
        break;
    }
    return next;
}

AMQPCI_INLINE const uint8_t *hash_key(const uint8_t *from, const uint8_t *end, uint32_t *hash)
{
    uint8_t code = from[0];
    if (AMQPCI_LIKELY(code == AMQPC_CODE_STRING8 || code == AMQPC_CODE_SYMBOL8)) {
        *hash = amqpci_key_hash_text(from + 2, from[1], (size_t)(end - from) - 2,
                                     amqpci_code_infos[code].type);
        return from + 2 + from[1];
    }
    return hash_any(from, end, hash);
}

AMQPCI_INLINE const uint8_t *step_over(const uint8_t *from, const uint8_t *end)
{
    unsigned layout = amqpci_code_infos[*from].layout;
    if (AMQPCI_LIKELY(layout <= AMQPCI_LAYOUT_FIXED_MAX)) {
        return from + 1 + layout;
    }
    if (AMQPCI_LIKELY(layout >= AMQPCI_LAYOUT_BINARY8 && layout <= AMQPCI_LAYOUT_SYMBOL8)) {
        return from + 2 + from[1];
    }
    amqpc_value value;
    return amqpci_read_value(from, end, &value);
}

/* Keys are valid values, so that comparing cannot fail. */
static int compare_keys(const uint8_t *left, const uint8_t *right, const uint8_t *end)
{
    amqpc_value left_key;
    amqpc_value right_key;
    int order = 0;
    (void)amqpci_read_value(left, end, &left_key);
    (void)amqpci_read_value(right, end, &right_key);
    amqpc_status status = amqpci_value_compare(&left_key, &right_key, &order);
    assert(status == AMQPC_OK);
    (void)status;
    return order;
}

/* Keys of which each is looked at once, so that only comparisons can repeat, and those only where
 * hashes agree. */
static const uint8_t *find_in_table(const uint8_t *content, const uint8_t *end, uint32_t key_count)
{
    const uint8_t *keys[SMALL];
    uint32_t hashes[SMALL];
    uint8_t table[AMQPCI_KEY_TABLE_SIZE] = {0}; /* index of a key plus 1, or 0 */
    const uint8_t *key = content;
    for (uint32_t i = 0; i < key_count; i++) {
        keys[i] = key;
        const uint8_t *value = hash_key(key, end, &hashes[i]);
        uint32_t slot = amqpci_key_slot(hashes[i]);
        while (table[slot] != 0) {
            uint32_t other = table[slot] - 1u;
            if (hashes[other] == hashes[i] && compare_keys(keys[other], key, end) == 0) {
                return key;
            }
            slot = (slot + 1) % AMQPCI_KEY_TABLE_SIZE;
        }
        table[slot] = (uint8_t)(i + 1);
        key = step_over(value, end);
    }
    return NULL;
}

static int compare_entries(key_entry left, key_entry right, const uint8_t *content,
                           const uint8_t *end)
{
    if (left.hash != right.hash) {
        return left.hash < right.hash ? -1 : 1;
    }
    return compare_keys(content + left.offset, content + right.offset, end);
}

static void sift_down(key_entry *entries, uint32_t root, uint32_t count, const uint8_t *content,
                      const uint8_t *end)
{
    for (uint32_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count &&
            compare_entries(entries[child], entries[child + 1], content, end) < 0) {
            child++;
        }
        if (compare_entries(entries[root], entries[child], content, end) >= 0) {
            return;
        }
        key_entry moved = entries[root];
        entries[root] = entries[child];
        entries[child] = moved;
        root = child;
    }
}

/* Heap sort: in place, and O(n log n) whatever the keys are. */
static void sort_entries(key_entry *entries, uint32_t count, const uint8_t *content,
                         const uint8_t *end)
{
    for (uint32_t i = count / 2; i > 0; i--) {
        sift_down(entries, i - 1, count, content, end);
    }
    for (uint32_t last = count - 1; last > 0; last--) {
        key_entry greatest = entries[0];
        entries[0] = entries[last];
        entries[last] = greatest;
        sift_down(entries, 0, last, content, end);
    }
}

static bool is_in_block(const key_entry *block, uint32_t count, key_entry wanted,
                        const uint8_t *content, const uint8_t *end)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_entries(block[middle], wanted, content, end);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* A key of the sorted block that stands there twice: the later one of the two. */
static const uint8_t *find_within_block(const key_entry *block, uint32_t count,
                                        const uint8_t *content, const uint8_t *end)
{
    for (uint32_t i = 1; i < count; i++) {
        if (compare_entries(block[i - 1], block[i], content, end) == 0) {
            uint32_t offset =
                block[i].offset > block[i - 1].offset ? block[i].offset : block[i - 1].offset;
            return content + offset;
        }
    }
    return NULL;
}

static const uint8_t *find_by_blocks(const uint8_t *content, const uint8_t *end, uint32_t key_count)
{
    key_entry block[BLOCK];
    const uint8_t *block_start = content;
    for (uint32_t first = 0; first < key_count; first += BLOCK) {
        uint32_t count = key_count - first < BLOCK ? key_count - first : BLOCK;
        const uint8_t *key = block_start;
        for (uint32_t i = 0; i < count; i++) {
            block[i].offset = (uint32_t)(key - content);
            key = step_over(hash_key(key, end, &block[i].hash), end);
        }
        sort_entries(block, count, content, end);
        const uint8_t *duplicate = find_within_block(block, count, content, end);
        if (duplicate != NULL) {
            return duplicate;
        }
        block_start = key;
        for (uint32_t i = first + count; i < key_count; i++) {
            key_entry later = {.offset = (uint32_t)(key - content)};
            const uint8_t *value = hash_key(key, end, &later.hash);
            if (is_in_block(block, count, later, content, end)) {
                return key;
            }
            key = step_over(value, end);
        }
    }
    return NULL;
}

const uint8_t *amqpci_find_duplicate_key(const uint8_t *content, const uint8_t *end, uint32_t count)
{
    uint32_t key_count = count / 2;
    return key_count <= SMALL ? find_in_table(content, end, key_count)
                              : find_by_blocks(content, end, key_count);
}
