/* The server of SASL: offers mechanisms and follows the one that the client takes (AMQP 5.3.2). */
#include <stdint.h>

#include "engine/sasl_object.h"

amqpc_status amqpci_sasl_server_offer(amqpci_sasl *sasl)
{
    amqpc_bytes names = sasl->options.mechanisms;
    amqpc_bytes name;
    size_t count = 0;
    size_t size = 0;
    while (amqpci_sasl_next_name(&names, &name)) {
        count++;
    }
    if (count > UINT32_MAX || __builtin_mul_overflow(count, sizeof *sasl->offered, &size)) {
        return AMQPC_NO_MEMORY;
    }
    sasl->offered = (amqpc_bytes *)amqpci_new(&sasl->allocator, size);
    if (sasl->offered == NULL) {
        return AMQPC_NO_MEMORY;
    }
    names = sasl->options.mechanisms;
    while (amqpci_sasl_next_name(&names, &name)) {
        if (amqpci_sasl_mechanism_allowed(sasl, amqpci_sasl_mechanism_find(name)) == AMQPC_OK) {
            sasl->offered[sasl->offered_count++] = name;
        }
    }
    sasl->mechanisms_pending = true;
    /* The list must not be empty (AMQP 5.3.3.1). */
    return sasl->offered_count > 0 ? AMQPC_OK : AMQPC_INVALID_ARGUMENT;
}

/* Reads what the client sent: by the mechanism, or, of the application's own, by the application.
 * `has_data` is false for a null initial response. */
static amqpc_status read_response(amqpci_sasl *sasl, bool has_data, amqpc_bytes data)
{
    amqpci_secret_release(&sasl->allocator, &sasl->received);
    if (has_data) {
        amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->received, data);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    if (sasl->mechanism != NULL) {
        return sasl->mechanism->server_step(sasl, amqpci_secret_view(&sasl->received));
    }
    amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_RESPONSE)->data = amqpci_secret_view(&sasl->received);
    return AMQPC_OK;
}

static bool is_offered(const amqpci_sasl *sasl, amqpc_bytes name)
{
    for (uint32_t i = 0; i < sasl->offered_count; i++) {
        if (amqpci_bytes_equal(sasl->offered[i], name)) {
            return true;
        }
    }
    return false;
}

static amqpc_status take_init(amqpci_sasl *sasl, const amqpc_sasl_init *in)
{
    bool has_data = (in->present & AMQPC_SASL_INIT_INITIAL_RESPONSE) != 0;
    if (!is_offered(sasl, in->mechanism)) {
        return AMQPC_SASL_NO_MECHANISM;
    }
    amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->mechanism_name, in->mechanism);
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(&sasl->allocator, &sasl->hostname, in->hostname);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    sasl->mechanism = amqpci_sasl_mechanism_find(in->mechanism);
    if (sasl->mechanism != NULL && !has_data && !sasl->mechanism->starts_empty) {
        status = amqpci_secret_resize(&sasl->allocator, &sasl->sent, 0);
        return status == AMQPC_OK ? amqpci_sasl_answer(sasl, AMQPC_COMPOSITE_SASL_CHALLENGE)
                                  : status;
    }
    return read_response(sasl, has_data, in->initial_response);
}

static amqpc_status take_response(amqpci_sasl *sasl, const amqpc_sasl_response *in)
{
    if (sasl->rounds == sasl->options.rounds_max) {
        return AMQPC_SASL_TOO_MANY_ROUNDS;
    }
    sasl->rounds++;
    return read_response(sasl, true, in->response);
}

amqpc_status amqpci_sasl_server_input(amqpci_sasl *sasl, const amqpc_performative *in)
{
    return in->type == AMQPC_COMPOSITE_SASL_INIT ? take_init(sasl, &in->as.sasl_init)
                                                 : take_response(sasl, &in->as.sasl_response);
}
