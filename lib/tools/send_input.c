/* `amqpcodec send`: arguments, files and lines of standard input, as messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/interrupt.h"
#include "tools/report.h"
#include "tools/send.h"

/* A message of a body alone. is_data: a data section; otherwise a string. */
static void set_body(json_message *read, amqpc_bytes body, bool is_data)
{
    amqpc_message_init(&read->message);
    read->payload = (amqpc_bytes){NULL, 0};
    read->message.sections = AMQPC_SECTION_BODY;
    read->message.body_kind = is_data ? AMQPC_BODY_DATA : AMQPC_BODY_VALUE;
    read->message.body_count = 1;
    read->message.body.type = is_data ? AMQPC_TYPE_BINARY : AMQPC_TYPE_STRING;
    read->message.body.as.bytes = body;
}

/* Texts that have a content-type are data sections, to which it belongs (AMQP 3.2.4). */
static bool texts_are_data(const send_options *options)
{
    return options->data || options->content_type != NULL;
}

/* A whole file. */
static bool read_file(send_input *input, const char *path, json_message *read)
{
    enum { PIECE_SIZE = 65536 };
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *data = NULL;
    size_t size = 0;
    if (file == NULL) {
        report("%s: %s", path, strerror(errno));
        return false;
    }
    for (size_t got = 1; got > 0; size += got) {
        data = (char *)reallocate(data, size + PIECE_SIZE);
        got = fread(data + size, 1, PIECE_SIZE, file);
    }
    bool good = ferror(file) == 0;
    if (!good) {
        report("%s: %s", path, strerror(errno));
    }
    amqpc_bytes body = {arena_copy(&input->memory, data, size), size};
    free(data);
    if (file != stdin) {
        (void)fclose(file);
    }
    set_body(read, body, true);
    return good;
}

/* The next line of standard input, without its end; false where there is none. */
static bool read_line(send_input *input, amqpc_bytes *line)
{
    ssize_t size = getline(&input->line, &input->line_capacity, stdin);
    if (size < 0) {
        if (ferror(stdin) != 0 && !interrupt_came()) {
            report("standard input: %s", strerror(errno));
            input->bad_input = true;
        }
        return false;
    }
    input->line_number++;
    size -= size > 0 && input->line[size - 1] == '\n';
    *line = (amqpc_bytes){input->line, (size_t)size};
    return true;
}

/* The next line that is not blank. */
static bool next_json_line(send_input *input, json_message *read)
{
    amqpc_bytes line;
    char reason[256];
    while (read_line(input, &line)) {
        const char *text = (const char *)line.data;
        if (strspn(text, " \t\r\n") >= line.size) {
            continue;
        }
        if (json_message_read(text, line.size, &input->memory, read, reason, sizeof reason)) {
            return true;
        }
        report("line %zu: %s", input->line_number, reason);
        input->bad_input = true;
    }
    return false;
}

/* The next message without what the options add. */
static bool next_message(send_input *input, json_message *read)
{
    const send_options *options = input->options;
    amqpc_bytes line;
    if (input->next_text < input->text_count) {
        const char *text = input->texts[input->next_text++];
        set_body(read, (amqpc_bytes){text, strlen(text)}, texts_are_data(options));
        return true;
    }
    while (input->next_file < options->files.count) {
        if (read_file(input, options->files.items[input->next_file++], read)) {
            return true;
        }
        input->bad_input = true;
    }
    if (options->json_lines) {
        return next_json_line(input, read);
    }
    if (!options->lines || !read_line(input, &line)) {
        return false;
    }
    set_body(read, line, texts_are_data(options));
    return true;
}

bool send_input_next(send_input *input, json_message *read)
{
    arena_reset(&input->memory);
    if (!next_message(input, read)) {
        return false;
    }
    if (read->payload.data == NULL) {
        send_options_apply(input->options, &input->memory, &read->message);
    }
    return true;
}

void send_input_free(send_input *input)
{
    arena_reset(&input->memory);
    free(input->line);
}
