/* The broker: queues in memory behind connections, without I/O. Whoever has the connections tells
 * it what happens to them, and the time. */
#ifndef AMQPCODEC_TOOLS_BROKER_BROKER_H
#define AMQPCODEC_TOOLS_BROKER_BROKER_H

#include "tools/broker/broker_sasl.h"
#include "tools/broker/message_store.h"
#include "tools/broker/queue.h"
#include "tools/broker/statistics.h"
#include "tools/broker/terminus.h"

/* Messages that one receiver may have unsettled, at most. */
enum { BROKER_UNSETTLED_MAX = 10000 };

/* memory            bytes that all messages may take
 * queue_memory      of one broker_queue
 * message_size      largest broker_message
 * credit            deliveries that a sender may be ahead
 * queues, links     how many there may be, suspended links included
 * idle_timeout_ms   of connections; 0 for none
 * secret            unpredictable bytes, of which names and salts are made */
typedef struct broker_options {
    uint64_t memory;
    uint64_t queue_memory;
    uint64_t message_size;
    uint32_t credit;
    uint32_t queues;
    uint32_t links;
    uint32_t idle_timeout_ms;
    amqpc_bytes container_id;
    const amqpc_allocator *allocator; /* NULL for the C library's */
    uint8_t secret[16];
    bool allow_plain_cleartext;
    bool allow_external;
} broker_options;

void broker_options_init(broker_options *options);

/* One connection.
 *
 * subject     of the client's certificate; empty without
 * owner       of whoever has the connection
 * is_dirty    calls were made on it since it was last taken from the broker's list
 * is_over     nothing is expected from it any more: its links are dealt with */
typedef struct broker_connection {
    struct broker_connection *previous;
    struct broker_connection *next;
    struct broker_connection *next_dirty;
    struct broker *broker;
    amqpc_connection *connection;
    broker_terminus *first_terminus;
    char *subject;
    void *owner;
    bool is_dirty;
    bool is_over;
} broker_connection;

/* dirty    connections with output that their owner has to send
 * blocked  consumers that cannot send, because too much output waits
 * held     producers that wait for room
 * waiting  producers that wait for consumers
 * now_ms   of any clock; wall_ms  milliseconds since 1970 */
struct broker {
    broker_options options;
    amqpc_allocator allocator;
    message_store store;
    queue_table queues;
    terminus_table termini;
    broker_users users;
    broker_connection *first_connection;
    broker_connection *first_dirty;
    broker_consumer *first_blocked;
    broker_producer *first_held;
    broker_producer *first_waiting;
    uint32_t connection_count;
    uint64_t now_ms;
    int64_t wall_ms;
    uint64_t next_sweep_ms;
    uint64_t sweep_due_ms; /* when the first message expires; UINT64_MAX for never */
    bool has_room_again;   /* memory was given back since producers were last looked at */
    bool is_stopping;
    message_counts counts;
    broker_counts totals;
};

/* Returns NULL where there is no memory. options: copied; container_id borrowed. */
struct broker *broker_new(const broker_options *options);

/* Frees it. Its connections have been removed. */
void broker_free(struct broker *broker);

/* Options of the engine for connections of the broker; sasl, limits: where they are to lie. */
void broker_connection_options(const struct broker *broker, amqpc_connection_options *options,
                               amqpc_sasl_options *sasl, amqpc_limits *limits);

/* Takes a connection in. Returns NULL where there is no memory. */
broker_connection *broker_add(struct broker *broker, amqpc_connection *connection, void *owner);

/* Tells whom the client's certificate names; copied. Returns false where there is no memory. */
bool broker_set_subject(broker_connection *connection, const char *subject);

/* The connection is gone, or will be: what its links have unsettled is dealt with. */
void broker_remove(broker_connection *connection);

/* Reads its events, and does what they ask for. */
void broker_handle(broker_connection *connection);

/* The time. Call it before each round. */
void broker_set_time(struct broker *broker, uint64_t now_ms, int64_t wall_ms);

/* After the events of a round: what waited for memory, output or the time.
 *
 * Returns in how many milliseconds at the latest it wants to be called again, though nothing
 * happens; -1 for never. */
int64_t broker_end_round(struct broker *broker);

/* The next connection with output to send, taken from the list; NULL for none. */
broker_connection *broker_next_dirty(struct broker *broker);

static inline void broker_touch(broker_connection *connection)
{
    if (!connection->is_dirty) {
        connection->is_dirty = true;
        connection->next_dirty = connection->broker->first_dirty;
        connection->broker->first_dirty = connection;
    }
}

/* Stops taking messages in: senders lose their credit, new links are refused. */
void broker_stop(struct broker *broker);

/* Whether nothing more leaves by itself: no output waits, no receiver with credit has messages to
 * come, and all that was sent is settled. */
bool broker_is_drained(const struct broker *broker);

/* Closes all connections with amqp:connection:forced. */
void broker_close_all(struct broker *broker);

/* Sets an error; texts are borrowed, and static. */
amqpc_error broker_error(const char *condition, const char *description);

/* --- broker_attach.c */

/* Answers the peer's attach. */
void broker_attach(broker_connection *connection, amqpc_link *link);

#endif
