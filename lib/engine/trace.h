/* The frame trace: lines of text in a ring that the application reads. */
#ifndef AMQPCI_ENGINE_TRACE_H
#define AMQPCI_ENGINE_TRACE_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/frame.h>

typedef struct amqpci_trace amqpci_trace;

/* Makes a ring of `size` bytes. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_trace_new(const amqpc_allocator *allocator, size_t size,
                                          amqpci_trace **trace);
void amqpci_trace_free(amqpci_trace *trace);

/* Adds lines for the frames that `size` bytes hold, or for one protocol header. What cannot be
 * parsed is a line that says so; a line that cannot be made is left out. sent: or received. */
void amqpci_trace_frames(amqpci_trace *trace, bool sent, const void *data, size_t size);

/* Takes whole lines, as many as there is room for. */
size_t amqpci_trace_read(amqpci_trace *trace, void *data, size_t capacity);

#endif
