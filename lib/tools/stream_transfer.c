/* Transfers: a delivery in one frame is shown with its message; of one in several frames each frame
 * is shown with its bytes, and the last one with the message that they make together. */
#include "tools/stream_transfer.h"

void stream_print_frame(dump *run, const amqpc_frame *frame)
{
    size_t start = amqpc_buffer_size(run->line);
    if (!dump_check(amqpc_frame_print(frame, &run->options.limits, run->format, run->line))) {
        return;
    }
    if (run->format == AMQPC_PRINT_TEXT) {
        return;
    }
    /* The document is {...}: what is between the braces becomes part of ours. */
    amqpc_buffer *members = NULL;
    (void)dump_check(amqpc_buffer_new(NULL, SIZE_MAX, &members));
    const uint8_t *document = amqpc_buffer_data(run->line) + start;
    size_t size = amqpc_buffer_size(run->line) - start;
    (void)dump_check(amqpc_buffer_append(members, document + 1, size - 2));
    amqpc_buffer_truncate(run->line, start);
    (void)dump_check(
        amqpc_buffer_append(run->line, amqpc_buffer_data(members), amqpc_buffer_size(members)));
    amqpc_buffer_free(members);
}

static void print_payload(dump *run, amqpc_bytes payload)
{
    bool json = run->format == AMQPC_PRINT_JSON;
    if (payload.size > 0) {
        dump_print(run, json ? ", \"payload\": \"" : " payload(");
        dump_print_hex(run, payload.data, payload.size);
        dump_print(run, json ? "\"" : ")");
    }
}

/* Appends the message, if the bytes are one. */
static amqpc_status print_message(dump *run, amqpc_bytes bytes, size_t *offset)
{
    amqpc_message message;
    amqpc_status status =
        amqpc_message_decode(bytes.data, bytes.size, &run->options.limits, &message, offset);
    if (status == AMQPC_OK) {
        dump_print(run, run->format == AMQPC_PRINT_JSON ? ", \"message\": " : " ");
        (void)dump_check(amqpc_message_print(&message, run->format, run->line));
    }
    return status;
}

static void end_frame(dump *run)
{
    dump_print(run, run->format == AMQPC_PRINT_JSON ? "}" : "");
    dump_end_line(run);
}

/* Bytes that are no message are a fault where the message format, 0, says that they are one. */
static void report_message(const stream *direction, uint32_t message_format, amqpc_bytes bytes,
                           amqpc_status status, uint64_t offset, uint64_t start)
{
    if (status == AMQPC_OK || message_format != 0) {
        return;
    }
    dump_fault fault = {.mark = direction->mark,
                        .status = status,
                        .offset = offset,
                        .start = start,
                        .kind = AMQPC_INPUT_MESSAGE,
                        .data = bytes.data,
                        .size = bytes.size,
                        .limits = &direction->run->options.limits};
    dump_report_fault(direction->run, &fault);
}

/* Where the payload lies in the stream. */
static uint64_t payload_offset(const stream *direction, const amqpc_frame *frame,
                               amqpc_bytes payload)
{
    return direction->bytes.offset + (frame->size - payload.size);
}

static void show_whole(const stream *direction, const amqpc_frame *frame,
                       const amqpc_performative *performative)
{
    dump *run = direction->run;
    amqpc_bytes payload = performative->payload;
    size_t offset = 0;
    amqpc_status status = AMQPC_OK;
    if (payload.size > 0) {
        status = print_message(run, payload, &offset);
    }
    if (status != AMQPC_OK) {
        print_payload(run, payload);
    }
    end_frame(run);
    uint64_t start = payload_offset(direction, frame, payload);
    report_message(direction, performative->as.transfer.message_format, payload, status,
                   start + offset, start);
}

/* The last of several frames. */
static void show_last(stream *direction, delivery *complete, amqpc_bytes payload)
{
    dump *run = direction->run;
    bool json = run->format == AMQPC_PRINT_JSON;
    amqpc_bytes bytes = {window_data(&complete->bytes), window_size(&complete->bytes)};
    size_t offset = 0;
    amqpc_status status = AMQPC_OK;
    print_payload(run, payload);
    dump_print(run,
               json ? ", \"delivery\": {\"frames\": %zu, \"size\": %zu}"
                    : " delivery(frames=%zu, size=%zu)",
               complete->part_count, bytes.size);
    if (!complete->too_large) {
        status = print_message(run, bytes, &offset);
    }
    end_frame(run);
    if (complete->too_large) {
        dump_report(run, direction->mark, complete->parts[0].offset,
                    "the delivery that begins here is larger than --max-message-size, %u",
                    run->options.max_message_size);
    } else {
        report_message(direction, complete->message_format, bytes, status,
                       delivery_stream_offset(complete, offset), complete->parts[0].offset);
    }
}

/* The delivery that a transfer goes on with, or begins; NULL where it is whole by itself. */
static delivery *find_delivery(stream *direction, uint16_t channel, const amqpc_transfer *transfer)
{
    delivery_table *table = &direction->deliveries;
    delivery *found = delivery_find(table, channel, transfer->handle);
    bool has_id = (transfer->present & AMQPC_TRANSFER_DELIVERY_ID) != 0;
    if (found != NULL && has_id && found->has_id && found->id != transfer->delivery_id) {
        dump_report(direction->run, direction->mark, direction->bytes.offset,
                    "delivery %u begins while delivery %u of the same link is not complete",
                    transfer->delivery_id, found->id);
        delivery_drop(table, channel, transfer->handle);
        found = NULL;
    }
    if (found == NULL && transfer->more && !transfer->aborted) {
        found = delivery_add(table, channel, transfer->handle);
        found->has_id = has_id;
        found->id = transfer->delivery_id;
        found->message_format = transfer->message_format;
    }
    return found;
}

void stream_show_transfer(stream *direction, const amqpc_frame *frame,
                          const amqpc_performative *performative)
{
    dump *run = direction->run;
    const amqpc_transfer *transfer = &performative->as.transfer;
    amqpc_bytes payload = performative->payload;
    amqpc_frame head = *frame;
    head.body.size -= payload.size;
    delivery *part_of = find_delivery(direction, frame->channel, transfer);
    stream_begin_line(direction);
    stream_print_frame(run, &head);
    if (transfer->aborted) {
        print_payload(run, payload);
        end_frame(run);
        delivery_drop(&direction->deliveries, frame->channel, transfer->handle);
        return;
    }
    if (part_of == NULL) {
        show_whole(direction, frame, performative);
        return;
    }
    delivery_append(part_of, payload.data, payload.size, payload_offset(direction, frame, payload),
                    run->options.max_message_size);
    if (transfer->more) {
        print_payload(run, payload);
        end_frame(run);
    } else {
        show_last(direction, part_of, payload);
        delivery_drop(&direction->deliveries, frame->channel, transfer->handle);
    }
}
