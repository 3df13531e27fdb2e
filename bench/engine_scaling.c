/* What a frame costs beside many links, sessions and unsettled deliveries: instructions of our
 * engine, under callgrind, which dumps a part for each kind and number of them.
 *
 *   engine_scaling instructions     runs all; prints how many messages each part is of
 *
 * link_N         one message sent, received, accepted and settled, on links in turn, where N are
 *                attached
 * session_N      the same, on sessions in turn, where N with one link each are open
 * unsettled_N    the same, on a link where N older deliveries stay unsettled
 * settle_one_N   one delivery is accepted and settled, out of order, of N that are unsettled
 * settle_wide_N  64 deliveries, all that are left of N, are accepted and settled by one call and
 * one disposition, of N numbers; for one delivery. N is 64 instead of 1. */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "engine_ends.h"

enum {
    LEFT = 64,      /* of settle_wide */
    MESSAGES = 256, /* of one part */
    WARM_UP = 512,  /* messages before each part */
    STEP = 7919,    /* a prime: neighbours in time are not neighbours in number */
    MANY = 10000,
    SENT_AT_ONCE = 64,
};

static const unsigned numbers[] = {1, 100, MANY};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static const engine_operation scaling_operation = {
    .name = "scaling", .data_size = 100, .credit_window = ENDS_MANY, .max_frame_size = 65536};

/* The links that are there, each with its two ends. */
static amqpc_link *senders[MANY];
static amqpc_link *receivers[MANY];
/* The numbers of unsettled deliveries at the server. */
static uint64_t server_numbers[MANY];
static engine_ends ends;
static amqpc_bytes payload;

static void check(bool holds)
{
    if (!holds) {
        codec_fail("a message was lost");
    }
}

static void carry_both(void)
{
    while (engine_ends_carry(ends.client, ends.server)) {
        engine_ends_handle_events(&ends, ends.server);
    }
    while (engine_ends_carry(ends.server, ends.client)) {
        engine_ends_handle_events(&ends, ends.client);
    }
}

/* The client hears that one delivery is accepted. */
static void take_update(amqpc_link *sender)
{
    amqpc_update update;
    size_t count = 0;
    engine_ends_check(amqpc_link_updates(sender, &update, 1, &count));
    check(count == 1 && update.settled);
}

static void send_and_settle(unsigned index)
{
    amqpc_delivery delivery;
    size_t count = 0;
    engine_ends_check(amqpc_link_send(senders[index], payload, NULL, NULL));
    carry_both();
    engine_ends_check(amqpc_link_receive(receivers[index], &delivery, 1, &count));
    check(count == 1);
    engine_ends_check(amqpc_link_settle(receivers[index], delivery.number, delivery.number,
                                        AMQPC_COMPOSITE_ACCEPTED));
    amqpc_delivery_release(&delivery);
    carry_both();
    take_update(senders[index]);
}

static void dump(const char *kind, unsigned number)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s_%u", kind, number);
    CALLGRIND_DUMP_STATS_AT(name);
}

/* Messages on the first links in turn. */
static void count_messages(const char *kind, unsigned number, unsigned link_count)
{
    for (unsigned i = 0; i < WARM_UP; i++) {
        send_and_settle(i * STEP % link_count);
    }
    CALLGRIND_TOGGLE_COLLECT;
    for (unsigned i = 0; i < MESSAGES; i++) {
        send_and_settle(i * STEP % link_count);
    }
    CALLGRIND_TOGGLE_COLLECT;
    dump(kind, number);
}

static void open_ends(void)
{
    engine_ends_open(&ends, &scaling_operation);
    engine_ends_begin(&ends);
    engine_ends_exchange(&ends);
}

static void attach(unsigned index)
{
    engine_ends_attach(&ends);
    engine_ends_exchange(&ends);
    senders[index] = ends.sender;
    receivers[index] = ends.receiver;
}

static void count_links(unsigned number)
{
    open_ends();
    for (unsigned i = 0; i < number; i++) {
        attach(i);
    }
    count_messages("link", number, number);
    engine_ends_close(&ends);
}

static void count_sessions(unsigned number)
{
    open_ends();
    for (unsigned i = 0; i < number; i++) {
        engine_ends_begin(&ends);
        attach(i);
    }
    count_messages("session", number, number);
    engine_ends_close(&ends);
}

/* Sends so many by the first link; the server takes them, and leaves them unsettled.
 * taken: receives their numbers at the server. */
static void leave_unsettled(unsigned number, uint64_t *taken)
{
    amqpc_delivery deliveries[SENT_AT_ONCE];
    size_t count = 0;
    for (unsigned i = 0; i < number; i += (unsigned)count) {
        for (unsigned j = 0; j < SENT_AT_ONCE && i + j < number; j++) {
            engine_ends_check(amqpc_link_send(senders[0], payload, NULL, NULL));
        }
        carry_both();
        engine_ends_check(amqpc_link_receive(receivers[0], deliveries, SENT_AT_ONCE, &count));
        check(count > 0);
        for (size_t j = 0; j < count; j++) {
            taken[i + j] = deliveries[j].number;
        }
        amqpc_deliveries_release(deliveries, count);
        carry_both();
    }
}

static void count_unsettled(unsigned number)
{
    open_ends();
    attach(0);
    leave_unsettled(number, server_numbers);
    count_messages("unsettled", number, 1);
    engine_ends_close(&ends);
}

static void settle(uint64_t first, uint64_t last)
{
    engine_ends_check(amqpc_link_settle(receivers[0], first, last, AMQPC_COMPOSITE_ACCEPTED));
    carry_both();
}

/* Settles one of `number`, and sends another, so that their number stays. */
static void count_settle_one(unsigned number)
{
    open_ends();
    attach(0);
    for (unsigned i = 0; i < WARM_UP; i++) {
        send_and_settle(0);
    }
    leave_unsettled(number, server_numbers);
    for (unsigned i = 0; i < MESSAGES; i++) {
        unsigned index = i * STEP % number;
        CALLGRIND_TOGGLE_COLLECT;
        settle(server_numbers[index], server_numbers[index]);
        take_update(senders[0]);
        CALLGRIND_TOGGLE_COLLECT;
        leave_unsettled(1, &server_numbers[index]);
    }
    dump("settle_one", number);
    engine_ends_close(&ends);
}

static void take_all_updates(unsigned wanted)
{
    amqpc_update updates[ENDS_BATCH];
    size_t count = ENDS_BATCH;
    unsigned taken = 0;
    while (count == ENDS_BATCH) {
        engine_ends_check(amqpc_link_updates(senders[0], updates, ENDS_BATCH, &count));
        taken += (unsigned)count;
    }
    check(taken == wanted);
}

/* Of `number`, LEFT deliveries at even distances are left, the first and the last among them. */
static void leave_few(unsigned number)
{
    unsigned left = 0;
    leave_unsettled(number, server_numbers);
    for (unsigned i = 0; i < number; i++) {
        if (i == (uint64_t)left * (number - 1) / (LEFT - 1)) {
            left++;
        } else {
            settle(server_numbers[i], server_numbers[i]);
        }
    }
    check(left == LEFT);
    take_all_updates(number - LEFT);
}

static void count_settle_wide(unsigned number)
{
    open_ends();
    attach(0);
    leave_few(number); /* once for what is allocated */
    settle(server_numbers[0], server_numbers[number - 1]);
    take_all_updates(LEFT);
    for (unsigned i = 0; i < MESSAGES / LEFT; i++) {
        leave_few(number);
        CALLGRIND_TOGGLE_COLLECT;
        settle(server_numbers[0], server_numbers[number - 1]);
        take_all_updates(LEFT);
        CALLGRIND_TOGGLE_COLLECT;
    }
    dump("settle_wide", number);
    engine_ends_close(&ends);
}

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], "instructions") != 0) {
        codec_fail("usage: engine_scaling instructions");
    }
    engine_prepare();
    sample_bytes bytes = engine_payload(&engine_operations[0], 0);
    payload = (amqpc_bytes){bytes.data, bytes.size};
    for (unsigned i = 0; i < NUMBERS; i++) {
        count_links(numbers[i]);
        count_sessions(numbers[i]);
        count_unsettled(numbers[i]);
        count_settle_one(numbers[i]);
        count_settle_wide(numbers[i] < LEFT ? LEFT : numbers[i]);
    }
    printf("%d\n", MESSAGES);
    return 0;
}
