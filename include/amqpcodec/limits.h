/* How much one input may ask of the library. */
#ifndef AMQPCODEC_LIMITS_H
#define AMQPCODEC_LIMITS_H

#include <amqpcodec/status.h>

AMQPC_BEGIN_DECLS

/* No limit, for every member of amqpc_limits but `depth`, which the reader's stack bounds by
 * AMQPC_DEPTH_MAX. */
#define AMQPC_UNLIMITED 4294967295u
#define AMQPC_DEPTH_MAX 128

/* Limits that decoding enforces, so that no input costs more than the caller allowed.
 *
 * Set them by amqpc_limits_init and change single members. Zero is invalid in every member
 * (AMQPC_INVALID_ARGUMENT). Every function that takes limits borrows them until it returns, and
 * takes NULL for the defaults.
 *
 * struct_size                 sizeof(amqpc_limits) of the caller; set by amqpc_limits_init
 * depth                       nested lists, maps, arrays and described values, the outermost one
 *                             included, the empty list of one byte (0x45) not; default 32
 * compound_elements           elements of one list, map (keys and values) or array; default
 *                             65,536
 * performative_values         values nested in the fields of one performative; default 1,024
 * zero_width_elements         array elements that take no byte (codes 0x40 to 0x45), in one frame
 *                             or message; default 1,024
 * frame_size                  largest frame, in bytes, that we receive (our max-frame-size);
 *                             default 65,536, at least 512
 * initial_frame_size          largest frame, in bytes, before open, and largest SASL frame;
 *                             default 8,192, at least 512
 * channels                    channels that we receive frames on, from number 0; default 256 */
typedef struct amqpc_limits {
    size_t struct_size;
    uint32_t depth;
    uint32_t compound_elements;
    uint32_t performative_values;
    uint32_t zero_width_elements;
    uint32_t frame_size;
    uint32_t initial_frame_size;
    uint32_t channels;
    uint32_t reserved;
} amqpc_limits;

/* Sets the defaults.
 *
 * limits       written whole, up to struct_size
 * struct_size  sizeof(amqpc_limits) as the caller was compiled */
AMQPC_API void amqpc_limits_init(amqpc_limits *limits, size_t struct_size);

/* Tells whether limits may be used.
 *
 * limits  borrowed; NULL means the defaults, which are valid
 *
 * Returns AMQPC_OK, or AMQPC_INVALID_ARGUMENT where a member is zero, depth exceeds
 * AMQPC_DEPTH_MAX, or a frame size is below 512. */
AMQPC_API amqpc_status amqpc_limits_check(const amqpc_limits *limits) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
