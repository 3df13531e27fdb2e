/* Scenarios that connect, stay connected, and move many messages. */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "interop/client/client_peer.h"

enum { BATCH = 64, PROGRESS = 1000, CREDIT = 500, COUNT_MOST = 255 };

/* --- Connections. */

static void print_property(amqpc_client *client, const char *key)
{
    char text[256];
    if (amqpc_client_peer_property(client, key, text, sizeof text) == AMQPC_OK) {
        printf(",\"%s\":", key);
        peer_print_text(text);
    }
}

void scenario_connect(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    print_property(client, "product");
    print_property(client, "version");
    peer_close(client);
}

static void print_statistics(amqpc_client *client)
{
    amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_client_get_statistics(client, &statistics);
    printf(",\"connects\":%" PRIu64 ",\"frames_sent\":%" PRIu64 ",\"frames_received\":%" PRIu64,
           statistics.connects, statistics.frames_sent, statistics.frames_received);
}

/* Nothing is said for a while but heartbeats; then a message goes there and back. */
void scenario_idle(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    amqpc_sender *sender = peer_sender(client, options->address, options);
    amqpc_receiver *receiver = peer_receiver(client, options->address, NULL);
    const struct timespec hold = {.tv_sec = (time_t)(options->hold_ms / 1000),
                                  .tv_nsec = (long)(options->hold_ms % 1000) * 1000000L};
    nanosleep(&hold, NULL);
    print_statistics(client);

    peer_send_numbered(sender, 1, options->size);
    amqpc_delivery delivery;
    peer_check(amqpc_receiver_add_credit(receiver, 1), "amqpc_receiver_add_credit");
    peer_receive(receiver, &delivery, 1);
    uint32_t number = 0;
    printf(",\"received\":%d", peer_read_message(delivery.payload, options->size, &number));
    peer_check(amqpc_receiver_accept(receiver, &delivery), "amqpc_receiver_accept");
    amqpc_delivery_release(&delivery);
    amqpc_client_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_client_get_statistics(client, &statistics);
    printf(",\"connects_after\":%" PRIu64, statistics.connects);
    peer_close(client);
}

/* --- Ledgers. */

static uint8_t *new_ledger(uint32_t count, int value)
{
    uint8_t *ledger = (uint8_t *)malloc(count + 1u);
    if (ledger == NULL) {
        peer_check(AMQPC_NO_MEMORY, "malloc");
        abort();
    }
    memset(ledger, value, count);
    return ledger;
}

static void write_ledger(const peer_options *options, uint8_t *ledger)
{
    if (options->ledger != NULL) {
        FILE *file = fopen(options->ledger, "wb");
        bool written = file != NULL && fwrite(ledger, 1, options->count, file) == options->count;
        written = file != NULL && fclose(file) == 0 && written;
        peer_check(written ? AMQPC_OK : AMQPC_SYSTEM_ERROR, "the ledger");
    }
    free(ledger);
}

/* --- Sending many. */

typedef struct sending {
    amqpc_sender *sender;
    uint8_t *ledger;
    uint32_t done;
    uint32_t told;
    uint32_t twice;
} sending;

static uint8_t letter(const amqpc_completion *completion)
{
    if (completion->unknown) {
        return 'u';
    }
    switch (completion->state_type) {
    case AMQPC_COMPOSITE_ACCEPTED:
        return 'a';
    case AMQPC_COMPOSITE_REJECTED:
        return 'r';
    case AMQPC_COMPOSITE_RELEASED:
        return 'l';
    case AMQPC_COMPOSITE_MODIFIED:
        return 'm';
    default:
        return 's'; /* sent settled */
    }
}

/* Takes the outcomes that are there. Gives whether any posted message is still without one. */
static bool take_completions(sending *work, int64_t timeout_ms)
{
    amqpc_completion completions[BATCH];
    size_t count = 0;
    amqpc_status status =
        amqpc_sender_completions(work->sender, completions, BATCH, timeout_ms, &count);
    if (status == AMQPC_NOT_FOUND) {
        return false;
    }
    if (status == AMQPC_TIMED_OUT && timeout_ms == 0) {
        return true;
    }
    peer_check_sender(work->sender, status, "amqpc_sender_completions");
    for (size_t i = 0; i < count; i++) {
        uint8_t *place = &work->ledger[completions[i].context];
        work->twice += *place != '-';
        *place = letter(&completions[i]);
    }
    work->done += (uint32_t)count;
    if (work->done / PROGRESS != work->told) {
        work->told = work->done / PROGRESS;
        fprintf(stderr, "progress %" PRIu32 "\n", work->done);
    }
    return true;
}

static void post(sending *work, const peer_options *options, uint32_t first, uint32_t count)
{
    amqpc_bytes messages[BATCH];
    for (uint32_t i = 0; i < count; i++) {
        messages[i] = peer_make_message(first + i, options->size);
    }
    size_t posted = 0;
    while (posted < count) {
        size_t more = 0;
        amqpc_status status =
            amqpc_sender_post_batch(work->sender, messages + posted, count - posted, first + posted,
                                    PEER_TIMEOUT_MS, &more);
        posted += more;
        peer_check_sender(work->sender, status, "amqpc_sender_post_batch");
        take_completions(work, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        free((void *)messages[i].data);
    }
}

static void print_events(amqpc_client *client)
{
    printf(",\"events\":[");
    amqpc_client_event event;
    for (bool first = true; amqpc_client_next_event(client, &event); first = false) {
        char line[1024];
        snprintf(line, sizeof line, "%" PRIu32 " %s %s", event.type, event.name, event.error.text);
        printf(first ? "" : ",");
        peer_print_text(line);
    }
    putchar(']');
}

static uint32_t count_letter(const uint8_t *ledger, uint32_t count, uint8_t wanted)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        found += ledger[i] == wanted;
    }
    return found;
}

/* Sends `count` messages, and writes to the ledger what became of each; tells how far it is on
 * standard error. */
void scenario_send(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    sending work = {.sender = peer_sender(client, options->address, options),
                    .ledger = new_ledger(options->count, '-')};
    bool held = options->hold_at == 0;
    for (uint32_t i = 0; i < options->count; i += BATCH) {
        if (!held && i >= options->hold_at) {
            held = getchar() != EOF;
        }
        uint32_t left = options->count - i;
        post(&work, options, i, left < BATCH ? left : BATCH);
    }
    while (take_completions(&work, PEER_TIMEOUT_MS)) {
    }
    print_statistics(client);
    print_events(client);
    peer_close(client);
    static const struct {
        const char *name;
        uint8_t letter;
    } RESULTS[] = {{"accepted", 'a'}, {"rejected", 'r'},     {"released", 'l'}, {"modified", 'm'},
                   {"unknown", 'u'},  {"sent_settled", 's'}, {"missing", '-'}};
    for (size_t i = 0; i < sizeof RESULTS / sizeof *RESULTS; i++) {
        printf(",\"%s\":%" PRIu32, RESULTS[i].name,
               count_letter(work.ledger, options->count, RESULTS[i].letter));
    }
    printf(",\"twice\":%" PRIu32, work.twice);
    write_ledger(options, work.ledger);
}

/* --- Receiving all. */

typedef struct collected {
    uint8_t *ledger;
    uint32_t received;
    uint32_t distinct;
    uint32_t corrupt;
} collected;

static void take(collected *all, const peer_options *options, const amqpc_delivery *delivery)
{
    uint32_t number = 0;
    all->received++;
    if (!peer_read_message(delivery->payload, options->size, &number) || number >= options->count) {
        all->corrupt++;
        return;
    }
    all->distinct += all->ledger[number] == 0;
    all->ledger[number] = (uint8_t)(all->ledger[number] + (all->ledger[number] < COUNT_MOST));
}

/* Takes and accepts what is there, or comes within a time. Gives how many. */
static size_t take_all(amqpc_receiver *receiver, collected *all, const peer_options *options,
                       size_t most, int64_t timeout_ms)
{
    size_t taken = 0;
    size_t count = 0;
    amqpc_delivery deliveries[BATCH];
    while (taken < most &&
           amqpc_receiver_receive(receiver, deliveries, BATCH, timeout_ms, &count) == AMQPC_OK) {
        for (size_t i = 0; i < count; i++) {
            take(all, options, &deliveries[i]);
        }
        if (!deliveries[0].settled) {
            peer_check(amqpc_receiver_settle(receiver, deliveries[0].number,
                                             deliveries[count - 1].number,
                                             AMQPC_COMPOSITE_ACCEPTED),
                       "amqpc_receiver_settle");
        }
        amqpc_deliveries_release(deliveries, count);
        taken += count;
    }
    return taken;
}

/* One round of receiving all. Gives how many came; none where the queue is empty. */
static size_t collect_some(amqpc_receiver *receiver, collected *all, const peer_options *options)
{
    if (options->quiet_ms > 0) {
        int64_t timeout_ms = all->distinct < options->expect ? PEER_TIMEOUT_MS : options->quiet_ms;
        return take_all(receiver, all, options, 1, timeout_ms);
    }
    uint32_t credit = options->size > 100000 ? 2 : CREDIT;
    peer_check_receiver(receiver, amqpc_receiver_add_credit(receiver, credit),
                        "amqpc_receiver_add_credit");
    peer_check_receiver(receiver, amqpc_receiver_drain(receiver, PEER_TIMEOUT_MS),
                        "amqpc_receiver_drain");
    return take_all(receiver, all, options, credit, 0);
}

/* Receives and accepts until the queue is empty, and writes to the ledger how many times each
 * message came. Credit is given and drained, large messages a few at a time; or it is kept topped
 * up, with options->quiet_ms. */
void scenario_collect(const peer_options *options)
{
    amqpc_client *client = peer_connect(options);
    amqpc_receiver *receiver = peer_receiver(client, options->address, NULL);
    collected all = {.ledger = new_ledger(options->count, 0)};
    if (options->quiet_ms > 0) {
        peer_check(amqpc_receiver_set_prefetch(receiver, options->prefetch),
                   "amqpc_receiver_set_prefetch");
    }
    while (collect_some(receiver, &all, options) > 0) {
    }
    print_statistics(client);
    print_events(client);
    peer_close(client);
    printf(",\"received\":%" PRIu32 ",\"distinct\":%" PRIu32 ",\"corrupt\":%" PRIu32, all.received,
           all.distinct, all.corrupt);
    write_ledger(options, all.ledger);
}
