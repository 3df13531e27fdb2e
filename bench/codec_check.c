/* Proves that contenders did the same work: checksums of what they read, and of what they wrote,
 * read by the bound. */
#include <stdio.h>
#include <stdlib.h>

#include "bound/frame.h"
#include "codec_operation.h"
#include "codec_sample.h"

uint8_t codec_output[CODEC_OUTPUT_SIZE];

void codec_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* FNV-1a over every byte, in contrast to the cheap sums of codec_checksum.h. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_bytes(hash, &number, sizeof number);
}

static uint64_t hash_text(uint64_t hash, bound_text text)
{
    return hash_bytes(hash_number(hash, text.size), text.data, text.size);
}

/* A value by its type and contents, whatever its encoding: only the first eight bytes of format
 * codes say the type here. */
static uint64_t hash_value(uint64_t hash, const bound_value *value)
{
    switch (value->code) {
    case AMQPC_CODE_NULL:
        return hash_number(hash, 0);
    case AMQPC_CODE_TRUE:
    case AMQPC_CODE_FALSE:
    case AMQPC_CODE_BOOLEAN:
        return hash_number(hash, value->as.boolean);
    case AMQPC_CODE_FLOAT:
        return hash_bytes(hash, &value->as.f32, sizeof value->as.f32);
    default:
        return value->code >= AMQPC_CODE_BINARY8 ? hash_text(hash, value->as.text)
                                                 : hash_number(hash, value->as.u64);
    }
}

static uint64_t hash_map(uint64_t hash, const bound_map *map)
{
    hash = hash_number(hash, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        hash = hash_text(hash, map->entries[i].key);
        hash = hash_value(hash, &map->entries[i].value);
    }
    return hash;
}

static uint64_t hash_message(uint64_t hash, size_t size)
{
    static bound_message message;
    if (!bound_message_decode(codec_output, size, &message)) {
        codec_fail("a message was written that the bound cannot read");
    }
    const uint64_t numbers[] = {message.durable,
                                message.first_acquirer,
                                message.priority,
                                message.ttl,
                                message.delivery_count,
                                (uint64_t)message.absolute_expiry_time,
                                (uint64_t)message.creation_time,
                                message.group_sequence,
                                message.body_section};
    const bound_text texts[] = {message.user_id,      message.to,
                                message.subject,      message.reply_to,
                                message.content_type, message.content_encoding,
                                message.group_id,     message.reply_to_group_id};
    hash = hash_bytes(hash, numbers, sizeof numbers);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hash = hash_text(hash, texts[i]);
    }
    hash = hash_value(hash, &message.message_id);
    hash = hash_value(hash, &message.correlation_id);
    hash = hash_map(hash, &message.message_annotations);
    hash = hash_map(hash, &message.application_properties);
    return message.body_map.count > 0 ? hash_map(hash, &message.body_map)
                                      : hash_value(hash, &message.body);
}

static uint64_t hash_transfer(uint64_t hash, size_t size)
{
    bound_transfer transfer;
    if (!bound_transfer_parse(codec_output, size, &transfer)) {
        codec_fail("a transfer was written that the bound cannot read");
    }
    const uint64_t numbers[] = {
        transfer.channel, transfer.handle,   transfer.delivery_id,          transfer.message_format,
        transfer.settled, transfer.more,     transfer.receiver_settle_mode, transfer.resume,
        transfer.aborted, transfer.batchable};
    hash = hash_bytes(hash, numbers, sizeof numbers);
    return hash_text(hash_text(hash, transfer.delivery_tag), transfer.payload);
}

static uint64_t hash_disposition(uint64_t hash, size_t size)
{
    bound_disposition disposition;
    if (!bound_disposition_parse(codec_output, size, &disposition)) {
        codec_fail("a disposition was written that the bound cannot read");
    }
    const uint64_t numbers[] = {disposition.channel,  disposition.role,    disposition.first,
                                disposition.last,     disposition.settled, disposition.state,
                                disposition.batchable};
    return hash_bytes(hash, numbers, sizeof numbers);
}

static uint64_t hash_flow(uint64_t hash, size_t size)
{
    bound_flow flow;
    if (!bound_flow_parse(codec_output, size, &flow)) {
        codec_fail("a flow was written that the bound cannot read");
    }
    const uint64_t numbers[] = {flow.channel,
                                flow.next_incoming_id,
                                flow.incoming_window,
                                flow.next_outgoing_id,
                                flow.outgoing_window,
                                flow.handle,
                                flow.delivery_count,
                                flow.link_credit,
                                flow.available,
                                flow.drain,
                                flow.echo};
    return hash_bytes(hash, numbers, sizeof numbers);
}

uint64_t codec_checksum(const codec_operation *operation)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (unsigned variant = 0; variant < SAMPLE_VARIANTS; variant++) {
        uint64_t result = operation->run(variant);
        switch (operation->result) {
        case CODEC_WROTE_MESSAGE:
            hash = hash_message(hash, result);
            break;
        case CODEC_WROTE_TRANSFER:
            hash = hash_transfer(hash, result);
            break;
        case CODEC_WROTE_DISPOSITION:
            hash = hash_disposition(hash, result);
            break;
        case CODEC_WROTE_FLOW:
            hash = hash_flow(hash, result);
            break;
        default:
            hash = hash_number(hash, result);
            break;
        }
    }
    return hash;
}
