/* The test server's transactions (AMQP part 4): what was posted and accepted in one counts when it
 * is committed. */
#include <amqpcodec/transaction.h>
#include <stdio.h>
#include <string.h>

#include "support/test_server_parts.h"

bool test_server_is_coordinator(const amqpc_link *link)
{
    amqpc_coordinator coordinator;
    return amqpc_link_role(link) == AMQPC_ROLE_RECEIVER &&
           amqpc_link_remote_coordinator(link, &coordinator) == AMQPC_OK;
}

void test_server_attach_coordinator(const test_server *server, amqpc_link *link)
{
    if (!server->options.transactions) {
        amqpc_error error = test_server_error("amqp:not-implemented", "no transactions");
        test_server_must_be_ok(amqpc_link_refuse(link, &error), "refuse");
        return;
    }
    if (!server->options.dry_coordinator) {
        test_server_must_be_ok(amqpc_link_set_prefetch(link, 10), "prefetch");
    }
    test_server_must_be_ok(amqpc_link_attach_coordinator(link, NULL, NULL), "attach");
}

/* --- The transactions. */

static server_transaction *find(test_server *server, amqpc_bytes id)
{
    for (size_t i = 0; i < SERVER_TRANSACTIONS_MAX; i++) {
        server_transaction *at = &server->transactions[i];
        if (at->connection != NULL && strlen(at->id) == id.size &&
            memcmp(at->id, id.data, id.size) == 0) {
            return at;
        }
    }
    return NULL;
}

static void add(uint32_t *numbers, uint32_t *count, uint32_t number)
{
    test_server_must(*count < SERVER_WORK_MAX, "too much in a transaction");
    numbers[(*count)++] = number;
}

static void end_transaction(test_server *server, server_transaction *transaction, bool commits)
{
    for (uint32_t i = 0; i < transaction->posted_count; i++) {
        server->received[transaction->posted[i]] += commits;
        server->messages += commits;
    }
    for (uint32_t i = 0; i < transaction->retired_count; i++) {
        uint32_t number = transaction->retired[i];
        if (commits) {
            server->settled[number]++;
            server->left -= server->settled[number] == 1;
        } else {
            server->again[server->again_count++] = number;
        }
    }
    server->rolled_back += !commits;
    memset(transaction, 0, sizeof *transaction);
}

void test_server_roll_back(test_server *server, const amqpc_connection *connection)
{
    for (size_t i = 0; i < SERVER_TRANSACTIONS_MAX; i++) {
        if (server->transactions[i].connection == connection) {
            end_transaction(server, &server->transactions[i], false);
        }
    }
}

/* --- What controllers ask. */

static void reject(amqpc_link *link, uint64_t number, const char *condition)
{
    amqpc_error error = test_server_error(condition, "the test says so");
    test_server_must_be_ok(amqpc_link_reject(link, number, number, &error), "reject");
}

static void declare(test_server *server, amqpc_link *link, uint64_t number)
{
    if (server->options.declare_condition != NULL) {
        reject(link, number, server->options.declare_condition);
        return;
    }
    size_t index = 0;
    while (server->transactions[index].connection != NULL) {
        index++;
        test_server_must(index < SERVER_TRANSACTIONS_MAX, "too many transactions");
    }
    server_transaction *made = &server->transactions[index];
    made->connection = amqpc_session_connection(amqpc_link_session(link));
    (void)snprintf(made->id, sizeof made->id, "txn %u", (unsigned)server->declared++);
    test_server_must_be_ok(amqpc_link_declared(link, number, test_server_text(made->id)),
                           "declared");
}

static void discharge(test_server *server, amqpc_link *link, uint64_t number,
                      const amqpc_discharge *asked)
{
    server_transaction *transaction = find(server, asked->txn_id);
    if (server->options.silent_discharge) {
        server->unanswered++;
        return;
    }
    if (transaction == NULL) {
        test_server_must_be_ok(
            amqpc_link_refuse_request(link, number, AMQPC_TRANSACTION_UNKNOWN_ID), "refuse");
        return;
    }
    if (server->options.discharge_condition != NULL && !asked->fail) {
        end_transaction(server, transaction, false);
        reject(link, number, server->options.discharge_condition);
        return;
    }
    end_transaction(server, transaction, !asked->fail);
    test_server_must_be_ok(amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_ACCEPTED),
                           "discharged");
}

void test_server_take_request(test_server *server, amqpc_link *link, const amqpc_delivery *delivery)
{
    amqpc_transaction_request request;
    test_server_must_be_ok(amqpc_link_transaction_request(link, delivery, &request), "request");
    if (request.type == AMQPC_COMPOSITE_DECLARE) {
        declare(server, link, delivery->number);
    } else {
        discharge(server, link, delivery->number, &request.as.discharge);
    }
}

/* --- Work. */

/* The outcome that it will have. */
static void give_provisional(amqpc_link *link, uint64_t number, amqpc_bytes id)
{
    amqpc_transaction_state state;
    const uint8_t encoded[] = {0,
                               AMQPC_CODE_SMALLULONG,
                               AMQPC_COMPOSITE_REJECTED,
                               AMQPC_CODE_LIST8,
                               24,
                               1,
                               0,
                               AMQPC_CODE_SMALLULONG,
                               AMQPC_COMPOSITE_ERROR,
                               AMQPC_CODE_LIST8,
                               18,
                               1,
                               AMQPC_CODE_SYMBOL8,
                               15,
                               'a',
                               'm',
                               'q',
                               'p',
                               ':',
                               't',
                               'e',
                               's',
                               't',
                               ':',
                               't',
                               'h',
                               'e',
                               'r',
                               'e'};
    amqpc_value rejected;
    if (test_server_is_node(link, "reject")) {
        test_server_must_be_ok(amqpc_value_decode(encoded, sizeof encoded, NULL, &rejected, NULL),
                               "rejected");
        amqpc_transaction_state_init_outcome(&state, id, &rejected);
    } else {
        amqpc_transaction_state_init(&state, id, AMQPC_COMPOSITE_ACCEPTED);
    }
    bool settles = !test_server_is_node(link, "say");
    test_server_must_be_ok(amqpc_link_update(link, number, number, &state.value, settles),
                           "outcome");
}

bool test_server_take_posted(test_server *server, amqpc_link *link, const amqpc_delivery *delivery,
                             uint32_t number)
{
    amqpc_transactional_state state;
    if (amqpc_delivery_transaction(delivery, &state) != AMQPC_OK) {
        return false;
    }
    server_transaction *transaction = find(server, state.txn_id);
    if (transaction == NULL) {
        amqpc_error error = test_server_error("amqp:transaction:unknown-id", "posted in none");
        test_server_must_be_ok(amqpc_link_detach(link, true, &error), "detach");
        return true;
    }
    if (!test_server_is_node(link, "reject")) {
        add(transaction->posted, &transaction->posted_count, number);
    }
    server->provisional++;
    if (!delivery->settled && !test_server_is_node(link, "hold")) {
        give_provisional(link, delivery->number, state.txn_id);
    }
    return true;
}

bool test_server_take_retired(test_server *server, const amqpc_update *update)
{
    amqpc_transactional_state state;
    if (amqpc_update_transaction(update, &state) != AMQPC_OK) {
        return false;
    }
    server_transaction *transaction = find(server, state.txn_id);
    bool accepted = amqpc_value_composite(&state.outcome) == AMQPC_COMPOSITE_ACCEPTED;
    if (transaction != NULL && accepted) {
        add(transaction->retired, &transaction->retired_count, (uint32_t)update->context);
    } else {
        server->again[server->again_count++] = (uint32_t)update->context;
    }
    return true;
}
