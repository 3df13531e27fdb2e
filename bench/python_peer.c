/* The far end of the suite `python`: what Python programs receive from, and send to.
 *
 *     python_peer source|sink A|B settled|unsettled COUNT
 *     python_peer samples A|B
 *     python_peer trips PORT COUNT
 *
 * source, sink  listen at a free port, whose number is the first line printed; serve one
 *               connection, whatever its links; and print, as JSON, what was sent and received. A
 *               source sends COUNT messages as fast as it has credit; a sink accepts what arrives,
 *               decodes it, and adds up all its fields.
 * samples       prints the variants of a message as JSON: fields, and bytes in hexadecimal
 * trips         the C client sends messages to a sink one at a time, waiting for each outcome */
#include "python_peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_operation.h"

enum { BATCH = 64, LINKS_MAX = 256, CREDIT = 1000, BLOCK_SIZE = 65536 };

/* kind, settled, count  of what a source sends
 * senders               its links; of the other kind of links only events are seen
 * sent, accepted        by a source; received: by a sink
 * over                  the connection is closed, or lost */
typedef struct peer {
    amqpc_poller *poller;
    amqpc_listener *listener;
    amqpc_transport *transport;
    amqpc_link *senders[LINKS_MAX];
    size_t sender_count;
    amqpc_bytes payloads[BATCH];
    sample_kind kind;
    bool settled;
    bool over;
    uint64_t count;
    uint64_t sent;
    uint64_t accepted;
    uint64_t received;
    uint64_t sum;
    size_t unflushed_size;
} peer;

void python_peer_check(amqpc_status status)
{
    if (status != AMQPC_OK) {
        codec_fail(amqpc_status_text(status));
    }
}

/* The other end works on a block while the next is put together. */
static void flush_block(peer *self, size_t size)
{
    self->unflushed_size += size;
    if (self->unflushed_size >= BLOCK_SIZE) {
        self->unflushed_size = 0;
        python_peer_check(amqpc_transport_flush(self->transport));
    }
}

/* --- What a source does. */

/* Returns whether more may follow. */
static bool send_batch(peer *self, amqpc_link *link)
{
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.settled = self->settled;
    options.batchable = true; /* the last field: see `nothing` */
    uint64_t left = self->count - self->sent;
    size_t first = self->sent % SAMPLE_VARIANTS;
    size_t count = left < BATCH - first ? (size_t)left : BATCH - first;
    size_t sent = 0;
    amqpc_status status =
        amqpc_link_send_batch(link, self->payloads + first, count, &options, &sent, NULL);
    self->sent += sent;
    flush_block(self, sent * self->payloads[0].size);
    if (status == AMQPC_NO_CREDIT || status == AMQPC_LIMIT_REACHED ||
        status == AMQPC_INVALID_STATE) {
        return false;
    }
    python_peer_check(status);
    return true;
}

static void take_updates(peer *self, amqpc_link *link)
{
    amqpc_update updates[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        python_peer_check(amqpc_link_updates(link, updates, BATCH, &count));
        for (size_t i = 0; i < count; i++) {
            bool accepted = updates[i].state_type == AMQPC_COMPOSITE_ACCEPTED;
            self->accepted += accepted;
            if (!updates[i].settled) { /* a receiver that settles second */
                python_peer_check(amqpc_link_settle(link, updates[i].number, updates[i].number,
                                                    AMQPC_COMPOSITE_ACCEPTED));
            }
        }
    }
}

static void send_all(peer *self)
{
    for (size_t i = 0; i < self->sender_count; i++) {
        bool more = true;
        take_updates(self, self->senders[i]);
        while (more && self->sent < self->count) {
            more = send_batch(self, self->senders[i]);
        }
    }
}

/* With the last outcomes, which came before. */
static void forget_sender(peer *self, amqpc_link *link)
{
    for (size_t i = 0; i < self->sender_count; i++) {
        if (self->senders[i] == link) {
            take_updates(self, link);
            self->senders[i] = self->senders[--self->sender_count];
            return;
        }
    }
}

/* --- What a sink does. */

static void receive_all(peer *self, amqpc_link *link)
{
    amqpc_delivery deliveries[BATCH];
    size_t count = BATCH;
    while (count == BATCH) {
        python_peer_check(amqpc_link_receive(link, deliveries, BATCH, &count));
        if (count == 0) {
            return;
        }
        size_t size = 0;
        for (size_t i = 0; i < count; i++) {
            /* A sum, because links that share a connection come in any order. */
            self->sum += codec_read_order(deliveries[i].payload.data, deliveries[i].payload.size);
            size += deliveries[i].payload.size;
        }
        amqpc_status status = amqpc_link_settle(
            link, deliveries[0].number, deliveries[count - 1].number, AMQPC_COMPOSITE_ACCEPTED);
        if (status != AMQPC_NOT_FOUND) { /* those that were sent settled */
            python_peer_check(status);
        }
        amqpc_deliveries_release(deliveries, count);
        self->received += count;
        flush_block(self, size);
    }
}

/* --- What both do. */

/* pyamqp takes no lists that leave out null fields at their end, so that the last field of each is
 * said: here an empty map. */
static const amqpc_value nothing = {.type = AMQPC_TYPE_MAP};

static void take_attach(peer *self, amqpc_link *link)
{
    if (amqpc_link_role(link) == AMQPC_ROLE_RECEIVER) {
        python_peer_check(amqpc_link_set_prefetch(link, CREDIT));
    } else if (self->sender_count == LINKS_MAX) {
        codec_fail("too many links");
    } else {
        self->senders[self->sender_count++] = link;
    }
    const amqpc_attach terms = {.present = AMQPC_ATTACH_PROPERTIES, .properties = nothing};
    python_peer_check(amqpc_link_attach(link, &terms, NULL, NULL));
}

static void answer(peer *self, const amqpc_connection_event *event)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_PROPERTIES,
                             .container_id = {"bench", 5},
                             .properties = nothing};
    const amqpc_begin begin = {.present = AMQPC_BEGIN_INCOMING_WINDOW | AMQPC_BEGIN_PROPERTIES,
                               .incoming_window = INT32_MAX,
                               .properties = nothing};
    switch (event->type) {
    case AMQPC_EVENT_SASL: /* anybody may come in */
        python_peer_check(
            amqpc_sasl_finish(event->connection, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0}));
        return;
    case AMQPC_EVENT_CONNECTION_OPEN:
        python_peer_check(amqpc_connection_open(event->connection, &open));
        return;
    case AMQPC_EVENT_SESSION_BEGIN:
        python_peer_check(amqpc_session_begin(event->session, &begin));
        return;
    case AMQPC_EVENT_LINK_ATTACH:
        take_attach(self, event->link);
        return;
    case AMQPC_EVENT_DELIVERIES:
        receive_all(self, event->link);
        return;
    case AMQPC_EVENT_LINK_DETACH:
        forget_sender(self, event->link);
        amqpc_link_free(event->link);
        return;
    case AMQPC_EVENT_SESSION_END:
        amqpc_session_free(event->session);
        return;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        self->sender_count = 0;
        python_peer_check(amqpc_connection_close(event->connection, NULL));
        return;
    default:
        return;
    }
}

static void accept_client(peer *self)
{
    amqpc_connection_options options;
    amqpc_sasl_options sasl;
    amqpc_transport *transport = NULL;
    amqpc_connection_options_init(&options, sizeof options);
    amqpc_sasl_options_init(&sasl, sizeof sasl);
    sasl.optional = true; /* peers differ in whether they can do without */
    options.sasl = &sasl;
    if (amqpc_listener_accept(self->listener, &options, &transport) == AMQPC_OK) {
        self->transport = transport;
    }
}

static void serve(peer *self)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(amqpc_transport_connection(self->transport), &event)) {
        answer(self, &event);
    }
    if (amqpc_transport_get_state(self->transport) >= AMQPC_TRANSPORT_CLOSED) {
        self->sender_count = 0;
        self->over = true;
    }
}

static void run_peer(peer *self)
{
    amqpc_ready ready;
    python_peer_check(amqpc_poller_new(NULL, &self->poller));
    python_peer_check(amqpc_listener_new(self->poller, NULL, &self->listener, NULL, 0));
    printf("%u\n", (unsigned)amqpc_listener_port(self->listener));
    (void)fflush(stdout);
    while (!self->over) {
        amqpc_status status = amqpc_poller_wait(self->poller, AMQPC_FOREVER);
        if (status != AMQPC_TIMED_OUT) {
            python_peer_check(status);
        }
        while (amqpc_poller_next(self->poller, &ready)) {
            if (ready.listener != NULL) {
                accept_client(self);
            } else {
                serve(self);
            }
        }
        send_all(self);
    }
    amqpc_poller_free(self->poller);
    printf("{\"sent\": %" PRIu64 ", \"accepted\": %" PRIu64 ", \"received\": %" PRIu64
           ", \"checksum\": %" PRIu64 "}\n",
           self->sent, self->accepted, self->received, self->sum);
}

/* --- Samples, as JSON. */

static void print_hex(const char *name, sample_bytes bytes)
{
    printf("\"%s\": \"", name);
    for (size_t i = 0; i < bytes.size; i++) {
        printf("%02x", bytes.data[i]);
    }
    printf("\"");
}

static void print_samples(sample_kind kind)
{
    for (unsigned i = 0; i < SAMPLE_VARIANTS; i++) {
        const sample_order *order = sample_order_get(i);
        sample_bytes wire = sample_message(kind, i);
        printf("%s{\"message_id\": \"%s\", \"to\": \"%s\", \"subject\": \"%s\", \"content_type\": "
               "\"%s\", ",
               i == 0 ? "[" : ",\n", order->message_id.data, order->to.data, order->subject.data,
               order->content_type.data);
        printf("\"region\": \"%s\", \"sequence\": %" PRId64 ", \"retry\": %s, \"price\": %.17g, ",
               order->region.data, order->sequence, order->retry ? "true" : "false", order->price);
        printf("\"checksum\": %" PRIu64 ", ", codec_read_order(wire.data, wire.size));
        print_hex("body", sample_body(kind, i));
        printf(", ");
        print_hex("wire", wire);
        printf("}");
    }
    printf("]\n");
}

static sample_kind kind_of(const char *name)
{
    if (strcmp(name, "A") != 0 && strcmp(name, "B") != 0) {
        codec_fail("no such message");
    }
    return name[0] == 'A' ? SAMPLE_A : SAMPLE_B;
}

int main(int argument_count, char **arguments)
{
    const char *word = argument_count > 2 ? arguments[1] : "";
    codec_prepare();
    if (strcmp(word, "samples") == 0) {
        print_samples(kind_of(arguments[2]));
        return 0;
    }
    if (strcmp(word, "trips") == 0 && argument_count == 4) {
        python_peer_trips((uint32_t)strtoul(arguments[2], NULL, 10),
                          strtoull(arguments[3], NULL, 10));
        return 0;
    }
    if (argument_count != 5) {
        codec_fail("usage: python_peer source|sink A|B settled|unsettled COUNT");
    }
    static peer self;
    self.kind = kind_of(arguments[2]);
    self.settled = strcmp(arguments[3], "settled") == 0;
    self.count = strcmp(word, "source") == 0 ? strtoull(arguments[4], NULL, 10) : 0;
    for (unsigned i = 0; i < BATCH; i++) {
        sample_bytes wire = sample_message(self.kind, i % SAMPLE_VARIANTS);
        self.payloads[i] = (amqpc_bytes){wire.data, wire.size};
    }
    run_peer(&self);
    return 0;
}
