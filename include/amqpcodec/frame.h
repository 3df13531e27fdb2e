/* Protocol headers and frames: finding them in a stream of bytes, and writing them (AMQP 2.2,
 * 2.3, 5.3.1). */
#ifndef AMQPCODEC_FRAME_H
#define AMQPCODEC_FRAME_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/limits.h>
#include <amqpcodec/performative.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

#define AMQPC_PROTOCOL_HEADER_SIZE 8
#define AMQPC_FRAME_HEADER_SIZE    8
#define AMQPC_MIN_MAX_FRAME_SIZE   512

/* The protocol that a protocol header announces: its fifth byte. */
typedef enum amqpc_protocol {
    AMQPC_PROTOCOL_AMQP = 0,
    AMQPC_PROTOCOL_TLS = 2,
    AMQPC_PROTOCOL_SASL = 3
} amqpc_protocol;

/* The type byte of a frame. */
typedef enum amqpc_frame_type { AMQPC_FRAME_AMQP = 0, AMQPC_FRAME_SASL = 1 } amqpc_frame_type;

/* One frame, as views into the bytes it was parsed from.
 *
 * size             of the whole frame, header included
 * type             amqpc_frame_type
 * data_offset      where the body begins, in units of 4 bytes (2 where there is no extended
 *                  header)
 * channel          of an AMQP frame; of a SASL frame the two bytes are ignored, and 0 is given
 * extended_header  between the 8-byte header and the body; ignored by AMQP 1.0, kept for whoever
 *                  wants it
 * body             performative and payload; empty in a frame that only keeps the connection
 *                  alive */
typedef struct amqpc_frame {
    uint32_t size;
    uint8_t type;
    uint8_t data_offset;
    uint16_t channel;
    amqpc_bytes extended_header;
    amqpc_bytes body;
} amqpc_frame;

/* Reads a protocol header (AMQP 2.2): "AMQP", protocol id, 1, 0, 0.
 *
 * data, size  borrowed until return
 * protocol    written on success
 * offset      may be NULL; on success 8, otherwise the first byte that differs, or `size`
 *
 * Returns AMQPC_OK; AMQPC_NEED_MORE where fewer than 8 bytes are there and all are right so far;
 * AMQPC_BAD_PROTOCOL_HEADER. */
AMQPC_API amqpc_status amqpc_protocol_header_parse(const void *data, size_t size,
                                                   amqpc_protocol *protocol,
                                                   size_t *offset) AMQPC_CHECK;

/* Writes the protocol header of `protocol` (AMQP 2.2).
 *
 * data, capacity  where to, at least 8 bytes
 *
 * Returns AMQPC_OK, AMQPC_BUFFER_FULL, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_protocol_header_write(amqpc_protocol protocol, void *data,
                                                   size_t capacity) AMQPC_CHECK;

/* Finds the frame at the start of the bytes, without a copy (AMQP 2.3).
 *
 * data, size  borrowed; the frame points into it. More than one frame is no error.
 * limits      frame_size and channels hold; borrowed until return; NULL for the defaults
 * frame       written on success
 * offset      may be NULL; on success the size of the frame; with NEED_MORE the bytes needed in
 *             all, as far as known (8, then the frame's size); on failure the offset of the field
 *             of the header that is wrong
 *
 * Returns AMQPC_OK, AMQPC_NEED_MORE, AMQPC_FRAME_SIZE_TOO_SMALL, AMQPC_FRAME_TOO_LARGE,
 * AMQPC_BAD_DATA_OFFSET, AMQPC_UNKNOWN_FRAME_TYPE, AMQPC_BAD_CHANNEL. Errors are found from the
 * first 8 bytes. */
AMQPC_API amqpc_status amqpc_frame_parse(const void *data, size_t size, const amqpc_limits *limits,
                                         amqpc_frame *frame, size_t *offset) AMQPC_CHECK;

/* As amqpc_frame_parse, for all whole frames at the start of the bytes.
 *
 * frames, capacity  where the frames go
 * count             receives how many were found; written on failure too: those before the
 *                   failing one are good
 * offset            may be NULL; the bytes that the `count` frames take, plus on failure the
 *                   offset within the next one
 *
 * Returns AMQPC_OK (also where bytes of an incomplete frame remain), or the failure of the frame
 * after the last good one. */
AMQPC_API amqpc_status amqpc_frames_parse(const void *data, size_t size, const amqpc_limits *limits,
                                          amqpc_frame *frames, size_t capacity, size_t *count,
                                          size_t *offset) AMQPC_CHECK;

/* Parses a frame and decodes its performative, in one call: the hot path of a receiver.
 *
 * As amqpc_frame_parse and then amqpc_performative_decode; an empty frame gives
 * performative->type AMQPC_COMPOSITE_NONE. Offsets count from the start of the frame. */
AMQPC_API amqpc_status amqpc_frame_decode(const void *data, size_t size, const amqpc_limits *limits,
                                          amqpc_frame *frame, amqpc_performative *performative,
                                          size_t *offset) AMQPC_CHECK;

/* Takes a stream of protocol headers and frames apart, in pieces of any size, one byte included.
 *
 * Frames that lie whole within a piece are handed out as views into it; only frames that pieces
 * cut are copied, into memory that grows with the bytes that arrived, never with a size that was
 * announced. */
typedef struct amqpc_frame_parser amqpc_frame_parser;

/* What amqpc_frame_parser_next met. */
typedef enum amqpc_frame_event {
    AMQPC_FRAME_EVENT_NEED_MORE = 0, /* all bytes pushed are used up */
    AMQPC_FRAME_EVENT_PROTOCOL_HEADER =
        1,                      /* a protocol header; frame->type holds the amqpc_protocol */
    AMQPC_FRAME_EVENT_FRAME = 2 /* a frame */
} amqpc_frame_event;

/* Makes a parser, which expects a protocol header first.
 *
 * allocator, limits  copied; NULL for the C library's, and the defaults
 * parser             receives the parser, which the caller frees by amqpc_frame_parser_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT. */
AMQPC_API amqpc_status amqpc_frame_parser_new(const amqpc_allocator *allocator,
                                              const amqpc_limits *limits,
                                              amqpc_frame_parser **parser) AMQPC_CHECK;

/* Frees the parser. NULL is ignored. */
AMQPC_API void amqpc_frame_parser_free(amqpc_frame_parser *parser);

/* Expects a protocol header next (as at the start, and after the SASL outcome) instead of a
 * frame. */
AMQPC_API void amqpc_frame_parser_expect_header(amqpc_frame_parser *parser);

/* Sets the largest frame accepted from now on: limits.initial_frame_size at the start, what open
 * agreed on after it.
 *
 * Returns AMQPC_OK, or AMQPC_INVALID_ARGUMENT below AMQPC_MIN_MAX_FRAME_SIZE. */
AMQPC_API amqpc_status amqpc_frame_parser_set_frame_size(amqpc_frame_parser *parser,
                                                         uint32_t frame_size) AMQPC_CHECK;

/* Refuses every further byte with AMQPC_DATA_AFTER_CLOSE (AMQP 2.4.5: close is the last frame). */
AMQPC_API void amqpc_frame_parser_close(amqpc_frame_parser *parser);

/* Gives the next piece of the stream. Call amqpc_frame_parser_next until NEED_MORE before the
 * next push.
 *
 * data  borrowed until amqpc_frame_parser_next has returned NEED_MORE or a failure
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where bytes of the last piece were not asked for yet; the
 * failure that stopped the stream; AMQPC_DATA_AFTER_CLOSE where size is not 0 after close. */
AMQPC_API amqpc_status amqpc_frame_parser_push(amqpc_frame_parser *parser, const void *data,
                                               size_t size) AMQPC_CHECK;

/* Takes the next protocol header or frame.
 *
 * event  what was met
 * frame  written with FRAME: views into the piece, or into the parser until the next call of
 *        next, push or free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY (the call may be repeated), or the failures of
 * amqpc_protocol_header_parse and amqpc_frame_parse, which stay until the parser is freed. */
AMQPC_API amqpc_status amqpc_frame_parser_next(amqpc_frame_parser *parser, amqpc_frame_event *event,
                                               amqpc_frame *frame) AMQPC_CHECK;

/* How many bytes of the stream were taken by headers and frames so far; after a failure, the
 * offset of the byte at fault. */
AMQPC_API uint64_t amqpc_frame_parser_offset(const amqpc_frame_parser *parser);

/* How many bytes of an incomplete frame or protocol header the parser holds: at the end of a
 * stream, 0 unless it was cut. */
AMQPC_API size_t amqpc_frame_parser_pending(const amqpc_frame_parser *parser);

/* Writes one frame: header, performative and payload (AMQP 2.3).
 *
 * type          AMQPC_FRAME_AMQP or AMQPC_FRAME_SASL
 * channel       of an AMQP frame; 0 for SASL
 * performative  borrowed until return; NULL, or type AMQPC_COMPOSITE_NONE, for an empty frame.
 *               performative->payload is appended.
 * data          where to
 * capacity      room at data, the frame's largest size
 * size          receives the size of the frame
 *
 * Returns AMQPC_OK; AMQPC_BUFFER_FULL; AMQPC_INVALID_ARGUMENT, also for a performative of the
 * other frame type; AMQPC_MISSING_FIELD where a mandatory field is absent. */
AMQPC_API amqpc_status amqpc_frame_write(amqpc_frame_type type, uint16_t channel,
                                         const amqpc_performative *performative, void *data,
                                         size_t capacity, size_t *size) AMQPC_CHECK;

/* As amqpc_frame_write of a transfer: the hot path of a sender.
 *
 * payload  copied behind the performative */
AMQPC_API amqpc_status amqpc_transfer_frame_write(uint16_t channel, const amqpc_transfer *transfer,
                                                  amqpc_bytes payload, void *data, size_t capacity,
                                                  size_t *size) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
