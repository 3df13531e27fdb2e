/* Messages that are written as JSON, as `amqpcodec dump --json` and `receive --json` print them. */
#ifndef AMQPCODEC_TOOLS_JSON_MESSAGE_H
#define AMQPCODEC_TOOLS_JSON_MESSAGE_H

#include <amqpcodec/message.h>

#include "tools/arena.h"

/* Whether this build of the command reads JSON: it is built with json-c. */
bool json_message_is_available(void);

/* What a document says.
 *
 * payload  of a document that has just this: the message's bytes; otherwise its data is NULL, and
 *          `message` holds */
typedef struct json_message {
    amqpc_message message;
    amqpc_bytes payload;
} json_message;

/* Reads one document.
 *
 * memory         what the message points to
 * reason, reason_size  on failure receives what is wrong, ended by NUL
 *
 * Returns whether it is a message. */
bool json_message_read(const char *text, size_t size, arena *memory, json_message *read,
                       char *reason, size_t reason_size);

#endif
