/* The file format of tcpdump: pcap, in both byte orders, with micro- or nanoseconds. */
#ifndef AMQPCODEC_TOOLS_PCAP_FILE_H
#define AMQPCODEC_TOOLS_PCAP_FILE_H

#include <stdbool.h>

#include "tools/source.h"

/* A capture that is being read.
 *
 * link_type  of all packets: a LINKTYPE_ number
 * little_endian  the byte order of the numbers in the file */
typedef struct pcap_file {
    bool little_endian;
    bool nanoseconds;
    uint32_t link_type;
} pcap_file;

/* One packet: `size` bytes at `data`, which are part of the window, captured at `time_ns` since
 * 1970. */
typedef struct pcap_packet {
    const uint8_t *data;
    size_t size;
    uint64_t time_ns;
} pcap_packet;

typedef enum pcap_result {
    PCAP_OK = 0,
    PCAP_END = 1,
    PCAP_UNREADABLE = 2,      /* reading failed and was reported */
    PCAP_NOT_PCAP = 3,        /* the file does not begin as a capture does */
    PCAP_NEXT_GENERATION = 4, /* pcapng, another format */
    PCAP_TRUNCATED = 5,       /* the file ends within a packet */
    PCAP_BAD_RECORD = 6       /* a packet's size is beyond all reason */
} pcap_result;

/* Whether a file that begins with these 4 bytes is a capture, pcapng included. */
bool pcap_is_magic(const uint8_t *data);

/* Reads the head of the file. */
pcap_result pcap_open(pcap_file *file, source *input, window *bytes);

/* Reads the next packet. It lies at the start of the window, behind its head; consume
 * `*record_size` bytes after use. */
pcap_result pcap_next(const pcap_file *file, source *input, window *bytes, pcap_packet *packet,
                      size_t *record_size);

#endif
