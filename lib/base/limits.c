/* Default limits, and whether given ones may be used. */
#include "base/limits.h"

#include <string.h>

const amqpc_limits amqpci_default_limits = {
    .struct_size = sizeof(amqpc_limits),
    .depth = 32,
    .compound_elements = 65536,
    .performative_values = 1024,
    .zero_width_elements = 1024,
    .frame_size = 65536,
    .initial_frame_size = 8192,
    .channels = 256,
    .reserved = 0,
};

void amqpc_limits_init(amqpc_limits *limits, size_t struct_size)
{
    size_t size = struct_size < sizeof *limits ? struct_size : sizeof *limits;
    memcpy(limits, &amqpci_default_limits, size);
    limits->struct_size = struct_size;
}

amqpc_status amqpc_limits_check(const amqpc_limits *limits)
{
    bool valid =
        limits == NULL ||
        (limits->struct_size >= sizeof *limits && limits->depth != 0 &&
         limits->depth <= AMQPC_DEPTH_MAX && limits->compound_elements != 0 &&
         limits->performative_values != 0 && limits->zero_width_elements != 0 &&
         limits->frame_size >= 512 && limits->initial_frame_size >= 512 && limits->channels != 0);
    return valid ? AMQPC_OK : AMQPC_INVALID_ARGUMENT;
}
