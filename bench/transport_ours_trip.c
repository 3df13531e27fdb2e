/* Round trips of ours: the client, sending a message and waiting for the one that comes back, and a
 * server of the transport API that echoes. */
#include <stdio.h>

#include "transport_ours.h"

enum { TIMEOUT_MS = 20000 };

static double round_trips[100000];

static void echo_all(ours_end *end, uint64_t *echoed, uint64_t *sum)
{
    amqpc_delivery delivery;
    amqpc_send_options options;
    size_t count = 1;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = true;
    for (;;) {
        ours_check(amqpc_link_receive(end->receiver, &delivery, 1, &count));
        if (count == 0) {
            return;
        }
        *sum = transport_read(end->chosen, *sum, delivery.payload.data, delivery.payload.size);
        ours_check(amqpc_link_send(end->sender, delivery.payload, &options, NULL));
        amqpc_delivery_release(&delivery);
        (*echoed)++;
    }
}

static void echo(const transport_case *chosen, const transport_place *place,
                 transport_result *result)
{
    ours_end end;
    transport_clock clock;
    uint64_t echoed = 0;
    uint64_t sum = 0;
    ours_end_listen(&end, chosen, place);
    transport_clock_init(&clock, chosen);
    while (!end.over) {
        ours_end_round(&end);
        if (end.receiver != NULL && end.sender != NULL) {
            echo_all(&end, &echoed, &sum);
        }
        transport_clock_progress(&clock, echoed, ours_end_calls(&end));
    }
    *result = clock.result;
    result->checksum = sum;
    ours_end_free(&end);
}

static void check_client(amqpc_status status, amqpc_client *client)
{
    amqpc_client_error error;
    if (status == AMQPC_OK) {
        return;
    }
    codec_fail(amqpc_client_get_error(client, &error) == AMQPC_OK ? error.text
                                                                  : amqpc_status_text(status));
}

static amqpc_client *new_client(const transport_place *place)
{
    char url[64];
    amqpc_client *client = NULL;
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    options.background = place->background;
    options.mechanisms = "none";
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", place->port);
    ours_check(amqpc_client_new(url, &options, &client, NULL));
    return client;
}

static void ping(const transport_case *chosen, const transport_place *place,
                 transport_result *result)
{
    amqpc_client *client = new_client(place);
    amqpc_sender *sender = NULL;
    amqpc_receiver *receiver = NULL;
    amqpc_sender_options sender_options;
    amqpc_receiver_options receiver_options;
    transport_clock clock;
    amqpc_sender_options_init(&sender_options, sizeof sender_options);
    amqpc_receiver_options_init(&receiver_options, sizeof receiver_options);
    sender_options.guarantee = AMQPC_AT_MOST_ONCE;
    receiver_options.settled = true;
    receiver_options.prefetch = chosen->credit_window;
    ours_check(amqpc_sender_new(client, TRANSPORT_ADDRESS, &sender_options, &sender));
    ours_check(amqpc_receiver_new(client, TRANSPORT_ADDRESS, &receiver_options, &receiver));
    check_client(amqpc_sender_wait_open(sender, TIMEOUT_MS), client);
    check_client(amqpc_receiver_wait_open(receiver, TIMEOUT_MS), client);
    transport_clock_init(&clock, chosen);
    uint64_t sum = 0;
    size_t warm = chosen->message_count / 10;
    for (uint64_t i = 0; i < chosen->message_count; i++) {
        amqpc_delivery delivery;
        size_t count = 0;
        sample_bytes payload = transport_data(i);
        double started = transport_seconds();
        check_client(amqpc_sender_send_bytes(sender, (amqpc_bytes){payload.data, payload.size},
                                             TIMEOUT_MS, NULL),
                     client);
        check_client(amqpc_receiver_receive(receiver, &delivery, 1, TIMEOUT_MS, &count), client);
        round_trips[i] = transport_seconds() - started;
        sum = transport_read(chosen, sum, delivery.payload.data, delivery.payload.size);
        amqpc_delivery_release(&delivery);
        transport_clock_progress(&clock, i + 1, 0);
    }
    *result = clock.result;
    result->checksum = sum;
    transport_round_trips(result, round_trips + warm, chosen->message_count - warm);
    check_client(amqpc_client_close(client, TIMEOUT_MS), client);
    amqpc_client_free(client);
}

void transport_run_receiver(const transport_case *chosen, const transport_place *place,
                            transport_result *result)
{
    (chosen->round_trip ? echo : transport_ours_receive)(chosen, place, result);
}

void transport_run_sender(const transport_case *chosen, const transport_place *place,
                          transport_result *result)
{
    (chosen->round_trip ? ping : transport_ours_send)(chosen, place, result);
}
