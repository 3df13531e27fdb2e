/* The limit of TLS: OpenSSL's blocking SSL_write and SSL_read of full records. Frames are made
 * once, of the size of the case's, and nobody reads them: what is left is OpenSSL and the socket.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bound/frame.h"
#include "transport_case.h"
#include "transport_socket.h"

enum { RECORD_SIZE = 16 * 1024, RECORDS = 4 };

static void check(bool holds)
{
    if (!holds) {
        ERR_print_errors_fp(stderr);
        codec_fail("OpenSSL failed");
    }
}

static size_t frame_size(const transport_case *chosen)
{
    static uint8_t frame[CODEC_LARGE_SIZE_MAX];
    uint64_t tag = 0;
    sample_bytes payload =
        chosen->payload == TRANSPORT_ORDER ? sample_message(chosen->kind, 0) : transport_data(0);
    bound_transfer transfer = {
        .delivery_id = 1000,
        .delivery_tag = {(const uint8_t *)&tag, sizeof tag},
        .settled = true,
        .payload = {payload.data, (uint32_t)payload.size},
    };
    return bound_transfer_write(&transfer, frame, sizeof frame);
}

static SSL_CTX *new_context(const transport_place *place, bool server)
{
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    check(context != NULL && place->certificate != NULL);
    check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    (void)SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_read_ahead(context, 1);
    if (server) {
        check(SSL_CTX_use_certificate_file(context, place->certificate, SSL_FILETYPE_PEM) == 1);
        check(SSL_CTX_use_PrivateKey_file(context, place->certificate, SSL_FILETYPE_PEM) == 1);
    } else {
        check(SSL_CTX_load_verify_file(context, place->certificate) == 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

static SSL *new_stream(const transport_place *place, bool server, int socket)
{
    SSL_CTX *context = new_context(place, server);
    SSL *stream = SSL_new(context);
    check(stream != NULL);
    SSL_CTX_free(context);
    check(SSL_set_fd(stream, socket) == 1);
    check((server ? SSL_accept(stream) : SSL_connect(stream)) == 1);
    return stream;
}

void transport_run_receiver(const transport_case *chosen, const transport_place *place,
                            transport_result *result)
{
    static uint8_t buffer[RECORDS * RECORD_SIZE];
    transport_clock clock;
    int socket = transport_socket_accept(place);
    SSL *stream = new_stream(place, true, socket);
    size_t size = frame_size(chosen);
    uint64_t total = 0;
    transport_clock_init(&clock, chosen);
    while (total < chosen->message_count * size) {
        int got = SSL_read(stream, buffer, sizeof buffer);
        check(got > 0);
        total += (uint64_t)got;
        transport_clock_progress(&clock, total / size, 0);
    }
    *result = clock.result;
    SSL_free(stream);
    (void)close(socket);
}

void transport_run_sender(const transport_case *chosen, const transport_place *place,
                          transport_result *result)
{
    static uint8_t buffer[RECORDS * RECORD_SIZE];
    transport_clock clock;
    int socket = transport_socket_connect(place);
    SSL *stream = new_stream(place, false, socket);
    size_t size = frame_size(chosen);
    uint64_t total = 0;
    memset(buffer, 'x', sizeof buffer);
    transport_clock_init(&clock, chosen);
    while (total < chosen->message_count * size) {
        int written = SSL_write(stream, buffer, sizeof buffer);
        check(written == (int)sizeof buffer);
        total += (uint64_t)written;
        transport_clock_progress(&clock, total / size, 0);
    }
    *result = clock.result;
    SSL_free(stream);
    (void)close(socket);
}
