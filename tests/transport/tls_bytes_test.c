/* Streams of TLS: bytes arrive as they were sent, by few calls of the system and without buffers
 * for those that are idle. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "transport/tls_fixture.h"
#include "transport/tls_object.h"

enum { BIG = 1024 * 1024, PIECES = 7 };

static void connect_default(tls_pair *pair)
{
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    tls_pair_connect(pair, client, server);
    amqpc_tls_free(client); /* the streams hold them */
    amqpc_tls_free(server);
}

static uint8_t byte_at(int end, size_t at)
{
    return (uint8_t)(at * 31 + at / 251 + (size_t)end);
}

/* One direction: what has been written of it, and read. */
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

/* A server's certificate with so many of its authority's behind it, in a file of their own. */
static void write_long_chain(char *path, size_t size)
{
    enum { LENGTH = 160 };
    char text[4096];
    (void)snprintf(path, size, "%.*s/chain.pem", TLS_PATH_SIZE, tls_test_files.folder);
    FILE *chain = fopen(path, "w");
    assert_non_null(chain);
    for (int i = 0; i <= LENGTH; i++) {
        FILE *part = fopen(i == 0 ? tls_test_files.server : tls_test_files.ca, "r");
        assert_non_null(part);
        size_t there = fread(text, 1, sizeof text, part);
        assert_true(there > 0 && there < sizeof text);
        assert_int_equal(fwrite(text, 1, there, chain), there);
        assert_int_equal(fclose(part), 0);
    }
    assert_int_equal(fclose(chain), 0);
}

static void test_a_flight_longer_than_the_buffer_is_sent_in_parts(void **state)
{
    (void)state;
    char path[2 * TLS_PATH_SIZE];
    write_long_chain(path, sizeof path);
    amqpc_tls_options options = tls_server_options(path);
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make(AMQPC_SERVER, &options);
    tls_pair pair;
    tls_pair_open(&pair, 999, true);
    for (int end = 0; end < 2; end++) {
        assert_int_equal(amqpci_tls_stream_new(end == TLS_CLIENT ? client : server, NULL,
                                               pair.sockets[end], "localhost", &pair.streams[end]),
                         AMQPC_OK);
    }
    tls_pair_handshake(&pair);
    assert_int_equal(pair.statuses[TLS_CLIENT], AMQPC_OK);
    assert_int_equal(pair.statuses[TLS_SERVER], AMQPC_OK);
    run_flows(&pair, 1000, 4096);
    tls_pair_close(&pair);
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    assert_int_equal(unlink(path), 0);
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
    assert_int_equal(client->writes - writes, 2); /* of three records each */
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

static void test_a_read_goes_on_while_the_socket_has_more(void **state)
{
    (void)state;
    enum { SIZE = 2 * AMQPCI_TLS_BUFFER_SIZE };
    tls_pair pair;
    connect_default(&pair);
    tls_pair_say(&pair, TLS_SERVER, "after the tickets");
    static uint8_t data[SIZE];
    amqpc_bytes vector = {data, sizeof data};
    size_t size = 0;
    amqpci_stream *server = pair.streams[TLS_SERVER];
    assert_int_equal(server->kind->write(server, &vector, 1, &size), AMQPC_OK);
    amqpci_stream *client = pair.streams[TLS_CLIENT];
    uint64_t reads = client->reads;
    static uint8_t place[2 * SIZE];
    assert_int_equal(client->kind->read(client, place, sizeof place, &size), AMQPC_OK);
    assert_int_equal(size, sizeof data);
    assert_int_equal(client->reads - reads, 3); /* encryption adds a little */
    assert_false(client->has_buffered);
    tls_pair_close(&pair);
}

static void test_row_96_a_reset_after_data_is_told_after_it(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_open(&pair, 0, false);
    amqpc_tls *tls = tls_make_client();
    amqpci_stream *client = NULL;
    assert_int_equal(
        amqpci_tls_stream_new(tls, NULL, pair.sockets[TLS_CLIENT], "localhost", &client), AMQPC_OK);
    amqpc_tls_free(tls);
    pair.streams[TLS_CLIENT] = client;
    SSL *raw = tls_raw_make(&pair, TLS_SERVER, 0);
    tls_raw_handshake(&pair, TLS_SERVER, raw);
    static uint8_t data[AMQPCI_TLS_BUFFER_SIZE];
    for (size_t written = 0; written < sizeof data;) { /* record by record */
        int size = SSL_write(raw, data, (int)(sizeof data - written));
        assert_true(size > 0);
        written += (size_t)size;
    }
    /* What is sent fills the buffer of our end, and ends in the middle of a record. */
    static uint8_t wire[2 * AMQPCI_TLS_BUFFER_SIZE];
    ssize_t there = recv(pair.sockets[TLS_CLIENT], wire, sizeof wire, 0);
    assert_true(there > AMQPCI_TLS_BUFFER_SIZE);
    assert_int_equal(send(pair.sockets[TLS_SERVER], wire, AMQPCI_TLS_BUFFER_SIZE, 0),
                     AMQPCI_TLS_BUFFER_SIZE);
    amqpc_bytes vector = {"unread", 6};
    size_t size = 0;
    assert_int_equal(client->kind->write(client, &vector, 1, &size), AMQPC_OK);
    tls_raw_free(raw);
    close(pair.sockets[TLS_SERVER]); /* with input that nobody has read: a reset */
    pair.sockets[TLS_SERVER] = -1;
    assert_int_equal(client->kind->read(client, wire, sizeof wire, &size), AMQPC_OK);
    assert_int_equal(size % AMQPCI_TLS_RECORD_SIZE, 0);
    assert_true(client->has_buffered);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client->kind->read(client, wire, sizeof wire, &size), AMQPC_SOCKET_ERROR);
        assert_int_equal(client->system_error, ECONNRESET);
    }
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
        cmocka_unit_test(test_large_data_goes_both_ways_at_once),
        cmocka_unit_test(test_row_94_bytes_come_one_by_one),
        cmocka_unit_test(test_sockets_with_little_room_take_a_record_in_parts),
        cmocka_unit_test(test_a_flight_longer_than_the_buffer_is_sent_in_parts),
        cmocka_unit_test(test_keys_are_changed_in_time),
        cmocka_unit_test(test_small_pieces_share_full_records),
        cmocka_unit_test(test_one_call_of_the_system_reads_several_records),
        cmocka_unit_test(test_a_read_goes_on_while_the_socket_has_more),
        cmocka_unit_test(test_row_96_a_reset_after_data_is_told_after_it),
        cmocka_unit_test(test_idle_streams_have_no_buffers),
        cmocka_unit_test(test_nothing_to_write_is_written_at_once),
        cmocka_unit_test(test_row_101_allocations_fail),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
