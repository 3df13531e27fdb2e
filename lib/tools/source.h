/* Where a tool's input comes from: a file or standard input, as it is or as hexadecimal text. */
#ifndef AMQPCODEC_TOOLS_SOURCE_H
#define AMQPCODEC_TOOLS_SOURCE_H

#include "tools/hex.h"
#include "tools/window.h"

/* How bytes are written down in the input. */
typedef enum input_form { INPUT_AUTO = 0, INPUT_RAW = 1, INPUT_HEX = 2, INPUT_PCAP = 3 } input_form;

typedef enum source_result {
    SOURCE_BYTES = 0,
    SOURCE_END = 1,
    SOURCE_FAILED = 2 /* and was reported */
} source_result;

/* An open input.
 *
 * name     for messages
 * ahead    what was read to detect the form
 * stopped  a character of hexadecimal text that may not stand there; reported by the next read */
typedef struct source {
    const char *name;
    int descriptor;
    input_form form;
    bool at_end;
    bool stopped;
    uint8_t stopped_at;
    window ahead;
    hex_decoder hex;
} source;

/* Opens a file, or standard input where path is NULL or "-", and finds out its form where that is
 * INPUT_AUTO.
 *
 * Returns false where it was reported that it cannot be read. */
bool source_open(source *input, const char *path, input_form form);

void source_close(source *input);

/* Appends some more bytes, decoded. Output is flushed first, because reading may wait. */
source_result source_read(source *input, window *bytes);

/* Reads until `size` bytes are held: SOURCE_END where there are fewer, which are held then. */
source_result source_read_at_least(source *input, window *bytes, size_t size);

#endif
