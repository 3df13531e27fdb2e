/* Where marshal's bytes are put: memory, the strings that may be referred to, and bodies that are
 * left where they are. */
#include "output.h"

#include <stdlib.h>

#include "marshal_write.h"

enum {
    CAPACITY = 128 * 1024,
    CAPACITY_KEPT = 2 * 1024 * 1024 /* more is given back before the next use */
};

static bool resize(crossing_output *output, size_t capacity)
{
    size_t size = (size_t)(output->position - output->data);
    uint8_t *data = realloc(output->data, capacity);
    if (data == NULL) {
        return false;
    }
    output->data = data;
    output->position = data + size;
    output->end = data + capacity;
    output->flags |= CROSSING_MOVED;
    return true;
}

crossing_output *crossing_output_new(void)
{
    crossing_output *output = calloc(1, sizeof *output);
    if (output == NULL) {
        return NULL;
    }
    output->data = malloc(CAPACITY);
    if (output->data == NULL) {
        free(output);
        return NULL;
    }
    output->position = output->data;
    output->end = output->data + CAPACITY;
    output->flags = CROSSING_MOVED;
    return output;
}

static void free_views(crossing_output *output)
{
    while (output->views != NULL) {
        crossing_view *view = output->views;
        output->views = view->next;
        crossing_view_free(view);
    }
    output->view_count = 0;
}

void crossing_output_free(crossing_output *output)
{
    if (output == NULL) {
        return;
    }
    free_views(output);
    free(output->data);
    free(output);
}

const void *crossing_output_data(crossing_output *output)
{
    output->flags &= ~(uint32_t)CROSSING_MOVED;
    return output->data;
}

size_t crossing_output_capacity(const crossing_output *output)
{
    return (size_t)(output->end - output->data);
}

size_t crossing_output_size(const crossing_output *output)
{
    return (size_t)(output->position - output->data);
}

size_t crossing_output_fault(const crossing_output *output)
{
    return output->fault;
}

void crossing_output_start(crossing_output *output)
{
    output->position = output->data;
    output->flags &= CROSSING_MOVED;
    output->reference_count = 0;
    output->fault = 0;
    if (output->views != NULL) {
        free_views(output);
    }
    output->view_count = 0;
    if (crossing_output_capacity(output) > CAPACITY_KEPT) {
        (void)resize(output, CAPACITY); /* where it fails, the larger one stays */
    }
    if (++output->generation == 0) {
        memset(output->remembered, 0, sizeof output->remembered);
        output->generation = 1;
    }
}

bool crossing_output_grow(crossing_output *output, size_t size)
{
    size_t used = (size_t)(output->position - output->data);
    size_t capacity = crossing_output_capacity(output);
    if (size > SIZE_MAX / 4 - used) {
        return false;
    }
    while (capacity - used < size) {
        capacity += capacity / 2;
    }
    return resize(output, capacity);
}

crossing_view *crossing_output_view(crossing_output *output, uint32_t index)
{
    crossing_view **link = &output->views;
    while (*link != NULL && (*link)->index != index) {
        link = &(*link)->next;
    }
    crossing_view *view = *link;
    if (view != NULL) {
        *link = view->next;
        view->next = NULL;
    }
    return view;
}

const void *crossing_view_data(const crossing_view *view)
{
    return view->bytes.data;
}

size_t crossing_view_size(const crossing_view *view)
{
    return view->bytes.size;
}

void crossing_view_free(crossing_view *view)
{
    if (view != NULL) {
        amqpc_delivery_release(&view->delivery);
        free(view);
    }
}

/* --- Text. */

static inline uint64_t raw64(const uint8_t *text)
{
    uint64_t bits;
    memcpy(&bits, text, sizeof bits);
    return bits;
}

static inline uint32_t raw32(const uint8_t *text)
{
    uint32_t bits;
    memcpy(&bits, text, sizeof bits);
    return bits;
}

/* The first and the last 8 bytes of a text, at least one: all of it up to 16. */
static inline void ends_of(const uint8_t *text, size_t size, uint64_t *low, uint64_t *high)
{
    if (size >= 8) {
        *low = raw64(text);
        *high = raw64(text + size - 8);
    } else if (size >= 4) {
        *low = raw32(text);
        *high = raw32(text + size - 4);
    } else {
        *low = (uint64_t)text[0] << 8 | text[size - 1];
        *high = text[size / 2];
    }
}

static inline size_t set_of(uint64_t low, uint64_t high)
{
    const uint64_t hash = (low ^ (high << 29 | high >> 35)) * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> (64 - REMEMBERED_BITS));
}

static bool is_ascii(const uint8_t *text, size_t size)
{
    uint64_t bits = 0;
    if (size >= 8) {
        const uint8_t *last = text + size - 8;
        for (; text < last && (bits & 0x8080808080808080u) == 0; text += 8) {
            bits |= raw64(text);
        }
        bits |= raw64(last);
    } else if (size >= 4) {
        bits = raw32(text) | raw32(text + size - 4);
    } else {
        for (size_t i = 0; i < size; i++) {
            bits |= text[i];
        }
    }
    return (bits & 0x8080808080808080u) == 0;
}

/* Writes a string out, with room for it. */
static void put_whole_text(crossing_output *output, const uint8_t *text, size_t size,
                           unsigned referable)
{
    uint8_t *to = output->position;
    if (!is_ascii(text, size)) {
        to = put_code_u32(to, MARSHAL_TEXT | referable, (uint32_t)size);
    } else if (size <= UINT8_MAX) {
        to = put_byte(put_byte(to, MARSHAL_SHORT_ASCII | referable), (unsigned)size);
    } else {
        to = put_code_u32(to, MARSHAL_ASCII | referable, (uint32_t)size);
    }
    if (size != 0) {
        memcpy(to, text, size);
    }
    output->position = to + size;
}

/* What the ends of a text of more than 16 bytes, and at most 32, leave out. */
static inline bool same_middle(const uint8_t *left, const uint8_t *right, size_t size)
{
    return raw64(left + 8) == raw64(right + 8) &&
           raw64(left + size - 16) == raw64(right + size - 16);
}

static inline bool is_same(const crossing_output *output, const remembered_text *before,
                           const remembered_text *text, const uint8_t *bytes, size_t size)
{
    return before->low == text->low && before->high == text->high && before->key == text->key &&
           (size <= 16 || same_middle(output->data + before->offset, bytes, size));
}

amqpc_status crossing_put_text(crossing_output *output, const uint8_t *text, size_t size,
                               bool repeats)
{
    if (!crossing_reserve(output, TEXT_HEAD_SIZE + size)) {
        return AMQPC_NO_MEMORY;
    }
    if (!repeats || size > REMEMBERED_SIZE_MAX || size == 0) {
        put_whole_text(output, text, size, 0);
        return AMQPC_OK;
    }
    remembered_text put = {.key = (uint64_t)output->generation << 32 | size};
    ends_of(text, size, &put.low, &put.high);
    remembered_text *set = output->remembered[set_of(put.low, put.high)];
    for (int i = 0; i < 2; i++) {
        if (is_same(output, &set[i], &put, text, size)) {
            output->position = put_code_u32(output->position, MARSHAL_REFERENCE, set[i].reference);
            return AMQPC_OK;
        }
    }
    put_whole_text(output, text, size, MARSHAL_REFERABLE);
    put.offset = (size_t)(output->position - output->data) - size;
    put.reference = output->reference_count++;
    set[1] = set[0];
    set[0] = put;
    return AMQPC_OK;
}
