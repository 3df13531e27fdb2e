/* Scenarios of links: outcomes, credit, selectors, dynamic nodes, the anonymous relay, requests. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interop/client/client_peer.h"

enum { MOST = 32, SIZE = 100, ADDRESS_CAPACITY = 512 };

static uint32_t number_of(const amqpc_delivery *delivery)
{
    uint32_t number = UINT32_MAX;
    return peer_read_message(delivery->payload, SIZE, &number) ? number : UINT32_MAX;
}

/* --- Outcomes. */

/* Prints each delivery as its number and what the header says of earlier attempts, in the order of
 * arrival. */
static void print_deliveries(const char *name, const amqpc_delivery *deliveries, size_t count)
{
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        amqpc_message message;
        peer_check(amqpc_message_decode(deliveries[i].payload.data, deliveries[i].payload.size,
                                        NULL, &message, NULL),
                   "amqpc_message_decode");
        printf("%s{\"number\":%" PRIu32 ",\"delivery_count\":%" PRIu32 "}", i == 0 ? "" : ",",
               number_of(&deliveries[i]), message.header.delivery_count);
    }
    putchar(']');
}

/* Accepts, and forgets. */
static void accept_all(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peer_check(amqpc_receiver_accept(receiver, &deliveries[i]), "amqpc_receiver_accept");
    }
    amqpc_deliveries_release(deliveries, count);
}

/* Settles five messages: accepted, rejected, released, modified as failed, and modified as of no
 * use here. The last two are released where the peer does not know modified. */
static void settle_five(amqpc_receiver *receiver, const peer_options *options,
                        amqpc_delivery *deliveries)
{
    const amqpc_error error = {.present = AMQPC_ERROR_CONDITION,
                               .condition = peer_bytes("amqp:internal-error")};
    const amqpc_modified modified[2] = {
        {.present = AMQPC_MODIFIED_DELIVERY_FAILED, .delivery_failed = true},
        {.present = AMQPC_MODIFIED_DELIVERY_FAILED | AMQPC_MODIFIED_UNDELIVERABLE_HERE,
         .delivery_failed = true,
         .undeliverable_here = true},
    };
    peer_check(amqpc_receiver_accept(receiver, &deliveries[0]), "amqpc_receiver_accept");
    peer_check(amqpc_receiver_reject(receiver, deliveries[1].number, deliveries[1].number, &error),
               "amqpc_receiver_reject");
    peer_check(amqpc_receiver_release(receiver, &deliveries[2]), "amqpc_receiver_release");
    for (size_t i = 3; i < 5; i++) {
        uint64_t number = deliveries[i].number;
        amqpc_status status =
            options->unmodified ? amqpc_receiver_release(receiver, &deliveries[i])
                                : amqpc_receiver_modify(receiver, number, number, &modified[i - 3]);
        peer_check(status, "amqpc_receiver_modify");
    }
    amqpc_deliveries_release(deliveries, 5);
}

/* Five messages with an outcome each; then what comes back to the same link, and to another one. */
void scenario_outcomes(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    peer_send_numbered(peer_sender(client, options->address, options), 5, SIZE);
    amqpc_receiver *receiver = peer_receiver(client, options->address, NULL);
    amqpc_delivery deliveries[MOST];
    peer_check(amqpc_receiver_add_credit(receiver, 5), "amqpc_receiver_add_credit");
    peer_receive(receiver, deliveries, 5);
    print_deliveries("first", deliveries, 5);
    settle_five(receiver, options, deliveries);

    size_t count = peer_receive_all(receiver, options, options->expect, deliveries, MOST);
    print_deliveries("again", deliveries, count);
    accept_all(receiver, deliveries, count);
    peer_check_receiver(receiver, amqpc_receiver_close(receiver, PEER_TIMEOUT_MS),
                        "amqpc_receiver_close");

    amqpc_receiver *other = peer_receiver(client, options->address, NULL);
    count = peer_receive_all(other, options, 0, deliveries, MOST);
    print_deliveries("elsewhere", deliveries, count);
    accept_all(other, deliveries, count);
    peer_close(client);
}

/* --- Credit. */

/* Ten messages to a receiver with credit for three, then for four, then for more than there are,
 * which is drained. */
void scenario_credit(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    peer_send_numbered(peer_sender(client, options->address, options), 10, SIZE);
    amqpc_receiver *receiver = peer_receiver(client, options->address, NULL);
    amqpc_delivery deliveries[MOST];
    static const uint32_t CREDIT[] = {3, 4};
    for (size_t i = 0; i < 2; i++) {
        peer_check(amqpc_receiver_add_credit(receiver, CREDIT[i]), "amqpc_receiver_add_credit");
        peer_receive(receiver, deliveries, CREDIT[i]);
        accept_all(receiver, deliveries, CREDIT[i]);
        /* All credit is used: nothing can come, and nothing is to be given back. */
        size_t more = 0;
        amqpc_status status = amqpc_receiver_receive(receiver, deliveries, MOST, 200, &more);
        printf(",\"beyond_%zu\":%zu", i, status == AMQPC_OK ? more : 0);
    }
    size_t rest = peer_receive_all(receiver, options, 3, deliveries, MOST);
    printf(",\"rest\":%zu", rest);
    accept_all(receiver, deliveries, rest);
    size_t none = peer_receive_all(receiver, options, 0, deliveries, MOST);
    printf(",\"none\":%zu", none);
    peer_close(client);
}

/* --- Selectors. */

void scenario_selector(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    peer_send_numbered(peer_sender(client, options->address, options), 10, SIZE);
    static const char *const SELECTORS[] = {"color = 'blue'", NULL};
    for (size_t i = 0; i < 2; i++) {
        amqpc_receiver *receiver = peer_receiver(client, options->address, SELECTORS[i]);
        amqpc_delivery deliveries[MOST];
        size_t count = peer_receive_all(receiver, options, 5, deliveries, MOST);
        print_deliveries(SELECTORS[i] != NULL ? "selected" : "rest", deliveries, count);
        accept_all(receiver, deliveries, count);
        peer_check(amqpc_receiver_close(receiver, PEER_TIMEOUT_MS), "amqpc_receiver_close");
    }
    peer_close(client);
}

/* --- Addresses that the broker makes, and those that messages bring. */

/* A receiver of a node that the peer makes. Gives its address. */
static amqpc_receiver *dynamic_receiver(amqpc_client *client, char *address)
{
    const amqpc_source source = {.present = AMQPC_SOURCE_DYNAMIC, .dynamic = true};
    amqpc_receiver_options choices;
    amqpc_receiver_options_init(&choices, sizeof choices);
    choices.source = &source;
    amqpc_receiver *receiver = NULL;
    peer_check(amqpc_receiver_new(client, NULL, &choices, &receiver), "amqpc_receiver_new");
    peer_check_client(client, amqpc_receiver_wait_open(receiver, PEER_TIMEOUT_MS),
                      "amqpc_receiver_wait_open");
    peer_check(amqpc_receiver_address(receiver, address, ADDRESS_CAPACITY),
               "amqpc_receiver_address");
    return receiver;
}

static void receive_numbered(amqpc_receiver *receiver, uint32_t count)
{
    amqpc_delivery deliveries[MOST];
    peer_receive(receiver, deliveries, count);
    print_deliveries("received", deliveries, count);
    accept_all(receiver, deliveries, count);
}

void scenario_dynamic(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    char address[ADDRESS_CAPACITY];
    amqpc_receiver *receiver = dynamic_receiver(client, address);
    printf(",\"address\":");
    peer_print_text(address);
    peer_send_numbered(peer_sender(client, address, options), 3, SIZE);
    receive_numbered(receiver, 3);
    peer_close(client);
}

/* Puts an address into a message that is encoded: its `to`. The result is to be freed. */
static amqpc_bytes addressed(amqpc_bytes payload, const char *to, const amqpc_value *correlation_id)
{
    amqpc_message message;
    peer_check(amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL),
               "amqpc_message_decode");
    message.sections |= AMQPC_SECTION_PROPERTIES;
    message.properties.present = AMQPC_PROPERTIES_TO;
    message.properties.to = peer_bytes(to);
    if (correlation_id != NULL) {
        message.properties.present |= AMQPC_PROPERTIES_CORRELATION_ID;
        message.properties.correlation_id = *correlation_id;
    }
    size_t bound = amqpc_message_encoded_bound(&message, 0);
    void *encoded = malloc(bound);
    size_t size = 0;
    peer_check(encoded != NULL ? AMQPC_OK : AMQPC_NO_MEMORY, "malloc");
    peer_check(amqpc_message_encode(&message, 0, encoded, bound, &size), "amqpc_message_encode");
    return (amqpc_bytes){encoded, size};
}

static void send_to(amqpc_sender *relay, const char *to, const amqpc_value *correlation_id,
                    uint32_t number)
{
    amqpc_bytes plain = peer_make_message(number, SIZE);
    amqpc_bytes message = addressed(plain, to, correlation_id);
    amqpc_outcome outcome;
    peer_check(amqpc_sender_send_bytes(relay, message, PEER_TIMEOUT_MS, &outcome),
               "amqpc_sender_send_bytes");
    peer_check(outcome.state_type == AMQPC_COMPOSITE_ACCEPTED ? AMQPC_OK : AMQPC_LINK_REFUSED,
               "outcome of the relay");
    free((void *)plain.data);
    free((void *)message.data);
}

void scenario_relay(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    printf(",\"offered\":%s",
           amqpc_client_peer_offers(client, "ANONYMOUS-RELAY") ? "true" : "false");
    amqpc_sender *relay = peer_sender(client, NULL, options);
    for (uint32_t i = 0; i < 3; i++) {
        send_to(relay, options->address, NULL, i);
    }
    amqpc_receiver *receiver = peer_receiver(client, options->address, NULL);
    peer_check(amqpc_receiver_add_credit(receiver, 3), "amqpc_receiver_add_credit");
    receive_numbered(receiver, 3);
    peer_close(client);
}

/* --- Requests. */

/* Answers a request: its message comes back to the address that it names. */
static void answer(amqpc_sender *relay, const amqpc_delivery *request)
{
    amqpc_message message;
    peer_check(
        amqpc_message_decode(request->payload.data, request->payload.size, NULL, &message, NULL),
        "amqpc_message_decode");
    char address[ADDRESS_CAPACITY];
    size_t size = message.properties.reply_to.size;
    peer_check(size > 0 && size < sizeof address ? AMQPC_OK : AMQPC_NOT_FOUND, "reply-to");
    memcpy(address, message.properties.reply_to.data, size);
    address[size] = '\0';
    send_to(relay, address, &message.properties.message_id, number_of(request));
}

/* Two clients: one asks, the other answers over the anonymous relay, in the opposite order. */
void scenario_request(const peer_options *options)
{
    enum { REQUESTS = 3 };
    amqpc_client *asking = peer_connect(options);
    amqpc_client *answering = peer_connect(options);
    amqpc_requester *requester = NULL;
    peer_check(amqpc_requester_new(asking, options->address, &requester), "amqpc_requester_new");
    uint64_t ids[REQUESTS];
    for (uint32_t i = 0; i < REQUESTS; i++) {
        amqpc_bytes payload = peer_make_message(i, SIZE);
        amqpc_message message;
        peer_check(amqpc_message_decode(payload.data, payload.size, NULL, &message, NULL),
                   "amqpc_message_decode");
        peer_check(amqpc_requester_post(requester, &message, PEER_TIMEOUT_MS, &ids[i]),
                   "amqpc_requester_post");
        free((void *)payload.data);
    }
    amqpc_receiver *receiver = peer_receiver(answering, options->address, NULL);
    amqpc_sender *relay = peer_sender(answering, NULL, options);
    amqpc_delivery deliveries[REQUESTS];
    peer_check(amqpc_receiver_add_credit(receiver, REQUESTS), "amqpc_receiver_add_credit");
    peer_receive(receiver, deliveries, REQUESTS);
    for (size_t i = REQUESTS; i > 0; i--) {
        answer(relay, &deliveries[i - 1]);
    }
    accept_all(receiver, deliveries, REQUESTS);
    uint32_t right = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        amqpc_delivery reply;
        peer_check(amqpc_requester_take(requester, ids[i], PEER_TIMEOUT_MS, &reply),
                   "amqpc_requester_take");
        right += number_of(&reply) == i;
        amqpc_delivery_release(&reply);
    }
    printf(",\"right\":%" PRIu32, right);
    peer_close(answering);
    peer_close(asking);
}
