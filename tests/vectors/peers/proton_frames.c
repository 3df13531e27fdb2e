/* Frames captured from two Proton connections that talk to each other in memory.
 *
 * Each function drives one conversation and states, frame by frame, what the API calls before it
 * asked for. What Proton adds on its own (windows, handles, defaults that it writes out) was read
 * from the bytes by hand, against AMQP 1.0 part 2. */
#include "proton_pair.h"

#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <string.h>

/* Starts a map or list in data whose text is part of a frame's, and so not needed. */
static value_t *begin_data(pn_data_t *data)
{
    static value_t value;
    static text_t unused;
    text_clear(&unused);
    value_begin(&value, data, &unused);
    return &value;
}

static void put_symbols(pn_data_t *data, const char *first, const char *second)
{
    value_t *symbols = begin_data(data);
    open_array(symbols, PN_SYMBOL, "symbol");
    put_symbol(symbols, first);
    if (second != NULL) {
        put_symbol(symbols, second);
    }
    close_container(symbols);
}

static void set_error(pn_condition_t *error, const char *condition, const char *description)
{
    pn_condition_set_name(error, condition);
    pn_condition_set_description(error, description);
}

/* The exchange before open; Proton answers ANONYMOUS with the word "anonymous". */
static void print_sasl(void)
{
    pair_begin();
    pn_connection_set_hostname(client.connection, "example.org");
    pn_sasl_allowed_mechs(pn_sasl(server.transport), "ANONYMOUS");
    pn_sasl_allowed_mechs(pn_sasl(client.transport), "ANONYMOUS");
    pair_open();
    expect_frame(&server, "sasl-mechanisms",
                 "[sasl] sasl-mechanisms(sasl-server-mechanisms=[:\"ANONYMOUS\"])");
    expect_frame(&client, "sasl-init",
                 "[sasl] sasl-init(mechanism=:\"ANONYMOUS\", "
                 "initial-response=binary(616e6f6e796d6f7573))");
    expect_frame(&server, "sasl-outcome-ok", "[sasl] sasl-outcome(code=ok)");
    expect_frame(&client, "open-hostname",
                 "[0] open(container-id=\"client\", hostname=\"example.org\", channel-max=32767)");
    expect_frame(&server, "open-container-id",
                 "[0] open(container-id=\"server\", channel-max=32767)");
    pair_end();
}

static void open_with_all_fields(void)
{
    pair_begin();
    pn_transport_set_max_frame(client.transport, 65536);
    pn_transport_set_channel_max(client.transport, 1023);
    pn_transport_set_idle_timeout(client.transport, 30000);
    pn_connection_set_hostname(client.connection, "example.org");
    put_symbols(pn_connection_offered_capabilities(client.connection), "a", NULL);
    put_symbols(pn_connection_desired_capabilities(client.connection), "b", "c");
    value_t *properties = begin_data(pn_connection_properties(client.connection));
    open_map(properties);
    put_symbol(properties, "product");
    put_string(properties, "vectors");
    put_symbol(properties, "version");
    put_uint(properties, 1);
    close_container(properties);
    pair_open();
    /* Proton advertises half of the time-out. */
    expect_frame(&client, "open-all-fields",
                 "[0] open(container-id=\"client\", hostname=\"example.org\", "
                 "max-frame-size=65536, channel-max=1023, idle-time-out=15000, "
                 "offered-capabilities=[:\"a\"], desired-capabilities=[:\"b\", :\"c\"], "
                 "properties={:\"product\": \"vectors\", :\"version\": uint(1)})");
    /* Proton lowers its own channel-max to that of the open it has received. */
    expect_frame(&server, "open-channel-max",
                 "[0] open(container-id=\"server\", channel-max=1023)");
}

static void print_sessions(void)
{
    pn_session_t *session = pn_session(client.connection);
    /* 64 frames of max-frame-size. */
    pn_session_set_incoming_capacity(session, 64 * 65536);
    pn_session_set_outgoing_window(session, 100);
    pn_session_open(session);
    pump();
    expect_frame(&client, "begin",
                 "[0] begin(next-outgoing-id=0, incoming-window=64, outgoing-window=100)");
    pn_session_open(pn_session_head(server.connection, 0));
    pump();
    expect_frame(&server, "begin-answer",
                 "[0] begin(remote-channel=0, next-outgoing-id=0, incoming-window=2147483647, "
                 "outgoing-window=2147483647)");

    pn_session_t *second = pn_session(client.connection);
    pn_session_open(second);
    pump();
    expect_frame(&client, "begin-channel-1",
                 "[1] begin(next-outgoing-id=0, incoming-window=2147483647, "
                 "outgoing-window=2147483647)");
    pn_session_close(second);
    pump();
    expect_frame(&client, "end", "[1] end()");

    set_error(pn_session_condition(session), "amqp:session:window-violation", "too many");
    pn_session_close(session);
    pump();
    expect_frame(&client, "end-with-error",
                 "[0] end(error=error(condition=:\"amqp:session:window-violation\", "
                 "description=\"too many\"))");
}

/* A heartbeat, then close with every field of the error, then close without. */
static void print_connection_end(void)
{
    pn_transport_tick(server.transport, 1000);
    pn_transport_tick(server.transport, 1000 + 15000);
    pump();
    expect_frame(&server, "heartbeat", "[0] empty");

    pn_condition_t *error = pn_connection_condition(client.connection);
    set_error(error, "amqp:connection:redirect", "go there");
    value_t *info = begin_data(pn_condition_info(error));
    open_map(info);
    put_symbol(info, "network-host");
    put_string(info, "other.example.org");
    put_symbol(info, "port");
    put_int(info, 5672);
    close_container(info);
    pn_connection_close(client.connection);
    pump();
    expect_frame(&client, "close-with-error",
                 "[0] close(error=error(condition=:\"amqp:connection:redirect\", "
                 "description=\"go there\", "
                 "info={:\"network-host\": \"other.example.org\", :\"port\": int(5672)}))");
    pn_connection_close(server.connection);
    pump();
    expect_frame(&server, "close", "[0] close()");
    pair_end();
}

/* Both connections and one session; the frames open and begin are passed over. */
static pn_session_t *begin_session(uint32_t server_max_frame_size)
{
    pair_begin();
    if (server_max_frame_size != 0) {
        pn_transport_set_max_frame(server.transport, server_max_frame_size);
    }
    pair_open();
    pn_session_t *session = pn_session(client.connection);
    pn_session_open(session);
    pump();
    pn_session_open(pn_session_head(server.connection, 0));
    pump();
    skip_frames(&client, 2);
    skip_frames(&server, 2);
    return session;
}

static void end_session(void)
{
    pn_connection_close(client.connection);
    pn_connection_close(server.connection);
    pump();
    skip_frames(&client, 1);
    skip_frames(&server, 1);
    pair_end();
}

static pn_link_t *attach_receiver(pn_session_t *session)
{
    pn_link_t *receiver = pn_receiver(session, "receiver");
    pn_terminus_t *source = pn_link_source(receiver);
    pn_terminus_set_address(source, "topic");
    pn_terminus_set_durability(source, PN_DELIVERIES);
    pn_terminus_set_expiry_policy(source, PN_EXPIRE_NEVER);
    pn_terminus_set_timeout(source, 300);
    pn_terminus_set_distribution_mode(source, PN_DIST_MODE_COPY);
    value_t *filter = begin_data(pn_terminus_filter(source));
    open_map(filter);
    put_symbol(filter, "selector");
    open_described(filter);
    put_ulong(filter, UINT64_C(0x0000468c00000004));
    put_string(filter, "color = 'red'");
    close_container(filter);
    close_container(filter);
    put_symbols(pn_terminus_outcomes(source), "amqp:accepted:list", "amqp:released:list");
    put_symbols(pn_terminus_capabilities(source), "topic", NULL);
    pn_link_set_snd_settle_mode(receiver, PN_SND_SETTLED);
    pn_link_set_rcv_settle_mode(receiver, PN_RCV_SECOND);
    pn_link_set_max_message_size(receiver, UINT64_C(4294967296));
    value_t *properties = begin_data(pn_link_properties(receiver));
    open_map(properties);
    put_symbol(properties, "x");
    put_bool(properties, true);
    close_container(properties);
    pn_link_open(receiver);
    pump();
    expect_frame(&client, "attach-receiver-source-all-fields",
                 "[0] attach(name=\"receiver\", handle=0, role=receiver, "
                 "snd-settle-mode=settled, rcv-settle-mode=second, "
                 "source=source(address=\"topic\", durable=unsettled-state, "
                 "expiry-policy=never, timeout=300, dynamic=false, distribution-mode=:\"copy\", "
                 "filter={:\"selector\": @ulong(77567109365764) \"color = 'red'\"}, "
                 "outcomes=[:\"amqp:accepted:list\", :\"amqp:released:list\"], "
                 "capabilities=[:\"topic\"]), "
                 "target=target(durable=none, timeout=0, dynamic=false), "
                 "initial-delivery-count=0, max-message-size=4294967296, "
                 "properties={:\"x\": true})");
    return receiver;
}

static pn_link_t *attach_sender(pn_session_t *session)
{
    pn_link_t *sender = pn_sender(session, "sender");
    pn_terminus_t *target = pn_link_target(sender);
    pn_terminus_set_dynamic(target, true);
    pn_terminus_set_durability(target, PN_CONFIGURATION);
    pn_terminus_set_expiry_policy(target, PN_EXPIRE_WITH_CONNECTION);
    pn_terminus_set_timeout(target, 256);
    value_t *properties = begin_data(pn_terminus_properties(target));
    open_map(properties);
    put_symbol(properties, "lifetime-policy");
    open_described(properties);
    put_ulong(properties, 0x2b); /* delete-on-close */
    open_list(properties);
    close_container(properties);
    close_container(properties);
    close_container(properties);
    put_symbols(pn_terminus_capabilities(target), "queue", "temporary");
    pn_link_set_snd_settle_mode(sender, PN_SND_UNSETTLED);
    pn_link_open(sender);
    pump();
    expect_frame(&client, "attach-sender-target-all-fields",
                 "[0] attach(name=\"sender\", handle=1, role=sender, snd-settle-mode=unsettled, "
                 "rcv-settle-mode=first, source=source(durable=none, timeout=0, dynamic=false), "
                 "target=target(durable=configuration, expiry-policy=connection-close, "
                 "timeout=256, dynamic=true, "
                 "dynamic-node-properties={:\"lifetime-policy\": @ulong(43) []}, "
                 "capabilities=[:\"queue\", :\"temporary\"]), initial-delivery-count=0, "
                 "max-message-size=0)");
    return sender;
}

/* A link to a transaction coordinator; here Proton leaves max-message-size out. */
static void attach_controller(pn_session_t *session)
{
    pn_link_t *controller = pn_sender(session, "controller");
    pn_terminus_t *target = pn_link_target(controller);
    pn_terminus_set_type(target, PN_COORDINATOR);
    put_symbols(pn_terminus_capabilities(target), "amqp:local-transactions", NULL);
    pn_link_open(controller);
    pump();
    expect_frame(&client, "attach-coordinator",
                 "[0] attach(name=\"controller\", handle=2, role=sender, snd-settle-mode=mixed, "
                 "rcv-settle-mode=first, source=source(durable=none, timeout=0, dynamic=false), "
                 "target=coordinator(capabilities=[:\"amqp:local-transactions\"]), "
                 "initial-delivery-count=0)");
}

/* The server's answer to the first link: no source and no target, then detach with the error. */
static void refuse_receiver(void)
{
    pn_link_t *refused = pn_link_head(server.connection, 0);
    pn_terminus_set_type(pn_link_source(refused), PN_UNSPECIFIED);
    pn_terminus_set_type(pn_link_target(refused), PN_UNSPECIFIED);
    pn_link_open(refused);
    set_error(pn_link_condition(refused), "amqp:not-found", "no \"topic\"");
    pn_link_close(refused);
    pump();
    expect_frame(&server, "attach-refused",
                 "[0] attach(name=\"receiver\", handle=0, role=sender, snd-settle-mode=mixed, "
                 "rcv-settle-mode=first, initial-delivery-count=0, max-message-size=0)");
    expect_frame(&server, "detach-with-error",
                 "[0] detach(handle=0, closed=true, error=error(condition=:\"amqp:not-found\", "
                 "description=\"no \\\"topic\\\"\"))");
}

static void print_links(void)
{
    pn_session_t *session = begin_session(0);
    pn_link_t *receiver = attach_receiver(session);
    pn_link_t *sender = attach_sender(session);
    attach_controller(session);
    refuse_receiver();
    pn_link_detach(sender);
    pump();
    expect_frame(&client, "detach", "[0] detach(handle=1)");
    pn_link_close(receiver);
    pump();
    expect_frame(&client, "detach-closed", "[0] detach(handle=0, closed=true)");
    end_session();
}

/* The client's sending link; the server gives it 300 credits. */
static pn_link_t *begin_transfers(uint32_t server_max_frame_size)
{
    pn_link_t *sender = pn_sender(begin_session(server_max_frame_size), "link");
    pn_terminus_set_address(pn_link_target(sender), "q");
    pn_link_open(sender);
    pump();
    pn_link_t *receiver = pn_link_head(server.connection, 0);
    pn_link_open(receiver);
    pn_link_flow(receiver, 300);
    pump();
    return sender;
}

static void print_first_credit(void)
{
    expect_frame(&client, "attach-sender",
                 "[0] attach(name=\"link\", handle=0, role=sender, snd-settle-mode=mixed, "
                 "rcv-settle-mode=first, source=source(durable=none, timeout=0, dynamic=false), "
                 "target=target(address=\"q\", durable=none, timeout=0, dynamic=false), "
                 "initial-delivery-count=0, max-message-size=0)");
    expect_frame(&server, "attach-receiver-empty-termini",
                 "[0] attach(name=\"link\", handle=0, role=receiver, snd-settle-mode=mixed, "
                 "rcv-settle-mode=first, source=source(durable=none, timeout=0, dynamic=false), "
                 "target=target(durable=none, timeout=0, dynamic=false), "
                 "initial-delivery-count=0, max-message-size=0)");
    expect_frame(&server, "flow-credit",
                 "[0] flow(next-incoming-id=0, incoming-window=2147483647, next-outgoing-id=0, "
                 "outgoing-window=2147483647, handle=0, delivery-count=0, link-credit=300, "
                 "drain=false)");
}

/* A data section of one byte, 0xca. */
static const char payload[] = {0x00, 0x53, 0x75, (char)0xa0, 0x01, (char)0xca};

/* Starts a delivery with one data section; it stays open for more. */
static pn_delivery_t *begin_delivery(pn_link_t *sender, const char *tag)
{
    pn_delivery_t *delivery = pn_delivery(sender, pn_dtag(tag, strlen(tag)));
    pn_link_send(sender, payload, sizeof payload);
    return delivery;
}

/* The server's end of the delivery that arrived last. */
static pn_delivery_t *receive(void)
{
    char bytes[64];
    pn_link_t *receiver = pn_link_head(server.connection, 0);
    pn_delivery_t *delivery = pn_link_current(receiver);
    while (pn_link_recv(receiver, bytes, sizeof bytes) > 0) {
    }
    pn_link_advance(receiver);
    return delivery;
}

static void print_transfers(pn_link_t *sender)
{
    begin_delivery(sender, "a");
    pn_link_advance(sender);
    pump();
    expect_frame(&client, "transfer",
                 "[0] transfer(handle=0, delivery-id=0, delivery-tag=binary(61), "
                 "message-format=0) data(ca)");
    receive();

    pn_delivery_t *delivery = begin_delivery(sender, "b");
    pn_link_advance(sender);
    pn_delivery_settle(delivery);
    pump();
    expect_frame(&client, "transfer-settled",
                 "[0] transfer(handle=0, delivery-id=1, delivery-tag=binary(62), "
                 "message-format=0, settled=true) data(ca)");
    receive();

    /* Proton leaves the transactional state's list to the caller. */
    delivery = begin_delivery(sender, "c");
    value_t *state = begin_data(pn_disposition_data(pn_delivery_local(delivery)));
    open_list(state);
    put_binary(state, "\x01\x02", 2);
    close_container(state);
    pn_delivery_update(delivery, 0x34);
    pn_link_advance(sender);
    pump();
    expect_frame(&client, "transfer-transactional",
                 "[0] transfer(handle=0, delivery-id=2, delivery-tag=binary(63), "
                 "message-format=0, state=transactional-state(txn-id=binary(0102))) data(ca)");
    receive();

    begin_delivery(sender, "d");
    pump();
    expect_frame(&client, "transfer-more",
                 "[0] transfer(handle=0, delivery-id=3, delivery-tag=binary(64), "
                 "message-format=0, more=true) data(ca)");
    pn_link_send(sender, payload, sizeof payload);
    pn_link_advance(sender);
    pump();
    expect_frame(&client, "transfer-last",
                 "[0] transfer(handle=0, delivery-id=3, delivery-tag=binary(64), "
                 "message-format=0) data(ca)");
    receive();

    delivery = begin_delivery(sender, "e");
    pump();
    skip_frames(&client, 1);
    pn_delivery_abort(delivery);
    pump();
    expect_frame(&client, "transfer-aborted",
                 "[0] transfer(handle=0, delivery-id=4, delivery-tag=binary(65), "
                 "message-format=0, settled=true, aborted=true)");
}

/* The sender has 295 credits of 300 left and gives all of them back. */
static void print_drain(pn_link_t *sender)
{
    pn_link_drain(pn_link_head(server.connection, 0), 0);
    pump();
    expect_frame(&server, "flow-drain",
                 "[0] flow(next-incoming-id=7, incoming-window=2147483647, next-outgoing-id=0, "
                 "outgoing-window=2147483647, handle=0, delivery-count=5, link-credit=295, "
                 "drain=true)");
    pn_link_drained(sender);
    pump();
    expect_frame(&client, "flow-drained",
                 "[0] flow(next-incoming-id=0, incoming-window=2147483647, next-outgoing-id=7, "
                 "outgoing-window=2147483647, handle=0, delivery-count=300, link-credit=0, "
                 "drain=true)");
}

static void print_links_with_transfers(void)
{
    pn_link_t *sender = begin_transfers(0);
    print_first_credit();
    print_transfers(sender);
    print_drain(sender);
    end_session();
}

/* Sends one message that the server receives; the transfer is passed over. */
static pn_delivery_t *exchange(pn_link_t *sender, const char *tag)
{
    begin_delivery(sender, tag);
    pn_link_advance(sender);
    pump();
    skip_frames(&client, 1);
    return receive();
}

/* Gives the delivery a state, settles it if asked, and expects the disposition. */
static void expect_disposition(pn_delivery_t *delivery, uint64_t state, bool settle,
                               const char *name, const char *text)
{
    pn_delivery_update(delivery, state);
    if (settle) {
        pn_delivery_settle(delivery);
    }
    pump();
    expect_frame(&server, name, text);
}

static void print_dispositions(void)
{
    pn_link_t *sender = begin_transfers(0);
    skip_frames(&client, 1);
    skip_frames(&server, 2);

    pn_delivery_t *delivery = exchange(sender, "a");
    expect_disposition(delivery, PN_ACCEPTED, true, "disposition-accepted",
                       "[0] disposition(role=receiver, first=0, settled=true, state=accepted())");

    delivery = exchange(sender, "b");
    expect_disposition(delivery, PN_ACCEPTED, false, "disposition-accepted-unsettled",
                       "[0] disposition(role=receiver, first=1, state=accepted())");

    delivery = exchange(sender, "c");
    expect_disposition(delivery, PN_RELEASED, true, "disposition-released",
                       "[0] disposition(role=receiver, first=2, settled=true, state=released())");

    delivery = exchange(sender, "d");
    pn_disposition_t *local = pn_delivery_local(delivery);
    set_error(pn_disposition_condition(local), "amqp:decode-error", "bad");
    expect_disposition(delivery, PN_REJECTED, true, "disposition-rejected",
                       "[0] disposition(role=receiver, first=3, settled=true, "
                       "state=rejected(error=error(condition=:\"amqp:decode-error\", "
                       "description=\"bad\")))");

    delivery = exchange(sender, "e");
    expect_disposition(delivery, PN_REJECTED, false, "disposition-rejected-without-error",
                       "[0] disposition(role=receiver, first=4, state=rejected())");

    delivery = exchange(sender, "f");
    local = pn_delivery_local(delivery);
    pn_disposition_set_failed(local, true);
    pn_disposition_set_undeliverable(local, true);
    value_t *annotations = begin_data(pn_disposition_annotations(local));
    open_map(annotations);
    put_symbol(annotations, "x-reason");
    put_string(annotations, "later");
    close_container(annotations);
    expect_disposition(delivery, PN_MODIFIED, true, "disposition-modified",
                       "[0] disposition(role=receiver, first=5, settled=true, "
                       "state=modified(delivery-failed=true, undeliverable-here=true, "
                       "message-annotations={:\"x-reason\": \"later\"}))");

    delivery = exchange(sender, "g");
    local = pn_delivery_local(delivery);
    pn_disposition_set_section_number(local, 1);
    pn_disposition_set_section_offset(local, 256);
    expect_disposition(delivery, PN_RECEIVED, false, "disposition-received",
                       "[0] disposition(role=receiver, first=6, "
                       "state=received(section-number=1, section-offset=256))");
    end_session();
}

/* One message of 600 bytes that needs two frames of at most 512 bytes. */
static void print_transfer_in_parts(void)
{
    pn_link_t *sender = begin_transfers(512);
    skip_frames(&client, 1);
    skip_frames(&server, 2);

    /* A data section of 592 bytes. */
    char message[600] = {0x00, 0x53, 0x75, (char)0xb0, 0x00, 0x00, 0x02, 0x50};
    memset(message + 8, 'x', sizeof message - 8);
    pn_delivery(sender, pn_dtag("parts", 5));
    pn_link_send(sender, message, sizeof message);
    pn_link_advance(sender);
    pump();

    static const char more[] = "transfer(handle=0, delivery-id=0, "
                               "delivery-tag=binary(7061727473), message-format=0, more=true)";
    static const char last[] = "transfer(handle=0, delivery-id=0, "
                               "delivery-tag=binary(7061727473), message-format=0)";
    size_t offset = 0;
    expect_performative(&client, "transfer-part-1", more, message, sizeof message, &offset);
    expect_performative(&client, "transfer-part-2", last, message, sizeof message, &offset);
    receive();
    end_session();
}

void print_frames(void)
{
    print_sasl();
    open_with_all_fields();
    print_sessions();
    print_connection_end();
    print_links();
    print_links_with_transfers();
    print_dispositions();
    print_transfer_in_parts();
}
