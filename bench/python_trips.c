/* Round trips of the C client, with which those of Python are compared: a message is sent, and its
 * outcome waited for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec_operation.h"
#include "python_peer.h"
#include "transport_case.h"

enum { TIMEOUT_MS = 20000, TRIPS_MAX = 1000000 };

static void check(amqpc_status status, amqpc_client *client)
{
    amqpc_client_error error;
    if (status == AMQPC_OK) {
        return;
    }
    codec_fail(amqpc_client_get_error(client, &error) == AMQPC_OK ? error.text
                                                                  : amqpc_status_text(status));
}

static double send_one(amqpc_client *client, amqpc_sender *sender, uint64_t number)
{
    uint8_t wire[CODEC_ORDER_SIZE_MAX];
    amqpc_outcome outcome;
    double started = transport_seconds();
    size_t size =
        codec_encode_order_to(SAMPLE_A, (unsigned)(number % SAMPLE_VARIANTS), wire, sizeof wire);
    check(amqpc_sender_send_bytes(sender, (amqpc_bytes){wire, size}, TIMEOUT_MS, &outcome), client);
    if (outcome.state_type != AMQPC_COMPOSITE_ACCEPTED) {
        codec_fail("a message was not accepted");
    }
    return transport_seconds() - started;
}

void python_peer_trips(uint32_t port, uint64_t count)
{
    static double trips[TRIPS_MAX];
    char url[64];
    amqpc_client *client = NULL;
    amqpc_sender *sender = NULL;
    transport_result result = {.messages = count};
    if (count == 0 || count > TRIPS_MAX) {
        codec_fail("too many round trips");
    }
    (void)snprintf(url, sizeof url, "amqp://127.0.0.1:%u", port);
    python_peer_check(amqpc_client_new(url, NULL, &client, NULL));
    python_peer_check(amqpc_sender_new(client, TRANSPORT_ADDRESS, NULL, &sender));
    check(amqpc_sender_wait_open(sender, TIMEOUT_MS), client);
    uint64_t warm_up = count / 10;
    double started = 0;
    for (uint64_t i = 0; i < count; i++) {
        started = i == warm_up ? transport_seconds() : started;
        trips[i] = send_one(client, sender, i);
    }
    double seconds = transport_seconds() - started;
    transport_round_trips(&result, trips + warm_up, count - warm_up);
    check(amqpc_client_close(client, TIMEOUT_MS), client);
    amqpc_client_free(client);
    printf("{\"messages\": %" PRIu64 ", \"seconds\": %.9f, \"p50_us\": %.3f}\n", count - warm_up,
           seconds, result.round_trip_p50_us);
}
