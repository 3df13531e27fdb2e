/* Receiving: deliveries taken and decoded in batches, and settled in ranges. */
#include <stdlib.h>

#include "crossing_client.h"

crossing_receiver *crossing_receiver_new(crossing_client *client, const char *address,
                                         amqpc_receiver_options *options,
                                         const crossing_terms *terms, int *status)
{
    crossing_termini termini;
    crossing_receiver *made = (crossing_receiver *)calloc(1, sizeof *made);
    if (made == NULL) {
        *status = AMQPC_NO_MEMORY;
        return NULL;
    }
    *status = (int)crossing_terms_read(terms, &termini);
    if (*status == AMQPC_OK) {
        options->source = termini.given_source;
        options->target = termini.given_target;
        options->properties = termini.given_properties;
        *status =
            (int)amqpc_receiver_new(crossing_client_get(client), address, options, &made->receiver);
    }
    if (*status != AMQPC_OK) {
        free(made);
        return NULL;
    }
    made->client = crossing_client_use(client);
    return made;
}

void crossing_receiver_free(crossing_receiver *receiver)
{
    amqpc_deliveries_release(receiver->held + receiver->first, receiver->held_count);
    amqpc_receiver_free(receiver->receiver);
    crossing_client_drop(receiver->client);
    free(receiver);
}

int crossing_receive(crossing_receiver *receiver, crossing_output *output, crossing_batch *batch,
                     bool moves)
{
    size_t count = receiver->held_count;
    if (count == 0) {
        uint32_t wanted = batch->messages_max;
        amqpc_status status =
            amqpc_receiver_receive(receiver->receiver, receiver->held,
                                   wanted < CROSSING_HELD_MAX ? wanted : CROSSING_HELD_MAX,
                                   moves ? 0 : AMQPC_LOOK, &count);
        if (status != AMQPC_OK) {
            return (int)status;
        }
        receiver->first = 0;
        receiver->held_count = (uint32_t)count;
    }
    amqpc_delivery *held = receiver->held + receiver->first;
    uint32_t taken = crossing_decode_deliveries(output, held, count, batch);
    amqpc_deliveries_release(held, taken);
    receiver->first += taken;
    receiver->held_count -= taken;
    return AMQPC_OK;
}

int crossing_accept(crossing_receiver *receiver, uint64_t number)
{
    return (int)amqpc_receiver_settle(receiver->receiver, number, number, AMQPC_COMPOSITE_ACCEPTED);
}

int crossing_reject(amqpc_receiver *receiver, uint64_t first, uint64_t last,
                    const crossing_error *said)
{
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = said->condition};
    if (said->description.data != NULL) {
        error.present |= AMQPC_ERROR_DESCRIPTION;
        error.description = said->description;
    }
    if (said->info.size > 0) {
        error.present |= AMQPC_ERROR_INFO;
        amqpc_status status =
            amqpc_value_decode(said->info.data, said->info.size, NULL, &error.info, NULL);
        if (status != AMQPC_OK) {
            return (int)status;
        }
    }
    return (int)amqpc_receiver_reject(receiver, first, last,
                                      said->condition.size > 0 ? &error : NULL);
}

int crossing_modify(amqpc_receiver *receiver, uint64_t first, uint64_t last, bool delivery_failed,
                    bool undeliverable_here, amqpc_bytes *annotations)
{
    amqpc_modified modified = {.present = AMQPC_MODIFIED_DELIVERY_FAILED |
                                          AMQPC_MODIFIED_UNDELIVERABLE_HERE,
                               .delivery_failed = delivery_failed,
                               .undeliverable_here = undeliverable_here};
    if (annotations->size > 0) {
        modified.present |= AMQPC_MODIFIED_MESSAGE_ANNOTATIONS;
        amqpc_status status = amqpc_value_decode(annotations->data, annotations->size, NULL,
                                                 &modified.message_annotations, NULL);
        if (status != AMQPC_OK) {
            return (int)status;
        }
    }
    return (int)amqpc_receiver_modify(receiver, first, last, &modified);
}
