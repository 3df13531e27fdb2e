/* Selectors: which messages a consumer wants, by one property (filter
 * apache.org:selector-filter:string). */
#ifndef AMQPCODEC_TOOLS_BROKER_SELECTOR_H
#define AMQPCODEC_TOOLS_BROKER_SELECTOR_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/value.h>
#include <stdbool.h>

typedef enum selector_kind { SELECT_TEXT = 0, SELECT_NUMBER = 1, SELECT_BOOLEAN = 2 } selector_kind;

/* name = value, the only form that is supported.
 *
 * name    of an application property, or of a field of the properties: "subject"
 * text    without its quotes */
typedef struct broker_selector {
    selector_kind kind;
    amqpc_bytes name;
    amqpc_bytes text;
    int64_t number;
    bool boolean;
} broker_selector;

typedef enum selector_result {
    SELECTOR_MADE = 0,
    SELECTOR_NONE = 1,        /* there is no filter: all messages */
    SELECTOR_UNSUPPORTED = 2, /* it is refused with amqp:not-implemented */
    SELECTOR_NO_MEMORY = 3
} selector_result;

/* Reads the filter of a source (AMQP 3.5.8).
 *
 * filter    a map, or null
 * selector  receives one allocated block, where there is one */
selector_result selector_read(const amqpc_allocator *allocator, const amqpc_value *filter,
                              broker_selector **selector);

/* The application property of the name decides; where there is none, the field of the properties
 * (AMQP 3.2.4) of the name. */
bool selector_matches(const broker_selector *selector, amqpc_bytes payload);

#endif
