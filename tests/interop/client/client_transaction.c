/* The scenario of transactions (AMQP part 4). Clients have none: this is the engine on a transport.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqpcodec/event.h>
#include <amqpcodec/sasl.h>
#include <amqpcodec/transaction.h>

#include "interop/client/client_peer.h"

enum { SIZE = 100, POSTED = 3, ID_MAX = 256 };

/* Who may come in (brokers/broker.py). */
#define USER     "alice"
#define PASSWORD "not so secret"

typedef struct controller {
    amqpc_poller *poller;
    amqpc_transport *transport;
    amqpc_session *session;
    amqpc_link *coordinator;
    amqpc_link *sender;
    amqpc_link *receiver;
} controller;

/* --- Waiting. */

static void move_bytes(controller *self)
{
    amqpc_ready ready;
    amqpc_connection_event event;
    amqpc_transport_touch(self->transport);
    peer_check(amqpc_poller_wait(self->poller, PEER_TIMEOUT_MS), "amqpc_poller_wait");
    while (amqpc_poller_next(self->poller, &ready)) {
        while (amqpc_connection_next_event(amqpc_transport_connection(self->transport), &event)) {
        }
    }
    amqpc_transport_failure failure;
    if (amqpc_transport_get_failure(self->transport, &failure) == AMQPC_OK) {
        peer_check(failure.status, failure.text);
    }
}

static void wait_for_link(controller *self, const amqpc_link *link)
{
    amqpc_link_flow flow = {.credit = 0};
    bool sends = amqpc_link_role(link) == AMQPC_ROLE_SENDER;
    while (amqpc_link_get_state(link) != AMQPC_LINK_ATTACHED || (sends && flow.credit == 0)) {
        peer_check(amqpc_link_is_closed(link) ? AMQPC_LINK_REFUSED : AMQPC_OK, "a link");
        move_bytes(self);
        amqpc_link_get_flow(link, &flow);
    }
}

static amqpc_update wait_for_update(controller *self, amqpc_link *link)
{
    amqpc_update update;
    size_t count = 0;
    while (true) {
        peer_check(amqpc_link_updates(link, &update, 1, &count), "amqpc_link_updates");
        if (count > 0) {
            return update;
        }
        move_bytes(self);
    }
}

/* --- The connection and its links. */

static amqpc_link *attach(controller *self, bool role, const char *address)
{
    amqpc_link *link = NULL;
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = peer_bytes(address)};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = peer_bytes(address)};
    const char *name = role == AMQPC_ROLE_SENDER ? "posts" : "retires";
    peer_check(amqpc_link_new(self->session, role, peer_bytes(name), &link), "amqpc_link_new");
    peer_check(amqpc_link_attach(link, NULL, &source, &target), "amqpc_link_attach");
    wait_for_link(self, link);
    return link;
}

static uint32_t port_of(const char *url)
{
    const char *last = strrchr(url, ':');
    return last == NULL ? 0 : (uint32_t)strtoul(last + 1, NULL, 10);
}

static void connect_controller(controller *self, const peer_options *options)
{
    amqpc_transport_options where;
    amqpc_connection_options terms;
    amqpc_sasl_options sasl;
    amqpc_transport_options_init(&where, sizeof where);
    amqpc_connection_options_init(&terms, sizeof terms);
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    where.host = "127.0.0.1";
    where.port = port_of(options->url);
    sasl.user = peer_bytes(USER);
    sasl.password = peer_bytes(PASSWORD);
    terms.sasl = &sasl;
    peer_check(amqpc_poller_new(NULL, &self->poller), "amqpc_poller_new");
    peer_check(amqpc_transport_connect(self->poller, &where, &terms, &self->transport),
               "amqpc_transport_connect");
    amqpc_connection *connection = amqpc_transport_connection(self->transport);
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_HOSTNAME,
                             .container_id = peer_bytes("controller"),
                             .hostname = peer_bytes("127.0.0.1")};
    peer_check(amqpc_connection_open(connection, &open), "amqpc_connection_open");
    peer_check(amqpc_session_new(connection, &self->session), "amqpc_session_new");
    peer_check(amqpc_session_begin(self->session, NULL), "amqpc_session_begin");
    peer_check(amqpc_link_new(self->session, AMQPC_ROLE_SENDER, peer_bytes("coordinates"),
                              &self->coordinator),
               "amqpc_link_new");
    peer_check(amqpc_link_attach_coordinator(self->coordinator, NULL, NULL),
               "amqpc_link_attach_coordinator");
    wait_for_link(self, self->coordinator);
    self->sender = attach(self, AMQPC_ROLE_SENDER, options->address);
    self->receiver = attach(self, AMQPC_ROLE_RECEIVER, options->address);
}

/* --- Transactions. */

static void settle_request(const controller *self, const amqpc_update *update)
{
    if (!update->settled) {
        peer_check(amqpc_link_settle(self->coordinator, update->number, update->number,
                                     AMQPC_COMPOSITE_NONE),
                   "amqpc_link_settle");
    }
}

/* The id of a new transaction, in memory of the caller. */
static amqpc_bytes declare(controller *self, uint8_t *memory)
{
    amqpc_bytes id;
    peer_check(amqpc_link_declare(self->coordinator, NULL, NULL, NULL), "amqpc_link_declare");
    amqpc_update update = wait_for_update(self, self->coordinator);
    peer_check(amqpc_update_declared(&update, &id), "amqpc_update_declared");
    peer_check(id.size <= ID_MAX ? AMQPC_OK : AMQPC_BUFFER_FULL, "the transaction's id");
    memcpy(memory, id.data, id.size);
    settle_request(self, &update);
    return (amqpc_bytes){memory, id.size};
}

static void discharge(controller *self, amqpc_bytes id, bool fail)
{
    peer_check(amqpc_link_discharge(self->coordinator, id, fail, NULL, NULL),
               "amqpc_link_discharge");
    amqpc_update update = wait_for_update(self, self->coordinator);
    peer_check(amqpc_update_discharged(&update), "amqpc_update_discharged");
    settle_request(self, &update);
}

/* Posts messages in a transaction, and ends it. */
static void post_in_transaction(controller *self, uint32_t first, bool fail)
{
    uint8_t memory[ID_MAX];
    amqpc_bytes id = declare(self, memory);
    for (uint32_t i = 0; i < POSTED; i++) {
        amqpc_transaction_state state;
        amqpc_send_options how;
        amqpc_send_options_init(&how, sizeof how);
        amqpc_transaction_state_init(&state, id, AMQPC_COMPOSITE_NONE);
        how.state = &state.value;
        amqpc_bytes payload = peer_make_message(first + i, SIZE);
        peer_check(amqpc_link_send(self->sender, payload, &how, NULL), "amqpc_link_send");
        free((void *)payload.data);
        amqpc_update update = wait_for_update(self, self->sender);
        amqpc_transactional_state said;
        peer_check(amqpc_update_transaction(&update, &said), "amqpc_update_transaction");
        if (!update.settled) {
            peer_check(
                amqpc_link_settle(self->sender, update.number, update.number, AMQPC_COMPOSITE_NONE),
                "amqpc_link_settle");
        }
    }
    discharge(self, id, fail);
}

/* Receives one message and accepts it in a transaction, which is committed. */
static void retire_in_transaction(controller *self)
{
    uint8_t memory[ID_MAX];
    amqpc_delivery delivery;
    size_t count = 0;
    peer_check(amqpc_link_add_credit(self->receiver, 1), "amqpc_link_add_credit");
    peer_check(amqpc_link_receive(self->receiver, &delivery, 1, &count), "amqpc_link_receive");
    while (count == 0) {
        move_bytes(self);
        peer_check(amqpc_link_receive(self->receiver, &delivery, 1, &count), "amqpc_link_receive");
    }
    uint32_t number = 0;
    bool whole = peer_read_message(delivery.payload, SIZE, &number);
    printf(",\"retired\":%" PRIu32, whole ? number : UINT32_MAX);
    amqpc_bytes id = declare(self, memory);
    amqpc_transaction_state state;
    amqpc_transaction_state_init(&state, id, AMQPC_COMPOSITE_ACCEPTED);
    peer_check(
        amqpc_link_update(self->receiver, delivery.number, delivery.number, &state.value, true),
        "amqpc_link_update");
    amqpc_delivery_release(&delivery);
    discharge(self, id, false);
}

/* Posts three messages that are rolled back, and three that are committed, of which one is retired:
 * two stay. */
void scenario_transaction(const peer_options *options)
{
    controller self = {.poller = NULL};
    connect_controller(&self, options);
    post_in_transaction(&self, 0, true);
    post_in_transaction(&self, POSTED, false);
    retire_in_transaction(&self);
    peer_check(amqpc_connection_close(amqpc_transport_connection(self.transport), NULL),
               "amqpc_connection_close");
    while (amqpc_transport_get_state(self.transport) < AMQPC_TRANSPORT_CLOSED) {
        move_bytes(&self);
    }
    amqpc_poller_free(self.poller);
}
