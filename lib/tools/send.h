/* `amqpcodec send`: what its parts share. */
#ifndef AMQPCODEC_TOOLS_SEND_H
#define AMQPCODEC_TOOLS_SEND_H

#include <stdio.h>

#include "tools/json_message.h"
#include "tools/options.h"

enum { SEND_NO_PRIORITY = 256 };

/* The options, as the command line sets them. Texts that are not given are NULL; ttl 0 is none. */
typedef struct send_options {
    const char *address;
    option_texts files;
    bool lines;
    bool json_lines;
    bool data;
    uint32_t count;
    option_texts properties;
    const char *subject;
    const char *content_type;
    const char *message_id;
    const char *correlation_id;
    const char *to;
    const char *reply_to;
    uint32_t ttl;
    uint32_t priority;
    bool durable;
    bool settled;
    uint32_t timeout;
    bool help;
} send_options;

/* Whether the options can be: reports what is wrong with them. */
bool send_options_check(const send_options *options);

/* Puts what the options say into a message: fields of header and properties, and application
 * properties, which come to those that it has. memory: what the message points to. */
void send_options_apply(const send_options *options, arena *memory, amqpc_message *message);

/* The messages that are to be sent, one after the other: of the arguments, of the files, and of the
 * lines of standard input.
 *
 * texts       arguments
 * bad_input   something was reported: a file or a line that cannot be read */
typedef struct send_input {
    const send_options *options;
    const char *const *texts;
    size_t text_count;
    size_t next_text;
    size_t next_file;
    char *line;
    size_t line_capacity;
    size_t line_number;
    bool bad_input;
    arena memory;
} send_input;

/* Takes the next message, which lives until the next call. Returns false at the end. */
bool send_input_next(send_input *input, json_message *read);

/* Gives its memory back. */
void send_input_free(send_input *input);

#endif
