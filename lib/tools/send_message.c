/* `amqpcodec send`: what the options put into each message. */
#include <string.h>

#include "tools/report.h"
#include "tools/send.h"

bool send_options_check(const send_options *options)
{
    for (uint32_t i = 0; i < options->properties.count; i++) {
        const char *text = options->properties.items[i];
        if (text[0] == '=' || strchr(text, '=') == NULL) {
            report("--property wants KEY=VALUE, not '%s'", text);
            return false;
        }
    }
    if (options->lines && options->json_lines) {
        report("standard input has lines or JSON lines, not both");
        return false;
    }
    if (options->json_lines && !json_message_is_available()) {
        report("--json-lines: this build of the command reads no JSON");
        return false;
    }
    return true;
}

static amqpc_bytes bytes_of(const char *text)
{
    return (amqpc_bytes){text, strlen(text)};
}

static void set_text(const char *text, amqpc_bytes *member, uint32_t *present, uint32_t bit)
{
    if (text != NULL) {
        *member = bytes_of(text);
        *present |= bit;
    }
}

static void set_id(const char *text, amqpc_value *member, uint32_t *present, uint32_t bit)
{
    if (text != NULL) {
        *member = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = bytes_of(text)};
        *present |= bit;
    }
}

static void set_header(const send_options *options, amqpc_message *message)
{
    amqpc_header *header = &message->header;
    if (options->durable) {
        header->durable = true;
        header->present |= AMQPC_HEADER_DURABLE;
    }
    if (options->priority != SEND_NO_PRIORITY) {
        header->priority = (uint8_t)options->priority;
        header->present |= AMQPC_HEADER_PRIORITY;
    }
    if (options->ttl != 0) {
        header->ttl = options->ttl;
        header->present |= AMQPC_HEADER_TTL;
    }
    message->sections |= header->present != 0 ? AMQPC_SECTION_HEADER : 0;
}

static void set_properties(const send_options *options, amqpc_message *message)
{
    amqpc_properties *set = &message->properties;
    set_id(options->message_id, &set->message_id, &set->present, AMQPC_PROPERTIES_MESSAGE_ID);
    set_id(options->correlation_id, &set->correlation_id, &set->present,
           AMQPC_PROPERTIES_CORRELATION_ID);
    set_text(options->to, &set->to, &set->present, AMQPC_PROPERTIES_TO);
    set_text(options->subject, &set->subject, &set->present, AMQPC_PROPERTIES_SUBJECT);
    set_text(options->reply_to, &set->reply_to, &set->present, AMQPC_PROPERTIES_REPLY_TO);
    set_text(options->content_type, &set->content_type, &set->present,
             AMQPC_PROPERTIES_CONTENT_TYPE);
    message->sections |= set->present != 0 ? AMQPC_SECTION_PROPERTIES : 0;
}

/* The place of a key's value; behind the last where the key is new. */
static uint32_t find_key(const amqpc_value *items, uint32_t count, amqpc_bytes key)
{
    for (uint32_t i = 0; i < count; i += 2) {
        if (items[i].as.bytes.size == key.size &&
            memcmp(items[i].as.bytes.data, key.data, key.size) == 0) {
            return i;
        }
    }
    return count;
}

static void set_application_properties(const send_options *options, arena *memory,
                                       amqpc_message *message)
{
    uint32_t given = options->properties.count;
    bool has_map = (message->sections & AMQPC_SECTION_APPLICATION_PROPERTIES) != 0;
    uint32_t count = has_map ? message->application_properties.count : 0;
    if (given == 0) {
        return;
    }
    amqpc_value *items = (amqpc_value *)arena_take(memory, count + 2 * given, sizeof *items);
    if (count > 0) {
        memcpy(items, message->application_properties.as.items, count * sizeof *items);
    }
    for (uint32_t i = 0; i < given; i++) {
        const char *text = options->properties.items[i];
        const char *value = strchr(text, '=') + 1;
        amqpc_bytes key = {text, (size_t)(value - text) - 1};
        uint32_t at = find_key(items, count, key);
        count = at == count ? count + 2 : count;
        items[at] = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = key};
        items[at + 1] = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = bytes_of(value)};
    }
    message->sections |= AMQPC_SECTION_APPLICATION_PROPERTIES;
    message->application_properties = (amqpc_value){
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = count, .as.items = items};
}

void send_options_apply(const send_options *options, arena *memory, amqpc_message *message)
{
    set_header(options, message);
    set_properties(options, message);
    set_application_properties(options, memory, message);
}
