/* The scenario that sends every type of value through a broker and compares what comes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqpcodec/print.h>

#include "interop/client/client_cases.h"
#include "interop/client/client_peer.h"

/* A broker that loses a message is waited for so long. */
enum { LOST_MS = 15000, DIFFERENCE_MOST = 400 };

/* --- What differs. */

static bool same(const amqpc_value *left, const amqpc_value *right)
{
    bool is_same = false;
    peer_check(amqpc_value_same(left, right, &is_same), "amqpc_value_same");
    return is_same;
}

static void print_value(const amqpc_value *value)
{
    amqpc_buffer *buffer = NULL;
    peer_check(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), "amqpc_buffer_new");
    peer_check(amqpc_value_print(value, AMQPC_PRINT_TEXT, buffer), "amqpc_value_print");
    size_t size = amqpc_buffer_size(buffer);
    peer_print_bytes(amqpc_buffer_data(buffer), size < DIFFERENCE_MOST ? size : DIFFERENCE_MOST);
    amqpc_buffer_free(buffer);
}

/* Tells of a part of a message that is not as it was sent. received: NULL where it is not there. */
static void print_difference(const char *part, const amqpc_value *sent, const amqpc_value *received)
{
    printf(",\"part\":\"%s\"", part);
    if (sent != NULL) {
        printf(",\"sent\":");
        print_value(sent);
    }
    if (received != NULL) {
        printf(",\"received\":");
        print_value(received);
    }
}

static bool bodies_same(const amqpc_message *sent, const amqpc_message *received)
{
    amqpc_body left;
    amqpc_body right;
    amqpc_body_init(sent, &left);
    amqpc_body_init(received, &right);
    amqpc_value mine;
    amqpc_value theirs;
    while (amqpc_body_next(&left, &mine) == AMQPC_OK) {
        bool there = amqpc_body_next(&right, &theirs) == AMQPC_OK;
        if (!there || sent->body_kind != received->body_kind || !same(&mine, &theirs)) {
            print_difference(sent->body_kind == received->body_kind ? "body" : "kind of body",
                             &mine, there ? &theirs : NULL);
            return false;
        }
    }
    if (amqpc_body_next(&right, &theirs) == AMQPC_OK) {
        print_difference("body", NULL, &theirs);
        return false;
    }
    return true;
}

/* A map's first entry, which is all that the maps of these messages have. */
static bool entry_same(const char *part, const amqpc_value *sent, const amqpc_value *received)
{
    amqpc_items items;
    amqpc_value pair[2];
    size_t count = 0;
    peer_check(amqpc_items_init(sent, &items), "amqpc_items_init");
    peer_check(amqpc_items_next(&items, pair, 2, &count), "amqpc_items_next");
    amqpc_value found;
    bool there =
        received->type == AMQPC_TYPE_MAP &&
        amqpc_map_get(received, pair[0].as.bytes.data, pair[0].as.bytes.size, &found) == AMQPC_OK;
    if (there && same(&pair[1], &found)) {
        return true;
    }
    print_difference(part, &pair[1], there ? &found : NULL);
    return false;
}

/* The properties that were sent, as values. What the broker has put in beside them is told, and no
 * difference. */
static bool properties_same(const amqpc_message *sent, amqpc_message *received)
{
    uint8_t bytes[2][1024];
    amqpc_value values[2];
    const amqpc_message *messages[2] = {sent, received};
    if ((received->properties.present & ~sent->properties.present) != 0) {
        printf(",\"added\":true");
        received->properties.present &= sent->properties.present;
    }
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        peer_check(
            amqpc_properties_encode(&messages[i]->properties, bytes[i], sizeof bytes[i], &size),
            "amqpc_properties_encode");
        peer_check(amqpc_value_decode(bytes[i], size, NULL, &values[i], NULL),
                   "amqpc_value_decode");
    }
    if (same(&values[0], &values[1])) {
        return true;
    }
    print_difference("properties", &values[0], &values[1]);
    return false;
}

static bool header_same(const amqpc_message *sent, const amqpc_message *received)
{
    bool is_same = sent->header.durable == received->header.durable &&
                   sent->header.priority == received->header.priority;
    if (!is_same) {
        printf(",\"part\":\"header\",\"received\":\"durable %d, priority %u\"",
               received->header.durable, received->header.priority);
    }
    return is_same;
}

/* A broker may add annotations; what was sent has to be there. */
static bool messages_same(const amqpc_message *sent, amqpc_message *received)
{
    uint32_t sections = sent->sections;
    if ((sections & AMQPC_SECTION_MESSAGE_ANNOTATIONS) != 0 &&
        !entry_same("message annotation", &sent->message_annotations,
                    &received->message_annotations)) {
        return false;
    }
    if ((sections & AMQPC_SECTION_APPLICATION_PROPERTIES) != 0 &&
        !entry_same("application property", &sent->application_properties,
                    &received->application_properties)) {
        return false;
    }
    if ((sections & AMQPC_SECTION_FOOTER) != 0 &&
        !entry_same("footer", &sent->footer, &received->footer)) {
        return false;
    }
    return header_same(sent, received) && properties_same(sent, received) &&
           bodies_same(sent, received);
}

/* --- One message, there and back. */

/* A connection with a link each way; made anew after a message that ended the one before. */
typedef struct round {
    const peer_options *options;
    amqpc_client *client;
    amqpc_sender *sender;
    amqpc_receiver *receiver;
} round;

static void open_round(round *trip)
{
    trip->client = peer_connect(trip->options);
    trip->sender = peer_sender(trip->client, trip->options->address, trip->options);
    trip->receiver = peer_receiver(trip->client, trip->options->address, NULL);
}

/* Begins again with an empty queue, whatever the message before did. */
static void renew_round(round *trip)
{
    amqpc_client_free(trip->client);
    open_round(trip);
    amqpc_delivery deliveries[8];
    size_t count = peer_receive_all(trip->receiver, trip->options, 0, deliveries, 8);
    for (size_t i = 0; i < count; i++) {
        peer_check(amqpc_receiver_accept(trip->receiver, &deliveries[i]), "amqpc_receiver_accept");
    }
    amqpc_deliveries_release(deliveries, count);
}

static void print_loss(round *trip, const char *what, amqpc_status status)
{
    amqpc_client_error error;
    bool known = amqpc_client_get_error(trip->client, &error) == AMQPC_OK ||
                 amqpc_sender_get_error(trip->sender, &error) == AMQPC_OK ||
                 amqpc_receiver_get_error(trip->receiver, &error) == AMQPC_OK;
    printf(",\"part\":\"%s\",\"received\":", what);
    peer_print_text(known ? error.text : amqpc_status_name(status));
}

static bool send_case(round *trip, amqpc_bytes payload)
{
    amqpc_outcome outcome;
    amqpc_status status = amqpc_sender_send_bytes(trip->sender, payload, PEER_TIMEOUT_MS, &outcome);
    if (status != AMQPC_OK || outcome.unknown) {
        print_loss(trip, "connection, while sending", status);
        return false;
    }
    if (outcome.state_type != AMQPC_COMPOSITE_ACCEPTED) {
        printf(",\"part\":\"outcome\",\"received\":\"%s %s\"", outcome.condition,
               outcome.description);
        return false;
    }
    return true;
}

static bool compare(amqpc_bytes payload, const amqpc_delivery *delivery)
{
    amqpc_message sent;
    amqpc_message received;
    peer_check(amqpc_message_decode(payload.data, payload.size, NULL, &sent, NULL),
               "amqpc_message_decode");
    size_t offset = 0;
    amqpc_status status = amqpc_message_decode(delivery->payload.data, delivery->payload.size, NULL,
                                               &received, &offset);
    if (status != AMQPC_OK) {
        printf(",\"part\":\"encoding\",\"received\":\"%s at byte %zu: ", amqpc_status_name(status),
               offset);
        for (size_t i = 0; i < delivery->payload.size && i < DIFFERENCE_MOST; i++) {
            printf("%02x", ((const uint8_t *)delivery->payload.data)[i]);
        }
        putchar('"');
        return false;
    }
    return messages_same(&sent, &received);
}

/* Gives whether it comes back the same; lost: whether it does not come at all. */
static bool travel(round *trip, amqpc_bytes payload, bool *lost)
{
    *lost = !send_case(trip, payload);
    if (*lost) {
        return false;
    }
    amqpc_delivery delivery;
    size_t count = 0;
    amqpc_status status = amqpc_receiver_add_credit(trip->receiver, 1);
    if (status == AMQPC_OK) {
        status = amqpc_receiver_receive(trip->receiver, &delivery, 1, LOST_MS, &count);
    }
    if (status != AMQPC_OK) {
        print_loss(trip, "message, which does not come", status);
        *lost = true;
        return false;
    }
    bool equal = compare(payload, &delivery);
    peer_check(amqpc_receiver_accept(trip->receiver, &delivery), "amqpc_receiver_accept");
    amqpc_delivery_release(&delivery);
    return equal;
}

/* Sends one message after the other, and prints of each whether it came back the same. */
void scenario_types(const peer_options *options)
{
    round trip = {.options = options};
    open_round(&trip);
    size_t sent = 0;
    bool first = true;
    printf(",\"cases\":[");
    for (size_t i = 0; i < case_count(); i++) {
        static uint8_t bytes[2048];
        message_case made;
        case_make(i, &made);
        if (options->only != NULL && strcmp(options->only, made.name) != 0) {
            continue;
        }
        size_t size = 0;
        peer_check(amqpc_message_encode(&made.message, 0, bytes, sizeof bytes, &size),
                   "amqpc_message_encode");
        sent++;
        printf("%s{\"case\":\"%s\"", first ? "" : ",", made.name);
        bool lost = false;
        bool equal = travel(&trip, (amqpc_bytes){bytes, size}, &lost);
        printf(",\"same\":%s}", equal ? "true" : "false");
        first = false;
        if (lost) {
            renew_round(&trip);
        }
    }
    printf("],\"sent\":%zu", sent);
    peer_close(trip.client);
}
