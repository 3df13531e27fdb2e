/* The frame trace: a line of text for each frame, in a ring whose oldest lines make room for new
 * ones.
 *
 *     -> AMQP header
 *     <- sasl sasl-init(mechanism=:"PLAIN") initial-response 12 B
 *     -> 0 transfer(handle=0, delivery-id=7) payload 100 B
 *     <- 0 empty
 *     <- 0 ? 9 B that are no performative: UNKNOWN_DESCRIPTOR
 *     <- ? 12 B that are no frame: BAD_DATA_OFFSET
 *
 * What SASL exchanges is never shown, nor the bytes of what cannot be parsed, for they might be
 * just that: both are given by their sizes. */
#include "engine/trace.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "frame/frame_header.h"
#include "schema/composite_print.h"

enum {
    LINE_SIZE_MAX = 1024,
    CUT_AT = LINE_SIZE_MAX - 64,  /* sizes and the end of the line always fit behind it */
    SCRATCH_SIZE_MAX = 16 * 1024, /* more than a line: of a long text what fits is shown */
    LENGTH_SIZE = 2               /* before each line in the ring, high byte first */
};

static_assert(LINE_SIZE_MAX <= UINT16_MAX, "a line's length fits its two bytes");

struct amqpci_trace {
    amqpc_allocator allocator;
    amqpc_buffer *line; /* that is being made */
    size_t capacity;    /* of the ring */
    size_t oldest;      /* where the oldest line begins; < capacity */
    size_t used;        /* bytes of all lines, with their lengths */
    uint8_t ring[];
};

/* --- The ring. */

/* Where in the ring the byte lies that is `offset` bytes behind the oldest. */
static size_t ring_position(const amqpci_trace *trace, size_t offset)
{
    size_t before_end = trace->capacity - trace->oldest;
    return offset < before_end ? trace->oldest + offset : offset - before_end;
}

static void copy_out(const amqpci_trace *trace, size_t offset, uint8_t *to, size_t size)
{
    size_t at = ring_position(trace, offset);
    size_t first = size < trace->capacity - at ? size : trace->capacity - at;
    memcpy(to, trace->ring + at, first);
    memcpy(to + first, trace->ring, size - first);
}

static void append(amqpci_trace *trace, const uint8_t *from, size_t size)
{
    size_t at = ring_position(trace, trace->used);
    size_t first = size < trace->capacity - at ? size : trace->capacity - at;
    memcpy(trace->ring + at, from, first);
    memcpy(trace->ring, from + first, size - first);
    trace->used += size;
}

static size_t oldest_length(const amqpci_trace *trace)
{
    uint8_t length[LENGTH_SIZE];
    copy_out(trace, 0, length, sizeof length);
    return amqpci_load16(length);
}

static void drop_oldest(amqpci_trace *trace)
{
    size_t size = LENGTH_SIZE + oldest_length(trace);
    assert(size <= trace->used);
    trace->oldest = ring_position(trace, size);
    trace->used -= size;
}

/* A line that is longer than the whole ring is left out; it must not cost the lines that fit. */
static void store(amqpci_trace *trace, const uint8_t *line, size_t size)
{
    size_t needed = LENGTH_SIZE + size;
    uint8_t length[LENGTH_SIZE];
    assert(size <= LINE_SIZE_MAX);
    if (needed > trace->capacity) {
        return;
    }
    while (needed > trace->capacity - trace->used) {
        drop_oldest(trace);
    }
    amqpci_store16(length, (uint16_t)size);
    append(trace, length, sizeof length);
    append(trace, line, size);
}

/* --- Lines. */

static amqpci_printer start_line(amqpci_trace *trace, bool sent)
{
    amqpc_buffer_truncate(trace->line, 0);
    amqpci_printer printer = amqpci_printer_start(AMQPC_PRINT_TEXT, trace->line);
    amqpci_print_text(&printer, sent ? "-> " : "<- ");
    return printer;
}

/* A line for which there is no memory is left out. */
static void end_line(amqpci_trace *trace, amqpci_printer *printer)
{
    amqpci_print_text(printer, "\n");
    if (printer->status == AMQPC_OK) {
        store(trace, trace->line->data, trace->line->size);
    }
}

/* Shortens the line where it is too long, between two characters. */
static void cut_line(amqpci_printer *printer)
{
    static const char mark[] = "...";
    const amqpc_buffer *line = printer->buffer;
    bool full = printer->status == AMQPC_BUFFER_FULL;
    if (!full && line->size <= CUT_AT) {
        return;
    }
    size_t size = CUT_AT - (sizeof mark - 1);
    while (size < line->size && (line->data[size] & 0xc0) == 0x80) {
        size--;
    }
    amqpc_buffer_truncate(printer->buffer, size);
    printer->status = full ? AMQPC_OK : printer->status;
    amqpci_print_text(printer, mark);
}

static void trace_protocol_header(amqpci_trace *trace, bool sent, const uint8_t *header)
{
    static const char *const names[] = {
        [AMQPC_PROTOCOL_AMQP] = "AMQP",
        [AMQPC_PROTOCOL_TLS] = "TLS",
        [AMQPC_PROTOCOL_SASL] = "SASL",
    };
    amqpci_printer printer = start_line(trace, sent);
    amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
    amqpc_status status =
        amqpc_protocol_header_parse(header, AMQPC_PROTOCOL_HEADER_SIZE, &protocol, NULL);
    if (status == AMQPC_OK) {
        amqpci_print_format(&printer, "%s header", names[protocol]);
    } else {
        amqpci_print_text(&printer, "? header ");
        amqpci_print_hex(&printer, (amqpc_bytes){header, AMQPC_PROTOCOL_HEADER_SIZE});
        amqpci_print_format(&printer, ": %s", amqpc_status_name(status));
    }
    end_line(trace, &printer);
}

/* What the engine takes is what its own limits allow; the trace shows more, but nothing that takes
 * more work than its bytes suggest. */
static amqpc_limits trace_limits(void)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.depth = AMQPC_DEPTH_MAX;
    limits.compound_elements = AMQPC_UNLIMITED;
    limits.performative_values = AMQPC_UNLIMITED;
    return limits;
}

static void print_size(amqpci_printer *printer, const char *what, size_t size)
{
    amqpci_print_format(printer, " %s %zu B", what, size);
}

/* A performative of SASL whose binary fields, the parts of the exchange, are given by their sizes
 * (AMQP 5.3.3.2 to 5.3.3.5). */
static void print_exchange(amqpci_printer *printer, const amqpc_performative *performative)
{
    const amqpc_composite_info *info = amqpc_composite_info_get(performative->type);
    amqpc_performative shown = *performative;
    uint32_t present = 0; /* the first member of every composite */
    uint32_t hidden = 0;
    memcpy(&present, &shown.as, sizeof present);
    for (uint32_t i = 0; i < info->field_count; i++) {
        hidden |= info->fields[i].kind == AMQPC_FIELD_BINARY ? present & 1u << i : 0;
    }
    present &= ~hidden;
    memcpy(&shown.as, &present, sizeof present);
    amqpci_print_format(printer, "%s(", info->name);
    amqpci_print_members(printer, shown.type, &shown.as);
    amqpci_print_text(printer, ")");
    cut_line(printer);
    for (uint32_t i = 0; i < info->field_count; i++) {
        if ((hidden & 1u << i) != 0) {
            amqpc_bytes secret;
            memcpy(&secret, (const uint8_t *)&shown.as + info->fields[i].offset, sizeof secret);
            print_size(printer, info->fields[i].name, secret.size);
        }
    }
}

/* missing: bytes of the body that the piece does not hold. A transfer whose payload is sent from
 * where it lies ends so. */
static void print_body(amqpci_printer *printer, const amqpc_frame *frame, size_t missing)
{
    amqpc_limits limits = trace_limits();
    amqpc_performative performative;
    amqpc_value value;
    size_t size = frame->body.size + missing;
    if (size == 0) {
        amqpci_print_text(printer, "empty");
        return;
    }
    amqpc_status status = amqpc_performative_decode(frame->type, frame->body.data, frame->body.size,
                                                    &limits, &performative, NULL);
    if (status == AMQPC_OK && missing > 0 && performative.type != AMQPC_COMPOSITE_TRANSFER) {
        status = AMQPC_NEED_MORE;
    }
    if (status == AMQPC_OK) {
        status = amqpc_value_decode(frame->body.data, frame->body.size, &limits, &value, NULL);
    }
    if (status != AMQPC_OK) {
        amqpci_print_format(printer, "? %zu B that are no performative: %s", size,
                            amqpc_status_name(status));
        return;
    }
    if (frame->type == AMQPC_FRAME_SASL && performative.type != AMQPC_COMPOSITE_SASL_MECHANISMS) {
        print_exchange(printer, &performative);
        return;
    }
    amqpci_print_composite(printer, &value);
    cut_line(printer);
    if (performative.type == AMQPC_COMPOSITE_TRANSFER) {
        print_size(printer, "payload", performative.payload.size + missing);
    }
}

/* Gives how many bytes the line is about. */
static size_t trace_frame(amqpci_trace *trace, bool sent, const uint8_t *at, size_t size)
{
    amqpci_printer printer = start_line(trace, sent);
    amqpc_frame frame = {0};
    size_t offset = 0;
    size_t taken = size;
    amqpc_status status =
        size < AMQPC_FRAME_HEADER_SIZE
            ? AMQPC_NEED_MORE
            : amqpci_frame_header_check(at, AMQPC_UNLIMITED, AMQPC_UNLIMITED, &frame, &offset);
    size_t body_at = (size_t)frame.data_offset * 4;
    if (status == AMQPC_OK && body_at > size) {
        status = AMQPC_NEED_MORE;
    }
    if (status == AMQPC_OK) {
        taken = frame.size < size ? frame.size : size;
        frame.body = (amqpc_bytes){at + body_at, taken - body_at};
        if (frame.type == AMQPC_FRAME_SASL) {
            amqpci_print_text(&printer, "sasl ");
        } else {
            amqpci_print_format(&printer, "%u ", frame.channel);
        }
        print_body(&printer, &frame, frame.size - taken);
    } else {
        amqpci_print_format(&printer, "? %zu B that are no frame: %s", size,
                            amqpc_status_name(status));
    }
    end_line(trace, &printer);
    return taken;
}

/* --- What the engine calls. */

void amqpci_trace_free(amqpci_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    amqpc_allocator allocator = trace->allocator;
    amqpc_buffer_free(trace->line);
    amqpci_release(&allocator, trace);
}

amqpc_status amqpci_trace_new(const amqpc_allocator *allocator, size_t size, amqpci_trace **trace)
{
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpci_trace *made = NULL;
    size_t total = 0;
    if (!__builtin_add_overflow(sizeof *made, size, &total)) {
        made = (amqpci_trace *)amqpci_new(&chosen, total);
    }
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->capacity = size;
    amqpc_status status = amqpc_buffer_new(&chosen, SCRATCH_SIZE_MAX, &made->line);
    if (status == AMQPC_OK) {
        /* Whatever a line that is not cut needs. */
        status = amqpci_buffer_reserve(made->line, LINE_SIZE_MAX);
    }
    if (status != AMQPC_OK) {
        amqpci_trace_free(made);
        return status;
    }
    *trace = made;
    return AMQPC_OK;
}

/* No frame begins like a protocol header: its size would be 1.1 GB. */
void amqpci_trace_frames(amqpci_trace *trace, bool sent, const void *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    if (size == AMQPC_PROTOCOL_HEADER_SIZE && memcmp(bytes, "AMQP", 4) == 0) {
        trace_protocol_header(trace, sent, bytes);
        return;
    }
    for (size_t taken = 0; taken < size;) {
        taken += trace_frame(trace, sent, bytes + taken, size - taken);
    }
}

size_t amqpci_trace_read(amqpci_trace *trace, void *data, size_t capacity)
{
    size_t written = 0;
    while (trace->used > 0) {
        size_t length = oldest_length(trace);
        if (length > capacity - written) {
            break;
        }
        copy_out(trace, LENGTH_SIZE, (uint8_t *)data + written, length);
        drop_oldest(trace);
        written += length;
    }
    return written;
}
