/* The headers around a TCP segment. Each layer narrows the bytes to what is within it. */
#include "tools/packet.h"

#include <string.h>

enum {
    LINK_NULL = 0, /* BSD loopback: address family in the byte order of the machine */
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108, /* OpenBSD loopback: address family, big-endian */
    LINK_LINUX_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_LINUX_SLL2 = 276
};

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100
};

enum {
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_TCP = 6,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_AUTHENTICATION = 51,
    PROTOCOL_DESTINATION = 60
};

/* What is left of a packet. */
typedef struct rest {
    const uint8_t *data;
    size_t size;
} rest;

static unsigned read_16(const uint8_t *data)
{
    return (unsigned)data[0] << 8 | data[1];
}

static uint32_t read_32(const uint8_t *data)
{
    return (uint32_t)read_16(data) << 16 | read_16(data + 2);
}

static bool skip(rest *bytes, size_t size)
{
    if (size > bytes->size) {
        return false;
    }
    bytes->data += size;
    bytes->size -= size;
    return true;
}

static void cut(rest *bytes, size_t size)
{
    bytes->size = size < bytes->size ? size : bytes->size;
}

bool packet_has_link_type(uint32_t link_type)
{
    static const uint32_t known[] = {LINK_NULL, LINK_ETHERNET,  LINK_RAW_BSD,   LINK_RAW_OPENBSD,
                                     LINK_RAW,  LINK_LOOP,      LINK_LINUX_SLL, LINK_IPV4,
                                     LINK_IPV6, LINK_LINUX_SLL2};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == link_type) {
            return true;
        }
    }
    return false;
}

/* Passes over tags of virtual networks, 4 bytes each; the first 2 bytes are an Ethernet type. */
static bool skip_ether_type(rest *bytes)
{
    while (bytes->size >= 4) {
        unsigned type = read_16(bytes->data);
        if (type != ETHER_VLAN && type != ETHER_QINQ && type != ETHER_QINQ_OLD) {
            return (type == ETHER_IPV4 || type == ETHER_IPV6) && skip(bytes, 2);
        }
        (void)skip(bytes, 4);
    }
    return false;
}

/* Leaves the IP header at the start. */
static bool skip_link_header(uint32_t link_type, rest *bytes)
{
    switch (link_type) {
    case LINK_ETHERNET:
        return skip(bytes, 12) && skip_ether_type(bytes);
    case LINK_LINUX_SLL:
        return skip(bytes, 14) && skip_ether_type(bytes);
    case LINK_LINUX_SLL2: {
        /* The type comes first, 18 bytes of header follow it; tags follow the header. */
        if (bytes->size < 20) {
            return false;
        }
        unsigned type = read_16(bytes->data);
        if (type == ETHER_IPV4 || type == ETHER_IPV6) {
            return skip(bytes, 20);
        }
        return skip(bytes, 22) && skip_ether_type(bytes);
    }
    case LINK_NULL:
    case LINK_LOOP:
        return skip(bytes,
                    4); /* the IP header tells its version better than the address family does */
    default:
        return true;
    }
}

static bool skip_ipv4(rest *bytes, tcp_segment *segment)
{
    if (bytes->size < 20 || bytes->data[9] != PROTOCOL_TCP) {
        return false;
    }
    const uint8_t *header = bytes->data;
    size_t header_size = (header[0] & 15u) * 4u;
    size_t total_size = read_16(header + 2);
    bool is_fragment = (read_16(header + 6) & 0x3fff) != 0;
    if (is_fragment || header_size < 20 || !skip(bytes, header_size)) {
        return false;
    }
    /* 0 stands where the network card cuts large packets itself. */
    if (total_size >= header_size) {
        cut(bytes, total_size - header_size);
    }
    memcpy(segment->source.address, header + 12, 4);
    memcpy(segment->destination.address, header + 16, 4);
    segment->source.address_size = segment->destination.address_size = 4;
    return true;
}

/* Passes over extension headers up to that of TCP. */
static bool skip_ipv6_extensions(rest *bytes, unsigned protocol)
{
    while (protocol != PROTOCOL_TCP) {
        if (bytes->size < 8) {
            return false;
        }
        const uint8_t *header = bytes->data;
        size_t size = (header[1] + 1u) * 8u;
        switch (protocol) {
        case PROTOCOL_HOP_BY_HOP:
        case PROTOCOL_ROUTING:
        case PROTOCOL_DESTINATION:
            break;
        case PROTOCOL_AUTHENTICATION:
            size = (header[1] + 2u) * 4u;
            break;
        case PROTOCOL_FRAGMENT:
            if ((read_16(header + 2) & 0xfff9) != 0) {
                return false;
            }
            size = 8;
            break;
        default:
            return false;
        }
        protocol = header[0];
        if (!skip(bytes, size)) {
            return false;
        }
    }
    return true;
}

static bool skip_ipv6(rest *bytes, tcp_segment *segment)
{
    const uint8_t *header = bytes->data;
    if (!skip(bytes, 40)) {
        return false;
    }
    size_t payload_size = read_16(header + 4);
    if (payload_size > 0) {
        cut(bytes, payload_size);
    }
    memcpy(segment->source.address, header + 8, 16);
    memcpy(segment->destination.address, header + 24, 16);
    segment->source.address_size = segment->destination.address_size = 16;
    return skip_ipv6_extensions(bytes, header[6]);
}

static bool read_tcp(rest *bytes, tcp_segment *segment)
{
    const uint8_t *header = bytes->data;
    if (bytes->size < 20 || (header[12] >> 4) < 5 || !skip(bytes, (size_t)(header[12] >> 4) * 4)) {
        return false;
    }
    segment->source.port = (uint16_t)read_16(header);
    segment->destination.port = (uint16_t)read_16(header + 2);
    segment->sequence = read_32(header + 4);
    segment->finish = (header[13] & 1) != 0;
    segment->synchronize = (header[13] & 2) != 0;
    segment->reset = (header[13] & 4) != 0;
    segment->acknowledge = (header[13] & 16) != 0;
    segment->data = bytes->data;
    segment->size = bytes->size;
    return true;
}

bool packet_find_segment(uint32_t link_type, const uint8_t *data, size_t size, tcp_segment *segment)
{
    rest bytes = {data, size};
    *segment = (tcp_segment){.data = NULL};
    if (!skip_link_header(link_type, &bytes) || bytes.size == 0) {
        return false;
    }
    unsigned version = bytes.data[0] >> 4;
    bool is_ip =
        version == 4 ? skip_ipv4(&bytes, segment) : version == 6 && skip_ipv6(&bytes, segment);
    return is_ip && read_tcp(&bytes, segment);
}
