/* A program on the public interface of clients, which does one scenario with a broker and prints
 * what happened as one line of JSON. */
#ifndef TESTS_INTEROP_CLIENT_PEER_H
#define TESTS_INTEROP_CLIENT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amqpcodec/client.h>
#include <amqpcodec/receiver.h>
#include <amqpcodec/requester.h>
#include <amqpcodec/sender.h>

/* Only reached where something is wrong: machines that run tests may be slow, and brokers that sync
 * messages to a busy disk are. */
enum { PEER_TIMEOUT_MS = 300000 };

/* The command line:
 *
 *     client_peer SCENARIO --url URL [--NAME [VALUE]]...
 *
 * address       of the queue
 * ledger        file where a scenario writes what became of each message, a byte for each
 * count, size   messages, and the bytes of the body of each
 * hold_ms       time for which nothing is done
 * prefetch      of the scenario `collect`: credit is topped up by the client; 0: given by hand
 * hold_at       of the scenario `send`: so many messages are posted, and the rest only when a line
 *               comes by standard input; 0: all at once
 * quiet_ms      for peers that cannot drain: a queue is empty when nothing has come for so long; 0:
 *               credit is drained, and nothing depends on time
 * expect        scenarios that receive all: wait for so many messages first, however long they take
 * unmodified    the peer does not know the outcome modified
 * settled       messages are sent settled
 * only          of the scenario `types`: the one case of this name; NULL for all */
typedef struct peer_options {
    const char *scenario;
    const char *url;
    const char *address;
    const char *ledger;
    const char *only;
    uint32_t count;
    uint32_t size;
    uint32_t hold_ms;
    uint32_t hold_at;
    uint32_t prefetch;
    uint32_t quiet_ms;
    uint32_t expect;
    bool unmodified;
    bool settled;
} peer_options;

/* A scenario prints members of the summary, each with a comma before it. */
typedef void (*peer_scenario)(const peer_options *options);

void scenario_types(const peer_options *options);
void scenario_connect(const peer_options *options);
void scenario_idle(const peer_options *options);
void scenario_send(const peer_options *options);
void scenario_collect(const peer_options *options);
void scenario_outcomes(const peer_options *options);
void scenario_credit(const peer_options *options);
void scenario_selector(const peer_options *options);
void scenario_dynamic(const peer_options *options);
void scenario_relay(const peer_options *options);
void scenario_request(const peer_options *options);
void scenario_transaction(const peer_options *options);

/* Ends the program with a summary that says what failed, where a status is none that it may be. */
void peer_check(amqpc_status status, const char *call);

/* As peer_check, with what the client, or the link, says about the reason. */
void peer_check_client(amqpc_client *client, amqpc_status status, const char *call);
void peer_check_sender(amqpc_sender *sender, amqpc_status status, const char *call);
void peer_check_receiver(amqpc_receiver *receiver, amqpc_status status, const char *call);

void peer_print_text(const char *text);
void peer_print_bytes(const void *text, size_t size);

amqpc_bytes peer_bytes(const char *text);

amqpc_client *peer_connect(const peer_options *options);
amqpc_sender *peer_sender(amqpc_client *client, const char *address, const peer_options *options);

/* Receiver without prefetch, of messages of any size. selector: NULL for none. */
amqpc_receiver *peer_receiver(amqpc_client *client, const char *address, const char *selector);

/* Closes the client in an orderly way, and frees it. */
void peer_close(amqpc_client *client);

/* The message `number` of a run: durable, with a body of `size` bytes, at least 8, that begins with
 * the number; a string property tells red messages, of even numbers, from blue ones. The payload is
 * to be freed. */
amqpc_bytes peer_make_message(uint32_t number, uint32_t size);

/* Gives whether the bytes are such a message as it was made, and its number. */
bool peer_read_message(amqpc_bytes payload, uint32_t size, uint32_t *number);

/* Sends messages 0 to count - 1 and waits until all of them are accepted. */
void peer_send_numbered(amqpc_sender *sender, uint32_t count, uint32_t size);

/* Receives what is there, and settles none of it. At first `expected` messages are waited for;
 * then credit is given and drained, or, with options->quiet_ms, nothing comes for so long.
 *
 * Gives how many were received, at most capacity. */
size_t peer_receive_all(amqpc_receiver *receiver, const peer_options *options, size_t expected,
                        amqpc_delivery *deliveries, size_t capacity);

/* Receives `count` messages; ends the program where they do not come. */
void peer_receive(amqpc_receiver *receiver, amqpc_delivery *deliveries, size_t count);

#endif
