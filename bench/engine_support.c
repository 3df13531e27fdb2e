/* The operations of the engine suite, and the payloads that they send and receive. */
#include "engine_operation.h"

#include <stdlib.h>

enum {
    SECTION_HEADER_MAX = 8,
    DESCRIPTOR_SIZE = 3,
};

const engine_operation engine_operations[] = {
    {"send_100B_settled", ENGINE_PAYLOAD_DATA, 100, true, 1000, 65536, 10000},
    {"send_100B_unsettled", ENGINE_PAYLOAD_DATA, 100, false, 1000, 65536, 10000},
    {"send_1024B_settled", ENGINE_PAYLOAD_DATA, 1024, true, 400, 65536, 10000},
    {"send_1024B_unsettled", ENGINE_PAYLOAD_DATA, 1024, false, 400, 65536, 10000},
    {"send_B_1179B_settled", ENGINE_PAYLOAD_MESSAGE_B, 1024, true, 400, 65536, 4000},
    {"send_65536B_settled", ENGINE_PAYLOAD_DATA, 65536, true, 16, 65536, 512},
};

bool engine_reads_all;

enum { OPERATIONS = sizeof engine_operations / sizeof engine_operations[0] };

const size_t engine_operation_count = OPERATIONS;

static sample_bytes payloads[OPERATIONS][ENGINE_PAYLOAD_VARIANTS];

/* Writes the header of a data section of so many bytes; returns its size (AMQP 3.2.6, 1.6.19). */
static size_t write_section_header(uint8_t *to, size_t data_size)
{
    static const uint8_t descriptor[DESCRIPTOR_SIZE] = {0x00, 0x53, 0x75};
    memcpy(to, descriptor, sizeof descriptor);
    if (data_size <= UINT8_MAX) {
        to[3] = 0xa0;
        to[4] = (uint8_t)data_size;
        return 5;
    }
    to[3] = 0xb0;
    to[4] = (uint8_t)(data_size >> 24);
    to[5] = (uint8_t)(data_size >> 16);
    to[6] = (uint8_t)(data_size >> 8);
    to[7] = (uint8_t)data_size;
    return 8;
}

/* One data section; variants differ in every byte of the data. */
static sample_bytes make_payload(size_t data_size, unsigned variant)
{
    uint8_t *bytes = malloc(SECTION_HEADER_MAX + data_size);
    if (bytes == NULL) {
        codec_fail("a payload could not be made");
    }
    size_t header_size = write_section_header(bytes, data_size);
    for (size_t i = 0; i < data_size; i++) {
        bytes[header_size + i] = (uint8_t)(i * 7 + (i >> 8) + variant * 3 + 1);
    }
    return (sample_bytes){bytes, header_size + data_size};
}

void engine_prepare(void)
{
    codec_prepare();
    for (size_t i = 0; i < OPERATIONS; i++) {
        for (unsigned variant = 0; variant < ENGINE_PAYLOAD_VARIANTS; variant++) {
            payloads[i][variant] = make_payload(engine_operations[i].data_size, variant);
        }
    }
}

sample_bytes engine_payload(const engine_operation *operation, uint64_t number)
{
    if (operation->kind == ENGINE_PAYLOAD_MESSAGE_B) {
        size_t size = codec_encode_order_to(SAMPLE_B, (unsigned)(number % SAMPLE_VARIANTS),
                                            codec_output, CODEC_ORDER_SIZE_MAX);
        return (sample_bytes){codec_output, size};
    }
    return payloads[operation - engine_operations][number % ENGINE_PAYLOAD_VARIANTS];
}

/* The order counts: payloads that came in another order give another sum. */
static uint64_t add(uint64_t sum, uint64_t number)
{
    return (sum ^ number) * 0x100000001b3u;
}

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word = 0;
    memcpy(&word, bytes, sizeof word);
    return word;
}

uint64_t engine_receive(const engine_operation *operation, uint64_t sum, const void *data,
                        size_t size)
{
    const uint8_t *bytes = data;
    if (operation->kind == ENGINE_PAYLOAD_MESSAGE_B) {
        return add(sum, codec_read_order(bytes, size));
    }
    sum = add(sum, size);
    if (size < sizeof(uint64_t)) {
        codec_fail("a payload was cut short");
    }
    if (engine_reads_all) {
        for (size_t i = 0; i < size; i++) {
            sum = add(sum, bytes[i]);
        }
    }
    return add(sum, word_at(bytes) + word_at(bytes + size - sizeof(uint64_t)));
}
