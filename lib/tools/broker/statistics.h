/* What the broker counts, and how it tells it. */
#ifndef AMQPCODEC_TOOLS_BROKER_STATISTICS_H
#define AMQPCODEC_TOOLS_BROKER_STATISTICS_H

#include <amqpcodec/buffer.h>
#include <stdbool.h>
#include <stdint.h>

struct broker;

/* Messages of a queue, or of all, since the start.
 *
 * received, received_size  from senders, and their bytes
 * sent, sent_size          to receivers, each time that a message was sent
 * accepted ... modified    by the outcome that the receiver gave
 * returned                 that came back without an outcome, because their receiver went away
 * expired                  whose time was over
 * dropped                  that went with their node, or could not be kept or routed */
typedef struct message_counts {
    uint64_t received;
    uint64_t received_size;
    uint64_t sent;
    uint64_t sent_size;
    uint64_t accepted;
    uint64_t rejected;
    uint64_t released;
    uint64_t modified;
    uint64_t returned;
    uint64_t expired;
    uint64_t dropped;
} message_counts;

/* connections, links  since the start
 * stolen              links that were attached elsewhere while they were attached
 * resumed             links that were attached again
 * failed              connections that did not end by close */
typedef struct broker_counts {
    uint64_t connections;
    uint64_t links;
    uint64_t stolen;
    uint64_t resumed;
    uint64_t failed;
} broker_counts;

/* Appends all of it: lines for people, or one line of JSON. Returns AMQPC_OK, AMQPC_NO_MEMORY. */
amqpc_status statistics_print(const struct broker *broker, bool json,
                              amqpc_buffer *buffer) AMQPC_CHECK;

#endif
