/* Streams of TLS: what two ends agree on, and that bytes arrive as they were sent. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "transport/tls_fixture.h"
#include "transport/tls_object.h"

enum { BIG = 1024 * 1024, PIECES = 7 };

static amqpc_transport_tls facts_of(const tls_pair *pair, int end)
{
    amqpc_transport_tls facts;
    assert_int_equal(amqpci_tls_stream_get(pair->streams[end], &facts), AMQPC_OK);
    return facts;
}

static void connect_default(tls_pair *pair)
{
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair_connect(pair, client, server);
    amqpc_tls_free(client); /* the streams hold them */
    amqpc_tls_free(server);
}

static void test_both_ends_agree(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    for (int end = 0; end < 2; end++) {
        amqpc_transport_tls facts = facts_of(&pair, end);
        assert_string_equal(facts.version, "TLSv1.3");
        assert_string_equal(facts.cipher, "TLS_AES_128_GCM_SHA256");
        assert_string_equal(facts.alpn, "");
        assert_string_equal(facts.peer_subject, end == TLS_CLIENT ? "CN=server,O=Tests" : "");
        assert_false(facts.resumed);
    }
    tls_pair_say(&pair, TLS_CLIENT, "from client");
    tls_pair_say(&pair, TLS_SERVER, "from server");
    tls_pair_close(&pair);
}

static void test_nothing_is_told_before_the_handshake_is_over(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    amqpc_transport_tls facts;
    assert_int_equal(amqpci_tls_stream_get(pair.streams[0], &facts), AMQPC_NOT_FOUND);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

/* Connects for a host, and returns the client's status. */
static amqpc_status status_for(const char *host)
{
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_make(&pair, client, server, host, 0);
    tls_pair_handshake(&pair);
    amqpc_status status = pair.statuses[TLS_CLIENT];
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return status;
}

static void test_hosts_may_be_names_and_addresses(void **state)
{
    (void)state;
    assert_int_equal(status_for("localhost"), AMQPC_OK);
    assert_int_equal(status_for("LOCALHOST."), AMQPC_OK);
    assert_int_equal(status_for("127.0.0.1"), AMQPC_OK);
    assert_int_equal(status_for("::1"), AMQPC_OK);
    assert_int_equal(status_for("::1%lo"), AMQPC_OK);
    assert_int_equal(status_for("127.0.0.2"), AMQPC_TLS_CERTIFICATE);
    assert_int_equal(status_for("::2"), AMQPC_TLS_CERTIFICATE);
}

static void test_a_host_that_is_none_is_refused(void **state)
{
    (void)state;
    char too_long[300];
    memset(too_long, 'a', sizeof too_long);
    too_long[sizeof too_long - 1] = 0;
    amqpc_tls *client = tls_make_client();
    const char *const hosts[] = {NULL, "", ".localhost", "local%host", too_long};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        amqpci_stream *stream = NULL;
        assert_false(amqpci_tls_takes_host(client, hosts[i]));
        assert_int_equal(amqpci_tls_stream_new(client, NULL, 0, hosts[i], &stream),
                         AMQPC_INVALID_ARGUMENT);
        assert_null(stream);
    }
    amqpc_tls_free(client);
}

static void test_names_are_asked_for_by_sni_and_addresses_are_not(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost.", "127.0.0.1"};
    static const char *const names[] = {"localhost", NULL};
    for (size_t i = 0; i < 2; i++) {
        amqpc_tls *client = tls_make_client();
        tls_pair pair;
        tls_pair_open(&pair, 0, false);
        assert_int_equal(amqpci_tls_stream_new(client, NULL, pair.sockets[TLS_CLIENT], hosts[i],
                                               &pair.streams[TLS_CLIENT]),
                         AMQPC_OK);
        SSL *raw = tls_raw_make(&pair, TLS_SERVER, 0);
        tls_raw_handshake(&pair, TLS_SERVER, raw);
        const char *name = SSL_get_servername(raw, TLSEXT_NAMETYPE_host_name);
        if (names[i] == NULL) {
            assert_null(name);
        } else {
            assert_string_equal(name, names[i]);
        }
        tls_raw_free(raw);
        tls_pair_close(&pair);
        amqpc_tls_free(client);
    }
}

static void test_verification_can_be_switched_off_by_name(void **state)
{
    (void)state;
    amqpc_tls_options server_options = tls_server_options(tls_test_files.other_host);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    for (int all = 0; all < 2; all++) {
        amqpc_tls_options options = tls_client_options();
        options.verify_host = false;
        options.verify_peer = all == 0;
        options.ca = all == 0 ? options.ca : NULL;
        amqpc_tls *client = tls_make(AMQPC_CLIENT, &options);
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_CLIENT, "hello");
        tls_pair_close(&pair);
        amqpc_tls_free(client);
    }
    amqpc_tls_free(server);
}

/* Connects with protocols of both ends; returns the client's status. */
static amqpc_status status_of_protocols(const char *of_client, const char *of_server,
                                        const char *agreed)
{
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.alpn = of_client;
    server_options.alpn = of_server;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    amqpc_status status = pair.statuses[TLS_CLIENT];
    if (status == AMQPC_OK) {
        assert_string_equal(facts_of(&pair, TLS_CLIENT).alpn, agreed);
        assert_string_equal(facts_of(&pair, TLS_SERVER).alpn, agreed);
    } else {
        assert_string_equal(pair.streams[TLS_CLIENT]->reason,
                            "the peer refuses: no application protocol");
    }
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return status;
}

static void test_a_protocol_is_agreed_on_when_both_name_it(void **state)
{
    (void)state;
    assert_int_equal(status_of_protocols("amqp", "amqp", "amqp"), AMQPC_OK);
    assert_int_equal(status_of_protocols("amqp", NULL, ""), AMQPC_OK);
    assert_int_equal(status_of_protocols(NULL, "amqp", ""), AMQPC_OK);
    assert_int_equal(status_of_protocols("other", "amqp", ""), AMQPC_TLS_FAILED);
    assert_int_equal(status_of_protocols("amq", "amqp", ""), AMQPC_TLS_FAILED);
}

static void test_a_clients_certificate_names_it(void **state)
{
    (void)state;
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.certificate = tls_test_files.client;
    server_options.verify_peer = true;
    server_options.ca = tls_test_files.ca;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    for (int round = 0; round < 2; round++) { /* also of a session that is resumed */
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_SERVER, "hello");
        amqpc_transport_tls facts = facts_of(&pair, TLS_SERVER);
        assert_string_equal(facts.peer_subject, "CN=client \xc3\xa9,O=Tests");
        assert_int_equal(facts.resumed, round > 0);
        tls_pair_close(&pair);
    }
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

/* What a client without a trusted certificate hears from a server that demands one. */
static void check_client_refused(const char *certificate, const char *server_reason)
{
    amqpc_tls_options client_options = tls_client_options();
    amqpc_tls_options server_options = tls_server_options(tls_test_files.server);
    client_options.certificate = certificate;
    server_options.verify_peer = true;
    server_options.ca = tls_test_files.ca;
    amqpc_tls *client = tls_make(AMQPC_CLIENT, &client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, &server_options);
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 0);
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_TLS_CERTIFICATE);
    assert_string_equal(pair.streams[TLS_SERVER]->reason, server_reason);
    /* TLS 1.3: the client is through before the server looks; it hears of it when it reads. */
    char byte;
    size_t size = 0;
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_int_equal(tls_pair_read(&pair, TLS_CLIENT, &byte, 1, &size), AMQPC_TLS_FAILED);
    assert_memory_equal(pair.streams[TLS_CLIENT]->reason, "the peer refuses: ", 18);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

static void test_clients_without_a_trusted_certificate_are_refused(void **state)
{
    (void)state;
    check_client_refused(NULL, "the client has sent no certificate");
    check_client_refused(tls_test_files.stranger,
                         "certificate of CN=stranger,O=Tests: its issuer CN=public "
                         "authority,O=Tests is not among those trusted");
}

/* How many of three connections in a row were resumed. */
static int resumed_of_three(const amqpc_tls_options *client_options,
                            const amqpc_tls_options *server_options, const char *version)
{
    amqpc_tls *client = tls_make(AMQPC_CLIENT, client_options);
    amqpc_tls *server = tls_make(AMQPC_SERVER, server_options);
    if (strcmp(version, "TLSv1.2") == 0) {
        SSL_CTX_set_max_proto_version(client->context, TLS1_2_VERSION);
    }
    int resumed = 0;
    for (int round = 0; round < 3; round++) {
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        tls_pair_say(&pair, TLS_SERVER, "after the tickets");
        assert_string_equal(facts_of(&pair, TLS_CLIENT).version, version);
        assert_int_equal(facts_of(&pair, TLS_CLIENT).resumed, facts_of(&pair, TLS_SERVER).resumed);
        assert_string_equal(facts_of(&pair, TLS_CLIENT).peer_subject, "CN=server,O=Tests");
        resumed += facts_of(&pair, TLS_CLIENT).resumed;
        tls_pair_close(&pair); /* without close-notify: a connection that was cut is resumed, too */
    }
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    return resumed;
}

static void test_sessions_are_resumed_unless_switched_off(void **state)
{
    (void)state;
    amqpc_tls_options client = tls_client_options();
    amqpc_tls_options server = tls_server_options(tls_test_files.server);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 2);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 2);
    server.resume_sessions = false;
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 0);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 0);
    server.resume_sessions = true;
    client.resume_sessions = false;
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.3"), 0);
    assert_int_equal(resumed_of_three(&client, &server, "TLSv1.2"), 0);
}

static void test_sessions_are_of_one_host(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_connect(&pair, client, server);
    tls_pair_say(&pair, TLS_SERVER, "after the tickets");
    tls_pair_close(&pair);
    tls_pair_make(&pair, client, server, "127.0.0.1", 0);
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_false(facts_of(&pair, TLS_CLIENT).resumed);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

/* --- Bytes. */

static uint8_t byte_at(int end, size_t at)
{
    return (uint8_t)(at * 31 + at / 251 + (size_t)end);
}

/* One direction of test_large_data...: what has been written of it, and read. */
typedef struct flow {
    int from;
    uint8_t *data;
    size_t size;
    size_t written;
    size_t read;
} flow;

static void flow_init(flow *made, int from, size_t size)
{
    *made = (flow){.from = from, .data = malloc(size), .size = size};
    assert_non_null(made->data);
    for (size_t i = 0; i < size; i++) {
        made->data[i] = byte_at(from, i);
    }
}

/* Offers what is left, in pieces of uneven sizes, from a copy elsewhere each time. */
static void flow_write(flow *of, amqpci_stream *stream)
{
    size_t left = of->size - of->written;
    if (left == 0) {
        return;
    }
    uint8_t *copy = malloc(left);
    assert_non_null(copy);
    memcpy(copy, of->data + of->written, left);
    amqpc_bytes vectors[PIECES];
    size_t count = 0;
    for (size_t at = 0; at < left && count < PIECES; count++) {
        static const size_t sizes[PIECES] = {1, 300, 20000, 0, 5, 40000, BIG};
        size_t size = sizes[count] < left - at ? sizes[count] : left - at;
        vectors[count] = (amqpc_bytes){copy + at, size};
        at += size;
    }
    size_t taken = 0;
    amqpc_status status = stream->kind->write(stream, vectors, count, &taken);
    assert_true(status == AMQPC_OK || status == AMQPC_NEED_MORE);
    assert_true(status == AMQPC_OK || stream->waits_write);
    of->written += taken;
    free(copy);
}

static void flow_read(flow *of, amqpci_stream *stream, size_t capacity)
{
    uint8_t place[4096];
    do {
        size_t size = 0;
        amqpc_status status = stream->kind->read(stream, place, capacity, &size);
        if (status == AMQPC_NEED_MORE) {
            assert_true(stream->waits_read);
            assert_false(stream->has_buffered);
            return;
        }
        assert_int_equal(status, AMQPC_OK);
        assert_true(size > 0 && size <= of->size - of->read);
        assert_memory_equal(place, of->data + of->read, size);
        of->read += size;
    } while (stream->has_buffered);
}

static void run_flows(tls_pair *pair, size_t size, size_t capacity)
{
    flow flows[2];
    flow_init(&flows[0], TLS_CLIENT, size);
    flow_init(&flows[1], TLS_SERVER, size);
    for (int round = 0; flows[0].read < size || flows[1].read < size; round++) {
        assert_true(round < 1000000);
        for (int end = 0; end < 2; end++) {
            flow_write(&flows[end], pair->streams[end]);
            flow_read(&flows[1 - end], pair->streams[end], capacity);
        }
        tls_relay(pair);
    }
    for (int end = 0; end < 2; end++) {
        flow_write(&flows[end], pair->streams[end]); /* what was owed to the caller */
        assert_int_equal(flows[end].written, size);
        free(flows[end].data);
    }
}

static void test_large_data_goes_both_ways_at_once(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    run_flows(&pair, BIG, 4096);
    run_flows(&pair, 100000, 1);
    tls_pair_close(&pair);
}

static void test_row_94_bytes_come_one_by_one(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_make(&pair, client, server, "localhost", 1);
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_OK);
    run_flows(&pair, 3000, 4096);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

static void test_sockets_with_little_room_take_a_record_in_parts(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair pair;
    tls_pair_open(&pair, 999, true);
    for (int end = 0; end < 2; end++) {
        assert_int_equal(amqpci_tls_stream_new(end == TLS_CLIENT ? client : server, NULL,
                                               pair.sockets[end], "localhost", &pair.streams[end]),
                         AMQPC_OK);
    }
    tls_pair_handshake(&pair);
    run_flows(&pair, 200000, 4096);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
}

static void test_keys_are_changed_in_time(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        amqpc_tls *client = tls_make_client();
        amqpc_tls *server = tls_make_server();
        SSL_CTX_set_max_proto_version(client->context, version);
        client->key_records = 3;
        server->key_records = 5;
        tls_pair pair;
        tls_pair_connect(&pair, client, server);
        run_flows(&pair, BIG, 4096);
        tls_pair_close(&pair);
        amqpc_tls_free(client);
        amqpc_tls_free(server);
    }
}

static void test_small_pieces_share_full_records(void **state)
{
    (void)state;
    enum { COUNT = 96, SIZE = 1024 };
    tls_pair pair;
    connect_default(&pair);
    static uint8_t data[COUNT][SIZE];
    amqpc_bytes vectors[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        memset(data[i], (int)i, SIZE);
        vectors[i] = (amqpc_bytes){data[i], SIZE};
    }
    amqpci_stream *client = pair.streams[TLS_CLIENT];
    uint64_t writes = client->writes;
    size_t size = 0;
    assert_int_equal(client->kind->write(client, vectors, COUNT, &size), AMQPC_OK);
    assert_int_equal(size, sizeof data);
    assert_int_equal(client->writes - writes, 2); /* four records, then two */
    uint8_t header[5];
    size_t records = 0;
    static uint8_t body[20000];
    for (; recv(pair.sockets[TLS_SERVER], header, sizeof header, 0) == sizeof header; records++) {
        size_t length = (size_t)(header[3] << 8 | header[4]);
        assert_int_equal(recv(pair.sockets[TLS_SERVER], body, length, 0), length);
        assert_true(length > 16384); /* and what encryption adds */
    }
    assert_int_equal(records, sizeof data / 16384);
    tls_pair_close(&pair);
}

static void test_one_call_of_the_system_reads_several_records(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    tls_pair_say(&pair, TLS_SERVER, "after the tickets");
    static uint8_t data[3 * 16384];
    amqpc_bytes vector = {data, sizeof data};
    size_t size = 0;
    amqpci_stream *server = pair.streams[TLS_SERVER];
    assert_int_equal(server->kind->write(server, &vector, 1, &size), AMQPC_OK);
    amqpci_stream *client = pair.streams[TLS_CLIENT];
    uint64_t reads = client->reads;
    static uint8_t place[65536];
    assert_int_equal(client->kind->read(client, place, sizeof place, &size), AMQPC_OK);
    assert_int_equal(size, sizeof data);
    assert_int_equal(client->reads - reads, 1);
    assert_false(client->has_buffered);
    tls_pair_close(&pair);
}

static void test_idle_streams_have_no_buffers(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    tls_pair_say(&pair, TLS_CLIENT, "hello");
    for (int end = 0; end < 2; end++) {
        char byte;
        size_t size = 0;
        amqpci_stream *stream = pair.streams[end];
        assert_int_equal(stream->kind->read(stream, &byte, 1, &size), AMQPC_NEED_MORE);
        assert_null(((amqpci_tls_stream *)stream)->input.data);
        assert_null(((amqpci_tls_stream *)stream)->output.data);
    }
    tls_pair_close(&pair);
}

static void test_nothing_to_write_is_written_at_once(void **state)
{
    (void)state;
    tls_pair pair;
    connect_default(&pair);
    amqpci_stream *client = pair.streams[TLS_CLIENT];
    uint64_t writes = client->writes;
    size_t size = 1;
    assert_int_equal(client->kind->write(client, NULL, 0, &size), AMQPC_OK);
    assert_int_equal(size, 0);
    assert_int_equal(client->writes, writes);
    tls_pair_close(&pair);
}

static void scenario_of_a_connection(const amqpc_allocator *allocator)
{
    amqpc_tls *tls[2] = {NULL, NULL};
    amqpc_tls_options options[2] = {tls_client_options(),
                                    tls_server_options(tls_test_files.server)};
    tls_pair pair;
    tls_pair_open(&pair, 0, false);
    bool is_made = true;
    for (uint32_t end = 0; end < 2 && is_made; end++) {
        amqpc_status status = amqpc_tls_new(allocator, end, &options[end], &tls[end], NULL, 0);
        if (status == AMQPC_OK) {
            status = amqpci_tls_stream_new(tls[end], allocator, pair.sockets[end], "localhost",
                                           &pair.streams[end]);
        }
        assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
        is_made = status == AMQPC_OK;
    }
    if (is_made) {
        tls_pair_handshake(&pair);
    }
    if (is_made && pair.statuses[0] == AMQPC_OK && pair.statuses[1] == AMQPC_OK) {
        amqpc_bytes vector = {"hello", 5};
        char heard[8];
        for (int end = 0; end < 2; end++) { /* no memory: again */
            amqpci_stream *from = pair.streams[end];
            amqpci_stream *to = pair.streams[1 - end];
            size_t size = 0;
            amqpc_status status;
            do {
                status = from->kind->write(from, &vector, 1, &size);
            } while (status == AMQPC_NO_MEMORY);
            assert_int_equal(status, AMQPC_OK);
            do {
                status = to->kind->read(to, heard, sizeof heard, &size);
            } while (status == AMQPC_NO_MEMORY);
            assert_int_equal(status, AMQPC_OK);
            assert_int_equal(size, 5);
        }
        amqpc_status status;
        do {
            status = pair.streams[0]->kind->shutdown(pair.streams[0]);
        } while (status == AMQPC_NO_MEMORY);
        assert_int_equal(status, AMQPC_OK);
    } else if (is_made) {
        assert_true(pair.statuses[0] == AMQPC_NO_MEMORY || pair.statuses[1] == AMQPC_NO_MEMORY);
    }
    tls_pair_close(&pair);
    amqpc_tls_free(tls[0]);
    amqpc_tls_free(tls[1]);
}

static void test_row_101_allocations_fail(void **state)
{
    (void)state;
    assert_survives_failing_allocations(scenario_of_a_connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_agree),
        cmocka_unit_test(test_nothing_is_told_before_the_handshake_is_over),
        cmocka_unit_test(test_hosts_may_be_names_and_addresses),
        cmocka_unit_test(test_a_host_that_is_none_is_refused),
        cmocka_unit_test(test_names_are_asked_for_by_sni_and_addresses_are_not),
        cmocka_unit_test(test_verification_can_be_switched_off_by_name),
        cmocka_unit_test(test_a_protocol_is_agreed_on_when_both_name_it),
        cmocka_unit_test(test_a_clients_certificate_names_it),
        cmocka_unit_test(test_clients_without_a_trusted_certificate_are_refused),
        cmocka_unit_test(test_sessions_are_resumed_unless_switched_off),
        cmocka_unit_test(test_sessions_are_of_one_host),
        cmocka_unit_test(test_large_data_goes_both_ways_at_once),
        cmocka_unit_test(test_row_94_bytes_come_one_by_one),
        cmocka_unit_test(test_sockets_with_little_room_take_a_record_in_parts),
        cmocka_unit_test(test_keys_are_changed_in_time),
        cmocka_unit_test(test_small_pieces_share_full_records),
        cmocka_unit_test(test_one_call_of_the_system_reads_several_records),
        cmocka_unit_test(test_idle_streams_have_no_buffers),
        cmocka_unit_test(test_nothing_to_write_is_written_at_once),
        cmocka_unit_test(test_row_101_allocations_fail),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
