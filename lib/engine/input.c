/* The input slab, and deliveries that are put together in it.
 *
 * A delivery of several frames mostly arrives without anything between its frames: then each
 * further payload is moved down to the end of what is there, over the headers that are done with.
 * The payload of the first frame, mostly all but a rest, is not copied at all. */
#include "engine/input.h"
#include "base/planted.h"

#include <assert.h>
#include <string.h>

enum {
    REFERENCES = 1 << 20, /* taken at a time */
    READ_MIN = 4096,      /* a receive of less room than this is not worth a call */
};

amqpc_status amqpci_input_init(amqpci_input *input, const amqpc_allocator *allocator,
                               size_t slab_size)
{
    *input = (amqpci_input){.allocator = *allocator, .slab_size = slab_size};
    return amqpci_slab_pool_new(allocator, slab_size, &input->pool);
}

static void drop_slab(amqpci_input *input)
{
    if (input->slab != NULL) {
        amqpci_slab_drop(input->slab, input->references);
        input->slab = NULL;
        input->view_end = NULL;
        input->assembled = NULL;
        input->filled = 0;
        input->parsed = 0;
        input->capacity = 0;
    }
}

void amqpci_input_clean_up(amqpci_input *input)
{
    drop_slab(input);
    amqpci_slab_pool_close(input->pool);
    input->pool = NULL;
}

void amqpci_input_trim(amqpci_input *input)
{
    if (input->parsed == input->filled) {
        drop_slab(input);
    }
    amqpci_slab_pool_trim(input->pool);
}

void amqpci_input_more_references(amqpci_input *input)
{
    amqpci_slab_hold(input->slab, REFERENCES);
    input->references += REFERENCES;
}

static void use_slab(amqpci_input *input, amqpci_slab *slab)
{
    input->slab = slab;
    input->data = amqpci_slab_data(slab);
    input->capacity = amqpci_slab_capacity(slab);
    input->references = 1;
    input->filled = 0;
    input->parsed = 0;
    input->view_end = NULL;
    input->assembled = NULL;
    amqpci_input_more_references(input);
}

/* Moves tag, state and payload of a delivery to the front of a slab, with room for all, which is
 * the delivery's by that. Gives their end. */
static uint8_t *move_delivery(amqpci_delivery *delivery, uint8_t *to)
{
    const amqpci_incoming *in = &delivery->as.in;
    uint8_t *payload = to + amqpci_delivery_head_size(delivery);
    if (delivery->tag_size > 0) {
        memcpy(to, amqpci_incoming_tag(delivery), delivery->tag_size);
    }
    if (payload > to + delivery->tag_size) {
        amqpc_bytes state = delivery->extra->sent_state;
        memcpy(to + delivery->tag_size, state.data, state.size);
    }
    if (in->size > 0) {
        memcpy(payload, amqpci_incoming_payload(delivery), in->size);
    }
    amqpci_delivery_place_head(delivery, to);
    return payload + in->size;
}

/* A slab for input, with what is not parsed yet, and the delivery that is being put together. */
static amqpc_status move_to_next_slab(amqpci_input *input)
{
    amqpci_slab *old = input->slab;
    size_t old_references = input->references;
    amqpci_delivery *assembled = input->assembled;
    const uint8_t *rest = input->data + input->parsed;
    size_t rest_size = input->filled - input->parsed;
    amqpci_slab *made = NULL;
    amqpc_status status = amqpci_slab_new(&input->allocator, input->pool, input->slab_size, &made);
    if (status != AMQPC_OK) {
        return status;
    }
    use_slab(input, made);
    if (assembled != NULL &&
        amqpci_delivery_head_size(assembled) + assembled->as.in.size <= input->capacity / 4) {
        uint8_t *end = move_delivery(assembled, input->data);
        amqpci_slab_drop(assembled->as.in.slab, 1);
        assembled->as.in.slab = amqpci_input_hold(input, end);
        input->assembled = assembled;
        input->parsed = (size_t)(end - input->data);
    }
    if (rest_size > 0) {
        memcpy(input->data + input->parsed, rest, rest_size);
    }
    input->filled = input->parsed + rest_size;
    amqpci_slab_drop(old, old_references);
    return AMQPC_OK;
}

amqpc_status amqpci_input_make_room(amqpci_input *input, size_t needed)
{
    assert(needed <= input->slab_size);
    if (input->slab == NULL) {
        amqpci_slab *made = NULL;
        amqpc_status status =
            amqpci_slab_new(&input->allocator, input->pool, input->slab_size, &made);
        if (status == AMQPC_OK) {
            use_slab(input, made);
        }
        return status;
    }
    size_t rest_size = input->filled - input->parsed;
    bool sole = amqpci_slab_sole(input->slab, input->references);
    if (sole && input->parsed > 0 && (rest_size == 0 || rest_size < input->parsed)) {
        memmove(input->data, input->data + input->parsed, rest_size);
        input->filled = rest_size;
        input->parsed = 0;
        input->view_end = NULL;
    }
    size_t room = input->capacity - input->filled;
    size_t wanted = needed > rest_size + READ_MIN ? needed - rest_size : READ_MIN;
    return room >= wanted ? AMQPC_OK : move_to_next_slab(input);
}

/* Moves a delivery to a slab of its own, with room for `more` bytes. */
static amqpc_status move_to_own_slab(amqpci_input *input, amqpci_delivery *delivery, size_t more)
{
    amqpci_incoming *in = &delivery->as.in;
    size_t size = amqpci_delivery_head_size(delivery) + in->size;
    size_t capacity = AMQPCI_ASSEMBLED_FIRST;
    while (capacity < (size + more) * 2) {
        capacity *= 2;
    }
    amqpci_slab *made = NULL;
    amqpc_status status = amqpci_slab_new(&input->allocator, input->pool, capacity, &made);
    if (status == AMQPC_OK) {
        amqpci_slab *old = in->slab;
        move_delivery(delivery, amqpci_slab_data(made));
        in->slab = made;
        delivery->flags |= AMQPCI_DELIVERY_OWN_SLAB;
        amqpci_slab_drop(old, 1);
    }
    return status;
}

static amqpc_status append_to_own_slab(amqpci_input *input, amqpci_delivery *delivery,
                                       amqpc_bytes payload)
{
    amqpci_incoming *in = &delivery->as.in;
    size_t used = amqpci_delivery_head_size(delivery) + in->size;
    if (!(delivery->flags & AMQPCI_DELIVERY_OWN_SLAB) ||
        amqpci_slab_capacity(in->slab) - used < payload.size) {
        amqpc_status status = move_to_own_slab(input, delivery, payload.size);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    memcpy(amqpci_slab_data(in->slab) + used, payload.data,
           payload.size / (AMQPCI_PLANTED(4) ? 2 : 1));
    in->size += (uint32_t)payload.size;
    return AMQPC_OK;
}

amqpc_status amqpci_input_append(amqpci_input *input, amqpci_delivery *delivery,
                                 amqpc_bytes payload)
{
    amqpci_incoming *in = &delivery->as.in;
    if (payload.size == 0) {
        return AMQPC_OK;
    }
    if (delivery->flags & AMQPCI_DELIVERY_OWN_SLAB || in->slab != input->slab ||
        amqpci_incoming_payload(delivery) + in->size != input->view_end) {
        return append_to_own_slab(input, delivery, payload);
    }
    uint8_t *end = input->data + (input->view_end - input->data);
    memmove(end, payload.data, payload.size);
    in->size += (uint32_t)payload.size;
    input->view_end = end + payload.size;
    input->assembled = delivery;
    return AMQPC_OK;
}
