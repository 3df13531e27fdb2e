/* Selectors: name = value. Of SQL's grammar that is all; what is more is refused, not guessed. */
#include "tools/broker/broker_selector.h"

#include <stdlib.h>
#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/message_glance.h"

#define FILTER_SYMBOL "apache.org:selector-filter:string"
enum { NUMBER_MAX = 20 };
static const uint64_t filter_code = 0x0000468c00000004u;

/* --- Reading. */

typedef struct scanner {
    const char *at;
    const char *end;
} scanner;

static void skip_space(scanner *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0') {
        scan->at++;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A name: also with the hyphens of the specification's properties. */
static amqpc_bytes scan_name(scanner *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end &&
           (is_letter(*scan->at) ||
            (scan->at > start && (is_digit(*scan->at) || strchr("-.:", *scan->at) != NULL) &&
             *scan->at != '\0'))) {
        scan->at++;
    }
    return (amqpc_bytes){start, (size_t)(scan->at - start)};
}

/* Text in single quotes, of which two stand for one; `text` has room for it. */
static bool scan_text(scanner *scan, char *text, size_t *size)
{
    *size = 0;
    for (scan->at++; scan->at < scan->end; scan->at++) {
        if (*scan->at == '\'') {
            scan->at++;
            if (scan->at == scan->end || *scan->at != '\'') {
                return true;
            }
        }
        text[(*size)++] = *scan->at;
    }
    return false;
}

static bool scan_number(scanner *scan, int64_t *number)
{
    char digits[NUMBER_MAX + 1];
    size_t size = 0;
    bool any = false;
    while (scan->at < scan->end && size < NUMBER_MAX &&
           (is_digit(*scan->at) || (size == 0 && strchr("+-", *scan->at) != NULL))) {
        any = any || is_digit(*scan->at);
        digits[size++] = *scan->at++;
    }
    digits[size] = '\0';
    bool over = scan->at < scan->end && (is_digit(*scan->at) || is_letter(*scan->at));
    *number = strtoll(digits, NULL, 10);
    return any && !over && size < NUMBER_MAX;
}

static bool scan_boolean(scanner *scan, bool *boolean)
{
    amqpc_bytes word = scan_name(scan);
    static const char *const words[] = {"false", "true", "FALSE", "TRUE"};
    for (unsigned i = 0; i < 4; i++) {
        if (word.size == strlen(words[i]) && memcmp(word.data, words[i], word.size) == 0) {
            *boolean = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool scan_value(scanner *scan, broker_selector *made, char *place)
{
    if (scan->at == scan->end) {
        return false;
    }
    if (*scan->at == '\'') {
        made->kind = SELECT_TEXT;
        made->text.data = place;
        return scan_text(scan, place, &made->text.size);
    }
    if (is_letter(*scan->at)) {
        made->kind = SELECT_BOOLEAN;
        return scan_boolean(scan, &made->boolean);
    }
    made->kind = SELECT_NUMBER;
    return scan_number(scan, &made->number);
}

/* `place` has room for as many bytes as the expression has. */
static bool parse(amqpc_bytes expression, broker_selector *made, char *place)
{
    scanner scan = {(const char *)expression.data, (const char *)expression.data + expression.size};
    skip_space(&scan);
    amqpc_bytes name = scan_name(&scan);
    if (name.size == 0) {
        return false;
    }
    memcpy(place, name.data, name.size);
    made->name = (amqpc_bytes){place, name.size};
    skip_space(&scan);
    if (scan.at == scan.end || *scan.at != '=') {
        return false;
    }
    scan.at++;
    skip_space(&scan);
    if (!scan_value(&scan, made, place + name.size)) {
        return false;
    }
    skip_space(&scan);
    return scan.at == scan.end;
}

/* The text of a described value that is a selector. */
static bool filter_text(const amqpc_value *filter, amqpc_bytes *text)
{
    amqpc_items items;
    amqpc_value parts[2];
    size_t count = 0;
    if (filter->type != AMQPC_TYPE_DESCRIBED || amqpc_items_init(filter, &items) != AMQPC_OK ||
        amqpc_items_next(&items, parts, 2, &count) != AMQPC_OK || count != 2 ||
        parts[1].type != AMQPC_TYPE_STRING) {
        return false;
    }
    *text = parts[1].as.bytes;
    bool by_code = parts[0].type == AMQPC_TYPE_ULONG && parts[0].as.u64 == filter_code;
    bool by_symbol = parts[0].type == AMQPC_TYPE_SYMBOL &&
                     parts[0].as.bytes.size == strlen(FILTER_SYMBOL) &&
                     memcmp(parts[0].as.bytes.data, FILTER_SYMBOL, strlen(FILTER_SYMBOL)) == 0;
    return by_code || by_symbol;
}

selector_result selector_read(const amqpc_allocator *allocator, const amqpc_value *filter,
                              broker_selector **selector_made)
{
    amqpc_items items;
    amqpc_value entry[2];
    amqpc_bytes text;
    size_t count = 0;
    *selector_made = NULL;
    if (filter->type != AMQPC_TYPE_MAP || filter->count == 0) {
        return SELECTOR_NONE;
    }
    if (filter->count != 2 || amqpc_items_init(filter, &items) != AMQPC_OK ||
        amqpc_items_next(&items, entry, 2, &count) != AMQPC_OK || count != 2 ||
        !filter_text(&entry[1], &text)) {
        return SELECTOR_UNSUPPORTED;
    }
    broker_selector *made =
        (broker_selector *)allocation_take_zeroed(allocator, sizeof *made + text.size + 1);
    if (made == NULL) {
        return SELECTOR_NO_MEMORY;
    }
    if (!parse(text, made, (char *)(made + 1))) {
        allocation_give_back(allocator, made);
        return SELECTOR_UNSUPPORTED;
    }
    *selector_made = made;
    return SELECTOR_MADE;
}

/* --- Matching. */

static bool is_same(const broker_selector *selector, const amqpc_value *value)
{
    switch (value->type) {
    case AMQPC_TYPE_STRING:
    case AMQPC_TYPE_SYMBOL:
    case AMQPC_TYPE_BINARY:
        return selector->kind == SELECT_TEXT && value->as.bytes.size == selector->text.size &&
               memcmp(value->as.bytes.data, selector->text.data, selector->text.size) == 0;
    case AMQPC_TYPE_BOOLEAN:
        return selector->kind == SELECT_BOOLEAN && value->as.boolean == selector->boolean;
    case AMQPC_TYPE_UBYTE:
    case AMQPC_TYPE_USHORT:
    case AMQPC_TYPE_UINT:
    case AMQPC_TYPE_ULONG:
        return selector->kind == SELECT_NUMBER && selector->number >= 0 &&
               value->as.u64 == (uint64_t)selector->number;
    case AMQPC_TYPE_BYTE:
    case AMQPC_TYPE_SHORT:
    case AMQPC_TYPE_INT:
    case AMQPC_TYPE_LONG:
    case AMQPC_TYPE_TIMESTAMP:
        return selector->kind == SELECT_NUMBER && value->as.i64 == selector->number;
    default:
        return false;
    }
}

/* Fields of the properties by their names in the specification, and in JMS. */
static const struct {
    const char *name;
    const char *field;
} jms_names[] = {
    {"JMSMessageID", "message-id"},
    {"JMSCorrelationID", "correlation-id"},
    {"JMSType", "subject"},
};

static bool is_named(const broker_selector *selector, const char *field)
{
    amqpc_bytes name = selector->name;
    for (unsigned i = 0; i < sizeof jms_names / sizeof jms_names[0]; i++) {
        if (name.size == strlen(jms_names[i].name) &&
            memcmp(name.data, jms_names[i].name, name.size) == 0) {
            return strcmp(jms_names[i].field, field) == 0;
        }
    }
    return name.size == strlen(field) && memcmp(name.data, field, name.size) == 0;
}

static amqpc_value text_value(amqpc_bytes text)
{
    amqpc_value value = {.type = AMQPC_TYPE_STRING};
    value.as.bytes = text;
    return value;
}

/* The field that the selector names; null where it names none, or the message has not. */
static amqpc_value field_of(const broker_selector *selector, const amqpc_properties *properties)
{
    const struct {
        const char *name;
        uint32_t bit;
        amqpc_value value;
    } fields[] = {
        {"message-id", AMQPC_PROPERTIES_MESSAGE_ID, properties->message_id},
        {"user-id", AMQPC_PROPERTIES_USER_ID, text_value(properties->user_id)},
        {"to", AMQPC_PROPERTIES_TO, text_value(properties->to)},
        {"subject", AMQPC_PROPERTIES_SUBJECT, text_value(properties->subject)},
        {"reply-to", AMQPC_PROPERTIES_REPLY_TO, text_value(properties->reply_to)},
        {"correlation-id", AMQPC_PROPERTIES_CORRELATION_ID, properties->correlation_id},
        {"content-type", AMQPC_PROPERTIES_CONTENT_TYPE, text_value(properties->content_type)},
        {"group-id", AMQPC_PROPERTIES_GROUP_ID, text_value(properties->group_id)},
    };
    for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (properties->present & fields[i].bit && is_named(selector, fields[i].name)) {
            return fields[i].value;
        }
    }
    return (amqpc_value){.type = AMQPC_TYPE_NULL};
}

bool selector_matches(const broker_selector *selector, amqpc_bytes payload)
{
    amqpc_value value;
    amqpc_properties properties;
    if (message_application_property(payload, selector->name, &value)) {
        return is_same(selector, &value);
    }
    if (!message_properties(payload, &properties)) {
        return false;
    }
    value = field_of(selector, &properties);
    return is_same(selector, &value);
}
