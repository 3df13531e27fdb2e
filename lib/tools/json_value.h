/* Values that are written as JSON (docs/notation.md), as the library prints them; and in short
 * where people write them: an integer is a long, another number a double, an object a map of
 * strings. */
#ifndef AMQPCODEC_TOOLS_JSON_VALUE_H
#define AMQPCODEC_TOOLS_JSON_VALUE_H

#include <amqpcodec/value.h>
#include <json-c/json.h>

#include "tools/arena.h"

/* What is read.
 *
 * text    the document, ended by NUL
 * reason  receives what is wrong with it */
typedef struct json_reader {
    arena *memory;
    const char *text;
    char *reason;
    size_t reason_size;
} json_reader;

/* Says what is wrong. Returns false. */
__attribute__((format(printf, 2, 3))) bool json_fail(json_reader *reader, const char *format, ...);

/* Bytes written as hexadecimal digits. */
bool json_read_hex(json_reader *reader, json_object *from, amqpc_bytes *bytes);

/* Any value. */
bool json_value_read(json_reader *reader, json_object *from, amqpc_value *value);

#endif
