/* The client of SASL: chooses a mechanism and follows it (AMQP 5.3.2). */
#include "engine/sasl_object.h"

/* --- Which mechanism. */

/* The client's own wishes, the most wanted first. */
typedef struct wishes {
    bool named; /* by the options; otherwise the engine's rows */
    amqpc_bytes names;
    size_t index;
} wishes;

static bool next_wish(wishes *wanted, amqpc_bytes *name)
{
    if (wanted->named) {
        return amqpci_sasl_next_name(&wanted->names, name);
    }
    const amqpci_sasl_mechanism *row = amqpci_sasl_mechanism_at(wanted->index++);
    if (row == NULL) {
        return false;
    }
    *name = amqpci_text(row->name);
    return true;
}

/* Whether the server's list has the name: an array, or one bare symbol (AMQP 1.4). */
static bool is_offered(const amqpc_symbols *offered, amqpc_bytes name)
{
    amqpc_items items;
    amqpc_value value;
    size_t read = 1;
    if (offered->items == NULL && offered->count > 0 && offered->value.type == AMQPC_TYPE_ARRAY &&
        amqpc_items_init(&offered->value, &items) == AMQPC_OK) {
        while (amqpc_items_next(&items, &value, 1, &read) == AMQPC_OK && read == 1) {
            if (value.type == AMQPC_TYPE_SYMBOL && amqpci_bytes_equal(value.as.bytes, name)) {
                return true;
            }
        }
        return false;
    }
    amqpc_bytes symbol;
    for (uint32_t i = 0; amqpc_symbols_get(offered, i, &symbol) == AMQPC_OK; i++) {
        if (amqpci_bytes_equal(symbol, name)) {
            return true;
        }
    }
    return false;
}

/* Takes the first wish that is offered and allowed. What is forbidden only because anybody can
 * listen is told apart, so that the caller knows what to change. */
static amqpc_status choose(amqpci_sasl *sasl, const amqpc_symbols *offered, amqpc_bytes *chosen)
{
    amqpc_bytes names = sasl->options.mechanisms;
    wishes wanted = {names.size > 0, names, 0};
    amqpc_bytes name;
    amqpc_status found = AMQPC_SASL_NO_MECHANISM;
    while (next_wish(&wanted, &name)) {
        const amqpci_sasl_mechanism *row = amqpci_sasl_mechanism_find(name);
        if (!is_offered(offered, name)) {
            continue;
        }
        amqpc_status status = amqpci_sasl_mechanism_allowed(sasl, row);
        if (status == AMQPC_OK) {
            sasl->mechanism = row;
            *chosen = name;
            return AMQPC_OK;
        }
        found = status == AMQPC_SASL_CLEARTEXT ? status : found;
    }
    return found;
}

/* --- Input. */

static amqpc_status take_mechanisms(amqpci_sasl *sasl, const amqpc_sasl_mechanisms *in)
{
    amqpc_bytes name;
    amqpc_status status = choose(sasl, &in->sasl_server_mechanisms, &name);
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(&sasl->allocator, &sasl->mechanism_name, name);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (sasl->mechanism == NULL) {
        amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_INITIAL_RESPONSE);
        return AMQPC_OK;
    }
    status = sasl->mechanism->client.start(sasl);
    return status == AMQPC_OK ? amqpci_sasl_answer(sasl, AMQPC_COMPOSITE_SASL_INIT) : status;
}

static amqpc_status take_challenge(amqpci_sasl *sasl, const amqpc_sasl_challenge *in)
{
    if (sasl->rounds == sasl->options.rounds_max) {
        return AMQPC_SASL_TOO_MANY_ROUNDS;
    }
    sasl->rounds++;
    if (sasl->mechanism == NULL) {
        amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->received, in->challenge);
        if (status == AMQPC_OK) {
            amqpci_sasl_ask(sasl, AMQPC_SASL_QUESTION_CHALLENGE)->data =
                amqpci_secret_view(&sasl->received);
        }
        return status;
    }
    amqpc_status status = sasl->mechanism->client.step(sasl, in->challenge);
    return status == AMQPC_OK ? amqpci_sasl_answer(sasl, AMQPC_COMPOSITE_SASL_RESPONSE) : status;
}

static amqpc_status take_outcome(amqpci_sasl *sasl, const amqpc_sasl_outcome *in)
{
    if (in->code == AMQPC_SASL_CODE_AUTH) {
        return AMQPC_SASL_REFUSED;
    }
    if (in->code != AMQPC_SASL_CODE_OK) {
        return AMQPC_SASL_SYSTEM;
    }
    if (sasl->mechanism != NULL && sasl->mechanism->client.end != NULL) {
        amqpc_status status = sasl->mechanism->client.end(sasl, in->additional_data);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    amqpc_status status = amqpci_sasl_change(false, &sasl->state, AMQPCI_SASL_EVENT_ACCEPT);
    amqpci_sasl_forget(sasl);
    return status;
}

amqpc_status amqpci_sasl_client_input(amqpci_sasl *sasl, const amqpc_performative *in)
{
    switch (in->type) {
    case AMQPC_COMPOSITE_SASL_MECHANISMS:
        return take_mechanisms(sasl, &in->as.sasl_mechanisms);
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        return take_challenge(sasl, &in->as.sasl_challenge);
    default: /* the table of states lets nothing else through */
        return take_outcome(sasl, &in->as.sasl_outcome);
    }
}
