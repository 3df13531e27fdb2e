/* Writing values, into a fixed buffer or a growable one (AMQP 1.2 to 1.6). */
#ifndef AMQPCODEC_WRITER_H
#define AMQPCODEC_WRITER_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/buffer.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

/* Puts values one after the other. Sizes and counts of compounds are filled in when these are
 * ended.
 *
 * The first failure stays: every later call returns it, so that a caller may check once, at the
 * end. */
typedef struct amqpc_writer amqpc_writer;

/* Makes a writer; it has nowhere to write until amqpc_writer_set_fixed or
 * amqpc_writer_set_growable.
 *
 * allocator  copied; NULL for the C library's
 * writer     receives the writer, which the caller frees by amqpc_writer_free
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY. */
AMQPC_API amqpc_status amqpc_writer_new(const amqpc_allocator *allocator,
                                        amqpc_writer **writer) AMQPC_CHECK;

/* Frees the writer, not what it wrote. NULL is ignored. */
AMQPC_API void amqpc_writer_free(amqpc_writer *writer);

/* Starts over, writing to memory of the caller. data is borrowed until the next set_ call or
 * free. */
AMQPC_API void amqpc_writer_set_fixed(amqpc_writer *writer, void *data, size_t capacity);

/* Starts over, appending to a buffer. It is borrowed until the next set_ call or free; its size
 * is right after every call. */
AMQPC_API void amqpc_writer_set_growable(amqpc_writer *writer, amqpc_buffer *buffer);

/* Writes one value, a compound of either form with all that it holds.
 *
 * value  borrowed until return; value->code selects the encoding, AMQPC_CODE_SMALLEST the
 *        smallest. In an array the array's constructor selects, and value->code is not looked at.
 *
 * Returns AMQPC_OK; AMQPC_BUFFER_FULL; AMQPC_NO_MEMORY; AMQPC_INVALID_ARGUMENT where the value
 * does not fit its code, a string is not UTF-8, a symbol not ASCII, a char not a code point, a
 * map's count odd, an array's elements not of one type; AMQPC_TOO_DEEP beyond AMQPC_DEPTH_MAX
 * compounds. */
AMQPC_API amqpc_status amqpc_writer_value(amqpc_writer *writer,
                                          const amqpc_value *value) AMQPC_CHECK;

/* As amqpc_writer_value, for `count` values in a row. */
AMQPC_API amqpc_status amqpc_writer_values(amqpc_writer *writer, const amqpc_value *values,
                                           size_t count) AMQPC_CHECK;

/* Begins a list, map or described value; what is written next goes into it until
 * amqpc_writer_end.
 *
 * A described value holds two values, the descriptor first. A list or map takes the room of a small
 * header, 3 bytes, while it is open, though it may end as less.
 *
 * type  AMQPC_TYPE_LIST, AMQPC_TYPE_MAP or AMQPC_TYPE_DESCRIBED
 * code  AMQPC_CODE_SMALLEST, or one of the type's codes; not looked at for a described value, nor
 *       in an array
 *
 * Returns AMQPC_OK or what amqpc_writer_value returns. */
AMQPC_API amqpc_status amqpc_writer_begin(amqpc_writer *writer, unsigned type,
                                          unsigned code) AMQPC_CHECK;

/* Begins an array.
 *
 * code          AMQPC_CODE_SMALLEST, AMQPC_CODE_ARRAY8 or AMQPC_CODE_ARRAY32
 * element_code  the format code of every element; a value that does not fit it is
 *               AMQPC_INVALID_ARGUMENT
 * descriptor    borrowed until return; NULL, or what describes every element (AMQP 1.6.24): the
 *               elements are then written without it */
AMQPC_API amqpc_status amqpc_writer_begin_array(amqpc_writer *writer, unsigned code,
                                                unsigned element_code,
                                                const amqpc_value *descriptor) AMQPC_CHECK;

/* Ends the compound begun last: fills in its size and count.
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where nothing was begun; AMQPC_INVALID_ARGUMENT where a
 * map has an odd number of values, a described value not two, or the size does not fit the code
 * asked for. */
AMQPC_API amqpc_status amqpc_writer_end(amqpc_writer *writer) AMQPC_CHECK;

/* Bytes written since the writer was set. Sizes of compounds that are still open are not final. */
AMQPC_API size_t amqpc_writer_size(const amqpc_writer *writer);

/* The first failure since the writer was set, AMQPC_INVALID_STATE where a compound is still open,
 * otherwise AMQPC_OK. */
AMQPC_API amqpc_status amqpc_writer_finish(const amqpc_writer *writer) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
