/* Reading values step by step, to any depth, without recursion and without allocation after the
 * start (AMQP 1.2 to 1.6). */
#ifndef AMQPCODEC_READER_H
#define AMQPCODEC_READER_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

/* A cursor over borrowed bytes that hold values one after the other. */
typedef struct amqpc_reader amqpc_reader;

/* What a step of the reader met. */
typedef enum amqpc_event {
    AMQPC_EVENT_END_OF_INPUT = 0, /* no value follows at the outermost level */
    AMQPC_EVENT_VALUE = 1,        /* a value that is not compound */
    AMQPC_EVENT_ENTER = 2,        /* a compound value begins; its elements follow */
    AMQPC_EVENT_LEAVE = 3         /* the compound value entered last is complete */
} amqpc_event;

/* Makes a reader; it holds no input until amqpc_reader_reset.
 *
 * allocator  copied; NULL for the C library's
 * limits     copied; NULL for the defaults
 * reader     receives the reader, which the caller frees by amqpc_reader_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT (limits). */
AMQPC_API amqpc_status amqpc_reader_new(const amqpc_allocator *allocator,
                                        const amqpc_limits *limits,
                                        amqpc_reader **reader) AMQPC_CHECK;

/* Frees the reader, not its input. NULL is ignored. */
AMQPC_API void amqpc_reader_free(amqpc_reader *reader);

/* Starts over with new input, at depth 0, with full budgets. Allocates nothing.
 *
 * data  borrowed until the reader is reset or freed; values read point into it */
AMQPC_API void amqpc_reader_reset(amqpc_reader *reader, const void *data, size_t size);

/* Takes one step: reads the next value, enters a compound, or leaves one.
 *
 * event  what was met
 * value  written with VALUE and ENTER. With ENTER it holds type, code and count, and as.bytes the
 *        compound's content, whose elements are not validated yet (of a described value, which
 *        has no size, all up to the end of what encloses it); the elements of an array of
 *        described values follow without descriptor (see amqpc_items.descriptor;
 *        amqpc_reader_array_descriptor gives it). With LEAVE, the type of the compound that
 *        ended.
 *
 * Returns AMQPC_OK, or a status of the encoding range; after a failure every step fails with the
 * same status until reset. */
AMQPC_API amqpc_status amqpc_reader_next(amqpc_reader *reader, amqpc_event *event,
                                         amqpc_value *value) AMQPC_CHECK;

/* Takes the next value whole, validated to its last byte; a compound comes as an opaque slice
 * (AMQPC_FORM_ENCODED).
 *
 * value  written on success; may be NULL to skip the value
 *
 * Returns AMQPC_OK, AMQPC_NOT_FOUND where the present compound, or the input, has no further
 * value, or a status of the encoding range. Duplicate keys are not looked for. */
AMQPC_API amqpc_status amqpc_reader_take(amqpc_reader *reader, amqpc_value *value) AMQPC_CHECK;

/* The encoded descriptors of the array entered last, if its elements are described; size 0
 * otherwise. */
AMQPC_API amqpc_bytes amqpc_reader_array_descriptor(const amqpc_reader *reader);

/* Where the reader stands: bytes from the start of the input; after a failure, the offset of the
 * first byte at fault. */
AMQPC_API size_t amqpc_reader_offset(const amqpc_reader *reader);

/* How many compound values the reader is in. */
AMQPC_API unsigned amqpc_reader_depth(const amqpc_reader *reader);

AMQPC_END_DECLS

#endif
