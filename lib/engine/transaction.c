/* Transactions, the controller's side, and what both sides have: the coordinator's link, and states
 * of deliveries (AMQP 4.2 to 4.5). */
#include "engine/transaction.h"

#include <string.h>

#include "engine/link.h"
#include "schema/generated/composite.h"

static const char property_name[] = "txn-id";

/* --- The link to a coordinator. */

/* Outcomes that a controller understands, beside declared, which is not listed (AMQP 4.5.5). */
static const amqpc_bytes outcomes[] = {
    {"amqp:accepted:list", sizeof "amqp:accepted:list" - 1},
    {"amqp:rejected:list", sizeof "amqp:rejected:list" - 1},
};

static amqpc_status encode_coordinator(amqpc_buffer *buffer, const amqpc_coordinator *coordinator,
                                       amqpc_value *value)
{
    amqpci_sink sink;
    amqpci_sink_init_growable(&sink, buffer);
    amqpc_status status = amqpci_encode_coordinator(&sink, coordinator);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_publish(&sink);
    const uint8_t *encoded = amqpc_buffer_data(buffer);
    *value = (amqpc_value){.type = AMQPC_TYPE_DESCRIBED, .count = 2};
    value->as.bytes = (amqpc_bytes){encoded + 1, amqpc_buffer_size(buffer) - 1};
    return AMQPC_OK;
}

amqpc_status amqpc_link_attach_coordinator(amqpc_link *link, const amqpc_attach *attach,
                                           const amqpc_coordinator *coordinator)
{
    static const amqpc_coordinator plain;
    amqpc_attach out = {0};
    amqpc_source source = {.present = AMQPC_SOURCE_OUTCOMES};
    amqpc_buffer *buffer = NULL;
    if (attach != NULL) {
        out = *attach;
    }
    source.outcomes.count = sizeof outcomes / sizeof outcomes[0];
    source.outcomes.items = outcomes;
    bool needs_source = link->role == AMQPC_ROLE_SENDER && !(out.present & AMQPC_ATTACH_SOURCE);
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, &buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    status = encode_coordinator(buffer, coordinator == NULL ? &plain : coordinator, &out.target);
    if (status == AMQPC_OK) {
        out.present |= AMQPC_ATTACH_TARGET;
        status = amqpc_link_attach(link, &out, needs_source ? &source : NULL, NULL);
    }
    amqpc_buffer_free(buffer);
    return status;
}

amqpc_status amqpc_link_remote_coordinator(const amqpc_link *link, amqpc_coordinator *coordinator)
{
    amqpc_attach attach;
    amqpc_status status = amqpc_link_remote_attach(link, &attach);
    if (status != AMQPC_OK) {
        return status;
    }
    if (!(attach.present & AMQPC_ATTACH_TARGET) ||
        amqpc_value_composite(&attach.target) != AMQPC_COMPOSITE_COORDINATOR) {
        return AMQPC_NOT_FOUND;
    }
    return amqpc_coordinator_from_value(&attach.target, &link->connection->limits, coordinator);
}

/* --- States of deliveries. */

void amqpc_transaction_state_init_outcome(amqpc_transaction_state *state, amqpc_bytes txn_id,
                                          const amqpc_value *outcome)
{
    memset(state, 0, sizeof *state);
    state->fields[0] = amqpci_binary_value(txn_id);
    state->fields[1] = *outcome;
    state->value =
        amqpci_composite_value(state->parts, AMQPC_COMPOSITE_TRANSACTIONAL_STATE, state->fields, 2);
}

void amqpc_transaction_state_init(amqpc_transaction_state *state, amqpc_bytes txn_id,
                                  uint32_t outcome_type)
{
    amqpc_value none = {.type = AMQPC_TYPE_NULL};
    amqpc_transaction_state_init_outcome(state, txn_id, &none);
    if (outcome_type == AMQPC_COMPOSITE_NONE) {
        state->parts[1].count = 1;
    } else {
        state->fields[1] =
            amqpci_composite_value(state->outcome_parts, outcome_type, state->outcome_parts, 0);
    }
}

amqpc_status amqpc_delivery_transaction(const amqpc_delivery *delivery,
                                        amqpc_transactional_state *state)
{
    if (delivery->state.size == 0) {
        return AMQPC_NOT_FOUND;
    }
    amqpc_status status = amqpc_transactional_state_decode(delivery->state.data,
                                                           delivery->state.size, NULL, state, NULL);
    return status == AMQPC_UNKNOWN_DESCRIPTOR ? AMQPC_NOT_FOUND : status;
}

amqpc_status amqpc_update_transaction(const amqpc_update *update, amqpc_transactional_state *state)
{
    return update->state_type == AMQPC_COMPOSITE_TRANSACTIONAL_STATE
               ? amqpc_transactional_state_from_value(&update->state, NULL, state)
               : AMQPC_NOT_FOUND;
}

/* --- The controller: declare and discharge. */

static amqpc_status check_options(const amqpc_send_options *given, amqpc_send_options *options)
{
    amqpc_send_options_init(options, sizeof *options);
    if (given != NULL) {
        size_t size = given->struct_size < sizeof *options ? given->struct_size : sizeof *options;
        memcpy(options, given, size);
        options->struct_size = sizeof *options;
    }
    /* The answer is an outcome, so there has to be one (AMQP 4.2). */
    return options->settled || options->by_reference ? AMQPC_INVALID_ARGUMENT : AMQPC_OK;
}

/* Begins the message: a section amqp-value (AMQP 3.2.8). */
static amqpc_status begin_message(const amqpc_link *link, amqpc_buffer **buffer, amqpci_sink *sink)
{
    static const uint8_t amqp_value[] = {0x00, AMQPC_CODE_SMALLULONG, 0x77};
    amqpc_status status = amqpc_buffer_new(&link->connection->allocator, SIZE_MAX, buffer);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_init_growable(sink, *buffer);
    status = amqpci_sink_reserve(sink, sizeof amqp_value);
    if (status == AMQPC_OK) {
        memcpy(sink->position, amqp_value, sizeof amqp_value);
        sink->position += sizeof amqp_value;
    }
    return status;
}

/* Sends the message, where it could be encoded. */
static amqpc_status send_message(amqpc_link *link, amqpc_status status, amqpc_buffer *buffer,
                                 amqpci_sink *sink, const amqpc_send_options *options,
                                 uint64_t *number)
{
    if (status == AMQPC_OK) {
        amqpci_sink_publish(sink);
        amqpc_bytes payload = {amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)};
        status = amqpc_link_send(link, payload, options, number);
    }
    amqpc_buffer_free(buffer);
    return status;
}

amqpc_status amqpc_link_declare(amqpc_link *link, const amqpc_declare *declare,
                                const amqpc_send_options *options, uint64_t *number)
{
    static const amqpc_declare local;
    amqpc_send_options chosen;
    amqpc_buffer *buffer = NULL;
    amqpci_sink sink;
    amqpc_status status = check_options(options, &chosen);
    if (status == AMQPC_OK) {
        status = begin_message(link, &buffer, &sink);
    }
    if (status == AMQPC_OK) {
        status = amqpci_encode_declare(&sink, declare == NULL ? &local : declare);
    }
    return send_message(link, status, buffer, &sink, &chosen, number);
}

amqpc_status amqpc_link_discharge(amqpc_link *link, amqpc_bytes txn_id, bool fail,
                                  const amqpc_send_options *options, uint64_t *number)
{
    const amqpc_discharge discharge = {
        .present = AMQPC_DISCHARGE_TXN_ID | AMQPC_DISCHARGE_FAIL, .txn_id = txn_id, .fail = fail};
    amqpc_send_options chosen;
    amqpc_buffer *buffer = NULL;
    amqpci_sink sink;
    amqpc_status status = check_options(options, &chosen);
    if (status == AMQPC_OK) {
        status = begin_message(link, &buffer, &sink);
    }
    if (status == AMQPC_OK) {
        status = amqpci_encode_discharge(&sink, &discharge);
    }
    return send_message(link, status, buffer, &sink, &chosen, number);
}

/* --- The controller: what became of them. */

/* The status of a transaction-error (AMQP 4.5.8). */
static amqpc_status status_of(const amqpc_error *error)
{
    static const amqpc_status known[] = {AMQPC_TRANSACTION_UNKNOWN_ID, AMQPC_TRANSACTION_ROLLBACK,
                                         AMQPC_TRANSACTION_TIMEOUT};
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *condition = amqpc_status_condition(known[i]);
        if (error->condition.size == strlen(condition) &&
            memcmp(error->condition.data, condition, error->condition.size) == 0) {
            return known[i];
        }
    }
    return AMQPC_PEER_ERROR;
}

/* An update that is not the answer that was hoped for. */
static amqpc_status failure_of(const amqpc_update *update)
{
    if (update->state_type == AMQPC_COMPOSITE_NONE) {
        return update->settled ? AMQPC_PEER_ERROR : AMQPC_NOT_FOUND;
    }
    if (update->state_type == AMQPC_COMPOSITE_RECEIVED && !update->settled) {
        return AMQPC_NOT_FOUND;
    }
    if (update->state_type != AMQPC_COMPOSITE_REJECTED) {
        return AMQPC_PEER_ERROR;
    }
    amqpc_rejected rejected;
    amqpc_status status = amqpc_rejected_from_value(&update->state, NULL, &rejected);
    if (status != AMQPC_OK) {
        return status;
    }
    return rejected.present & AMQPC_REJECTED_ERROR ? status_of(&rejected.error) : AMQPC_PEER_ERROR;
}

amqpc_status amqpc_update_declared(const amqpc_update *update, amqpc_bytes *txn_id)
{
    if (update->state_type != AMQPC_COMPOSITE_DECLARED) {
        return failure_of(update);
    }
    amqpc_declared declared;
    amqpc_status status = amqpc_declared_from_value(&update->state, NULL, &declared);
    if (status == AMQPC_OK) {
        *txn_id = declared.txn_id;
    }
    return status;
}

amqpc_status amqpc_update_discharged(const amqpc_update *update)
{
    return update->state_type == AMQPC_COMPOSITE_ACCEPTED ? AMQPC_OK : failure_of(update);
}

/* --- The controller: acquisition. */

amqpc_status amqpc_link_acquire_in(amqpc_link *link, amqpc_bytes txn_id)
{
    if (link->role != AMQPC_ROLE_RECEIVER) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_value entry[2];
    entry[0] = (amqpc_value){.type = AMQPC_TYPE_SYMBOL};
    entry[0].as.bytes = (amqpc_bytes){property_name, sizeof property_name - 1};
    entry[1] = amqpci_binary_value(txn_id);
    if (txn_id.size == 0) {
        entry[1].type = AMQPC_TYPE_NULL;
    }
    const amqpc_value properties = {
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = entry};
    return amqpc_link_send_flow(link, false, &properties);
}

amqpc_status amqpc_link_remote_transaction(const amqpc_link *link, amqpc_bytes *txn_id)
{
    amqpc_value properties;
    amqpc_value value;
    amqpc_status status = amqpc_link_remote_flow_properties(link, &properties);
    if (status == AMQPC_OK) {
        status = amqpc_map_get(&properties, property_name, sizeof property_name - 1, &value);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (value.type != AMQPC_TYPE_BINARY) {
        return value.type == AMQPC_TYPE_NULL ? AMQPC_NOT_FOUND : AMQPC_WRONG_TYPE;
    }
    *txn_id = value.as.bytes;
    return AMQPC_OK;
}
