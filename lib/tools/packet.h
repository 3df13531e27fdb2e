/* From a captured packet to the TCP segment in it: link layer, IPv4 or IPv6, TCP. */
#ifndef AMQPCODEC_TOOLS_PACKET_H
#define AMQPCODEC_TOOLS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One end of a TCP connection. An IPv4 address takes the first 4 bytes, the others are zero. */
typedef struct endpoint {
    uint8_t address[16];
    uint16_t port;
    uint8_t address_size;
} endpoint;

/* A TCP segment; data points into the packet.
 *
 * size  of what was captured; the rest of a packet that was cut is missing from the stream */
typedef struct tcp_segment {
    endpoint source;
    endpoint destination;
    uint32_t sequence;
    bool synchronize;
    bool acknowledge;
    bool finish;
    bool reset;
    const uint8_t *data;
    size_t size;
} tcp_segment;

/* Whether packets of a link type (LINKTYPE_) can be read. */
bool packet_has_link_type(uint32_t link_type);

/* Finds the TCP segment in a packet. Returns false where there is none: another protocol, a
 * fragment, or cut before it. */
bool packet_find_segment(uint32_t link_type, const uint8_t *data, size_t size,
                         tcp_segment *segment);

#endif
