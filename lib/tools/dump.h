/* `amqpcodec dump`: what its parts share. */
#ifndef AMQPCODEC_TOOLS_DUMP_H
#define AMQPCODEC_TOOLS_DUMP_H

#include <amqpcodec/amqpcodec.h>

#include "tools/source.h"

/* What the bytes of the input are. */
typedef enum dump_as { AS_AUTO = 0, AS_VALUE = 1, AS_MESSAGE = 2, AS_STREAM = 3 } dump_as;

/* The options, as the command line sets them.
 *
 * port            0 for any
 * max_frame_size  0 for what open agrees on
 * no_header       a stream begins with a frame */
typedef struct dump_options {
    uint32_t input; /* input_form */
    uint32_t as;    /* dump_as */
    uint32_t port;
    uint32_t max_frame_size;
    uint32_t max_message_size;
    bool json;
    bool no_header;
    bool help;
    amqpc_limits limits;
} dump_options;

/* One run.
 *
 * line       what is being printed
 * bad_input  something was reported; the process will return EXIT_BAD_INPUT
 * time_ns    when the packet at hand was captured, since 1970; of a capture only */
typedef struct dump {
    dump_options options;
    source input;
    amqpc_print_format format;
    amqpc_buffer *line;
    bool bad_input;
    uint64_t time_ns;
} dump;

/* What failed to decode, for the explanation.
 *
 * mark    the direction, "" where there is but one
 * offset  in the stream, of the byte at fault
 * start   in the stream, of the first byte at `data`
 * kind    of the bytes at `data`: a value, a message or a frame, from its first byte */
typedef struct dump_fault {
    const char *mark;
    amqpc_status status;
    uint64_t offset;
    uint64_t start;
    amqpc_input kind;
    const void *data;
    size_t size;
    const amqpc_limits *limits;
} dump_fault;

/* Appends to the line. */
__attribute__((format(printf, 2, 3))) void dump_print(dump *run, const char *format, ...);
void dump_print_hex(dump *run, const void *data, size_t size);

/* Ends the line and writes it to standard output. */
void dump_end_line(dump *run);

/* Goes on after AMQPC_OK; ends the process where there is no memory. Returns whether it was
 * AMQPC_OK. */
bool dump_check(amqpc_status status);

/* Reports bytes that failed to decode: status, offset, and the library's explanation. */
void dump_report_fault(dump *run, const dump_fault *fault);

/* Reports that the input has another fault: `text` after its name, the mark and the offset. */
__attribute__((format(printf, 4, 5))) void dump_report(dump *run, const char *mark, uint64_t offset,
                                                       const char *text, ...);

/* The three forms of raw or hexadecimal input; each reads it to its end. */
void dump_values(dump *run, window *bytes);
void dump_message(dump *run, window *bytes);
void dump_stream(dump *run, window *bytes);

/* A capture, read to its end. */
void dump_capture(dump *run, window *bytes);

#endif
