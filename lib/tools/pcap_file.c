/* Captures: a head of 24 bytes, then for each packet a head of 16 bytes and its bytes
 * (draft-ietf-opsawg-pcap). */
#include "tools/pcap_file.h"

enum {
    FILE_HEAD_SIZE = 24,
    RECORD_HEAD_SIZE = 16,
    /* No link layer has larger packets; libpcap refuses more than 256 KiB, or 128 MiB for USB. */
    PACKET_SIZE_MAX = 1 << 27
};

static const uint32_t magic_microseconds = 0xa1b2c3d4;
static const uint32_t magic_nanoseconds = 0xa1b23c4d;
static const uint32_t magic_next_generation = 0x0a0d0d0a;

static uint32_t read_big(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static uint32_t read_little(const uint8_t *data)
{
    return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];
}

static uint32_t read_number(const pcap_file *file, const uint8_t *data)
{
    return file->little_endian ? read_little(data) : read_big(data);
}

static bool is_magic_number(uint32_t number)
{
    return number == magic_microseconds || number == magic_nanoseconds;
}

bool pcap_is_magic(const uint8_t *data)
{
    return is_magic_number(read_big(data)) || is_magic_number(read_little(data)) ||
           read_big(data) == magic_next_generation;
}

pcap_result pcap_open(pcap_file *file, source *input, window *bytes)
{
    source_result result = source_read_at_least(input, bytes, FILE_HEAD_SIZE);
    const uint8_t *data = window_data(bytes);
    size_t size = window_size(bytes);
    if (result == SOURCE_FAILED) {
        return PCAP_UNREADABLE;
    }
    if (size < sizeof magic_microseconds || !pcap_is_magic(data)) {
        return PCAP_NOT_PCAP;
    }
    if (read_big(data) == magic_next_generation) {
        return PCAP_NEXT_GENERATION;
    }
    if (size < FILE_HEAD_SIZE) {
        return PCAP_TRUNCATED;
    }
    file->little_endian = is_magic_number(read_little(data));
    file->nanoseconds = read_number(file, data) == magic_nanoseconds;
    /* The upper bits tell of a frame check sequence behind each packet. */
    file->link_type = read_number(file, data + 20) & 0xffff;
    window_consume(bytes, FILE_HEAD_SIZE);
    return PCAP_OK;
}

pcap_result pcap_next(const pcap_file *file, source *input, window *bytes, pcap_packet *packet,
                      size_t *record_size)
{
    if (source_read_at_least(input, bytes, RECORD_HEAD_SIZE) == SOURCE_FAILED) {
        return PCAP_UNREADABLE;
    }
    if (window_size(bytes) < RECORD_HEAD_SIZE) {
        return window_size(bytes) == 0 ? PCAP_END : PCAP_TRUNCATED;
    }
    const uint8_t *data = window_data(bytes);
    uint64_t fraction = read_number(file, data + 4);
    packet->time_ns =
        read_number(file, data) * 1000000000ull + (file->nanoseconds ? fraction : fraction * 1000);
    packet->size = read_number(file, data + 8);
    if (packet->size > PACKET_SIZE_MAX) {
        return PCAP_BAD_RECORD;
    }
    *record_size = RECORD_HEAD_SIZE + packet->size;
    if (source_read_at_least(input, bytes, *record_size) == SOURCE_FAILED) {
        return PCAP_UNREADABLE;
    }
    if (window_size(bytes) < *record_size) {
        return PCAP_TRUNCATED;
    }
    packet->data = window_data(bytes) + RECORD_HEAD_SIZE;
    return PCAP_OK;
}
