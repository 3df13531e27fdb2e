/* What the tools say about themselves: errors on standard error, and failures that end the process.
 */
#ifndef AMQPCODEC_TOOLS_REPORT_H
#define AMQPCODEC_TOOLS_REPORT_H

#include <stddef.h>

/* Writes "amqpcodec: ", the text and a newline to standard error, after all that is on its way to
 * standard output. */
__attribute__((format(printf, 1, 2))) void report(const char *format, ...);

/* Ends output. Returns `status`, or EXIT_BAD_INPUT where standard output could not take all of it.
 */
int report_finish(int status);

/* Writes out what is buffered; ends the process where standard output fails (silently where its
 * reader went away). */
void report_flush(void);

/* Ends the process: there is no memory. */
_Noreturn void report_no_memory(void);

/* realloc that ends the process rather than fail. */
void *reallocate(void *memory, size_t size);

#endif
