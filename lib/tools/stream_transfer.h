/* Transfer frames with the messages that they carry, and what other frames share with them. */
#ifndef AMQPCODEC_TOOLS_STREAM_TRANSFER_H
#define AMQPCODEC_TOOLS_STREAM_TRANSFER_H

#include "tools/stream.h"

/* Begins a line: the mark, or in JSON an object with what is known of the frame's place. */
void stream_begin_line(const stream *direction);

/* Appends the frame's members to the object that stream_begin_line began, and leaves it open; or
 * the frame's text. */
void stream_print_frame(dump *run, const amqpc_frame *frame);

/* Shows a transfer and its payload; of the last frame of a delivery, the message. */
void stream_show_transfer(stream *direction, const amqpc_frame *frame,
                          const amqpc_performative *performative);

#endif
