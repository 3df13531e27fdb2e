/* A stream of protocol headers and frames, in pieces of any size.
 *
 * Bytes of the piece at hand are parsed in place. Only a unit (header or frame) that a piece cuts
 * is gathered in `partial`, as its bytes arrive; it is judged by its first 8 bytes before more of
 * it is kept. */
#include <assert.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "frame/frame_header.h"

struct amqpc_frame_parser {
    amqpc_allocator allocator;
    amqpc_limits limits;  /* frame_size is the one that holds now */
    amqpc_buffer partial; /* the unit that was cut, from its first byte */
    const uint8_t *piece; /* what is left of the piece at hand */
    size_t piece_size;
    uint64_t offset; /* bytes of complete units; after a failure, of the byte at fault */
    amqpc_status status;
    bool expect_header;
    bool closed;
    bool partial_used; /* the last frame lies in `partial`, which is free with the next call */
};

amqpc_status amqpc_frame_parser_new(const amqpc_allocator *allocator, const amqpc_limits *limits,
                                    amqpc_frame_parser **parser)
{
    if (amqpc_limits_check(limits) != AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpc_frame_parser *made = (amqpc_frame_parser *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->limits = limits == NULL ? amqpci_default_limits : *limits;
    made->limits.frame_size = made->limits.initial_frame_size;
    made->partial.allocator = chosen;
    made->partial.cap = SIZE_MAX;
    made->expect_header = true;
    *parser = made;
    return AMQPC_OK;
}

void amqpc_frame_parser_free(amqpc_frame_parser *parser)
{
    if (parser != NULL) {
        amqpc_allocator allocator = parser->allocator;
        amqpci_release(&allocator, parser->partial.data);
        amqpci_release(&allocator, parser);
    }
}

void amqpc_frame_parser_expect_header(amqpc_frame_parser *parser)
{
    parser->expect_header = true;
}

amqpc_status amqpc_frame_parser_set_frame_size(amqpc_frame_parser *parser, uint32_t frame_size)
{
    if (frame_size < AMQPC_MIN_MAX_FRAME_SIZE) {
        return AMQPC_INVALID_ARGUMENT;
    }
    parser->limits.frame_size = frame_size;
    return AMQPC_OK;
}

void amqpc_frame_parser_close(amqpc_frame_parser *parser)
{
    parser->closed = true;
}

uint64_t amqpc_frame_parser_offset(const amqpc_frame_parser *parser)
{
    return parser->offset;
}

size_t amqpc_frame_parser_pending(const amqpc_frame_parser *parser)
{
    return parser->partial_used ? 0 : parser->partial.size;
}

static void release_partial(amqpc_frame_parser *parser)
{
    if (parser->partial_used) {
        parser->partial.size = 0;
        parser->partial_used = false;
    }
}

amqpc_status amqpc_frame_parser_push(amqpc_frame_parser *parser, const void *data, size_t size)
{
    if (parser->status != AMQPC_OK) {
        return parser->status;
    }
    if (parser->piece_size > 0) {
        return AMQPC_INVALID_STATE;
    }
    release_partial(parser);
    parser->piece = (const uint8_t *)data;
    parser->piece_size = size;
    if (parser->closed && size > 0) {
        parser->status = AMQPC_DATA_AFTER_CLOSE;
    }
    return parser->status;
}

static amqpc_status fail(amqpc_frame_parser *parser, amqpc_status status, size_t offset)
{
    parser->offset += offset;
    parser->status = status;
    return status;
}

/* What the bytes of a unit say: NEED_MORE with `*needed` bytes in all, OK with its size there, or
 * a failure with the offset. */
static amqpc_status parse_unit(const amqpc_frame_parser *parser, const uint8_t *data, size_t size,
                               amqpc_frame *frame, size_t *needed)
{
    if (!parser->expect_header) {
        return amqpc_frame_parse(data, size, &parser->limits, frame, needed);
    }
    amqpc_protocol protocol = AMQPC_PROTOCOL_AMQP;
    amqpc_status status = amqpc_protocol_header_parse(data, size, &protocol, needed);
    if (status == AMQPC_OK) {
        *frame = (amqpc_frame){.size = AMQPC_PROTOCOL_HEADER_SIZE, .type = (uint8_t)protocol};
    } else if (status == AMQPC_NEED_MORE) {
        *needed = AMQPC_PROTOCOL_HEADER_SIZE;
    }
    return status;
}

static void consume_piece(amqpc_frame_parser *parser, size_t size)
{
    parser->piece += size;
    parser->piece_size -= size;
}

/* Moves bytes of the piece to the partial unit until it holds `needed`, or the piece is used up. */
static amqpc_status gather(amqpc_frame_parser *parser, size_t needed)
{
    size_t missing = needed - parser->partial.size;
    size_t moved = missing < parser->piece_size ? missing : parser->piece_size;
    amqpc_status status = amqpc_buffer_append(&parser->partial, parser->piece, moved);
    if (status == AMQPC_OK) {
        consume_piece(parser, moved);
    }
    return status;
}

static void complete(amqpc_frame_parser *parser, const amqpc_frame *frame, amqpc_frame_event *event)
{
    *event = parser->expect_header ? AMQPC_FRAME_EVENT_PROTOCOL_HEADER : AMQPC_FRAME_EVENT_FRAME;
    parser->expect_header = false;
    parser->offset += frame->size;
}

/* Goes on with a unit that an earlier piece began. */
static amqpc_status next_gathered(amqpc_frame_parser *parser, amqpc_frame_event *event,
                                  amqpc_frame *frame)
{
    for (;;) {
        size_t needed = 0;
        amqpc_status status =
            parse_unit(parser, parser->partial.data, parser->partial.size, frame, &needed);
        if (status == AMQPC_OK) {
            parser->partial_used = true;
            complete(parser, frame, event);
            return AMQPC_OK;
        }
        if (status != AMQPC_NEED_MORE) {
            return fail(parser, status, needed);
        }
        if (parser->piece_size == 0) {
            *event = AMQPC_FRAME_EVENT_NEED_MORE;
            return AMQPC_OK;
        }
        status = gather(parser, needed);
        if (status != AMQPC_OK) {
            return status;
        }
    }
}

amqpc_status amqpc_frame_parser_next(amqpc_frame_parser *parser, amqpc_frame_event *event,
                                     amqpc_frame *frame)
{
    if (parser->status != AMQPC_OK) {
        return parser->status;
    }
    release_partial(parser);
    if (parser->partial.size > 0) {
        return next_gathered(parser, event, frame);
    }
    if (parser->piece_size == 0) {
        *event = AMQPC_FRAME_EVENT_NEED_MORE;
        return AMQPC_OK;
    }
    if (parser->closed) {
        return fail(parser, AMQPC_DATA_AFTER_CLOSE, 0);
    }
    size_t needed = 0;
    amqpc_status status = parse_unit(parser, parser->piece, parser->piece_size, frame, &needed);
    if (status == AMQPC_NEED_MORE) {
        status = gather(parser, needed);
        *event = AMQPC_FRAME_EVENT_NEED_MORE;
        return status;
    }
    if (status != AMQPC_OK) {
        return fail(parser, status, needed);
    }
    consume_piece(parser, frame->size);
    complete(parser, frame, event);
    return AMQPC_OK;
}
