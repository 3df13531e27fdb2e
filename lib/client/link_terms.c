/* What a link is attached with, encoded once: it is said again with every connection. */
#include "client/client_link.h"

#include <stdio.h>
#include <string.h>

#include "codec/sink.h"
#include "schema/generated/composite.h"

#define SELECTOR "apache.org:selector-filter:string"

enum { FILTERS_MAX = 31 /* of a source, to which a selector is added */ };

/* The pieces of an attach while it is put together. */
typedef struct parts {
    amqpc_buffer *source;
    amqpc_buffer *target;
    amqpc_buffer *attach;
    amqpc_value filters[2 * FILTERS_MAX + 2];
    amqpc_value selector[2];
    amqpc_bytes capabilities[AMQPCI_CAPABILITIES_MAX];
    char name[64];
} parts;

/* --- Termini. */

static amqpc_value text_value(uint8_t type, const char *text)
{
    amqpc_value value = {.type = type};
    value.as.bytes = amqpci_text(text);
    return value;
}

/* The entries of the filter that the program gave. */
static amqpc_status copy_filters(const amqpc_value *filter, parts *with, uint32_t *count)
{
    amqpc_items items;
    size_t read = 0;
    if (filter->type != AMQPC_TYPE_MAP || filter->count > 2 * FILTERS_MAX) {
        return AMQPC_INVALID_ARGUMENT;
    }
    *count = filter->count;
    if (filter->form == AMQPC_FORM_ITEMS) {
        memcpy(with->filters, filter->as.items, filter->count * sizeof *filter->as.items);
        return AMQPC_OK;
    }
    amqpc_status status = amqpc_items_init(filter, &items);
    return status == AMQPC_OK ? amqpc_items_next(&items, with->filters, filter->count, &read)
                              : status;
}

static amqpc_status add_selector(const char *selector, parts *with, amqpc_source *source)
{
    uint32_t count = 0;
    amqpc_status status = AMQPC_OK;
    if (source->present & AMQPC_SOURCE_FILTER) {
        status = copy_filters(&source->filter, with, &count);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    with->selector[0] = text_value(AMQPC_TYPE_SYMBOL, SELECTOR);
    with->selector[1] = text_value(AMQPC_TYPE_STRING, selector);
    with->filters[count] = text_value(AMQPC_TYPE_SYMBOL, SELECTOR);
    with->filters[count + 1] =
        (amqpc_value){.type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2};
    with->filters[count + 1].as.items = with->selector;
    source->filter =
        (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = count + 2};
    source->filter.as.items = with->filters;
    source->present |= AMQPC_SOURCE_FILTER;
    return AMQPC_OK;
}

/* The value of a composite that was encoded into a buffer. */
static amqpc_status value_of(const amqpc_buffer *buffer, amqpc_value *value)
{
    return amqpc_value_decode(amqpc_buffer_data(buffer), amqpc_buffer_size(buffer), NULL, value,
                              NULL);
}

/* address: NULL for that of `given`, or none */
static amqpc_status encode_source(const amqpci_link_terms *terms, const char *address, parts *with,
                                  amqpc_value *value)
{
    amqpci_sink sink;
    amqpc_source source = {.present = 0};
    amqpc_status status = AMQPC_OK;
    if (terms->source != NULL) {
        source = *terms->source;
    }
    if (address != NULL) {
        source.present |= AMQPC_SOURCE_ADDRESS;
        source.address = amqpci_text(address);
    }
    if (terms->selector != NULL) {
        status = add_selector(terms->selector, with, &source);
    }
    amqpci_sink_init_growable(&sink, with->source);
    if (status == AMQPC_OK) {
        status = amqpci_encode_source(&sink, &source);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_publish(&sink);
    return value_of(with->source, value);
}

/* AMQP 4.5.1, 4.5.7. */
static amqpc_status encode_coordinator(const char *capabilities, parts *with, amqpci_sink *sink)
{
    amqpc_coordinator coordinator = {.present = 0};
    if (!amqpci_split_symbols(capabilities, with->capabilities, &coordinator.capabilities)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (coordinator.capabilities.count > 0) {
        coordinator.present |= AMQPC_COORDINATOR_CAPABILITIES;
    }
    return amqpci_encode_coordinator(sink, &coordinator);
}

static amqpc_status encode_target(const amqpci_link_terms *terms, const char *address, parts *with,
                                  amqpc_value *value)
{
    amqpci_sink sink;
    amqpc_target target = {.present = 0};
    if (terms->target != NULL) {
        target = *terms->target;
    }
    if (address != NULL) {
        target.present |= AMQPC_TARGET_ADDRESS;
        target.address = amqpci_text(address);
    }
    amqpci_sink_init_growable(&sink, with->target);
    amqpc_status status = terms->coordinator != NULL
                              ? encode_coordinator(terms->coordinator, with, &sink)
                              : amqpci_encode_target(&sink, &target);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_publish(&sink);
    return value_of(with->target, value);
}

/* --- The whole. */

static const char *choose_name(amqpc_client *client, const amqpci_link_terms *terms, parts *with)
{
    client->link_count++;
    if (terms->name != NULL) {
        return terms->name;
    }
    (void)snprintf(with->name, sizeof with->name, "%s-%llu", client->name,
                   (unsigned long long)client->link_count);
    return with->name;
}

/* The address is that of the terminus at the peer; that of ours is the link's name, unless the
 * program says another. */
static amqpc_status fill_termini(const amqpci_link_terms *terms, const char *name, parts *with,
                                 amqpc_attach *attach)
{
    bool sends = terms->role == AMQPC_ROLE_SENDER;
    bool has_source = terms->source != NULL && terms->source->present & AMQPC_SOURCE_ADDRESS;
    bool has_target = terms->target != NULL && terms->target->present & AMQPC_TARGET_ADDRESS;
    const char *own_source = has_source || terms->coordinator != NULL ? NULL : name;
    const char *own_target = has_target ? NULL : name;
    if (!sends && terms->address == NULL && terms->source == NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status =
        encode_source(terms, sends ? own_source : terms->address, with, &attach->source);
    if (status == AMQPC_OK) {
        status = encode_target(terms, sends ? terms->address : own_target, with, &attach->target);
    }
    return status;
}

static amqpc_status fill_attach(amqpc_client *client, const amqpci_link_terms *terms, parts *with,
                                amqpc_attach *attach)
{
    const char *name = choose_name(client, terms, with);
    *attach = (amqpc_attach){
        .present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                   AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE |
                   AMQPC_ATTACH_SOURCE | AMQPC_ATTACH_TARGET,
        .name = amqpci_text(name),
        .role = terms->role,
        .snd_settle_mode = terms->snd_settle_mode,
        .rcv_settle_mode = terms->rcv_settle_mode,
    };
    if (terms->max_message_size > 0) {
        attach->present |= AMQPC_ATTACH_MAX_MESSAGE_SIZE;
        attach->max_message_size = terms->max_message_size;
    }
    if (terms->properties != NULL) {
        attach->present |= AMQPC_ATTACH_PROPERTIES;
        attach->properties = *terms->properties;
    }
    if (terms->capabilities != NULL) {
        attach->present |= AMQPC_ATTACH_DESIRED_CAPABILITIES;
        if (!amqpci_split_symbols(terms->capabilities, with->capabilities,
                                  &attach->desired_capabilities)) {
            return AMQPC_INVALID_ARGUMENT;
        }
    }
    return fill_termini(terms, name, with, attach);
}

static amqpc_status encode(amqpc_client *client, const amqpci_link_terms *terms, parts *with)
{
    amqpci_sink sink;
    amqpc_attach attach;
    amqpc_status status = amqpc_buffer_new(&client->allocator, SIZE_MAX, &with->source);
    if (status == AMQPC_OK) {
        status = amqpc_buffer_new(&client->allocator, SIZE_MAX, &with->target);
    }
    if (status == AMQPC_OK) {
        status = amqpc_buffer_new(&client->allocator, SIZE_MAX, &with->attach);
    }
    if (status == AMQPC_OK) {
        status = fill_attach(client, terms, with, &attach);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_init_growable(&sink, with->attach);
    status = amqpci_encode_attach(&sink, &attach);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_sink_publish(&sink);
    /* What the program gave may be no map, no text, no name: it is looked at as a peer would. */
    return amqpc_attach_decode(amqpc_buffer_data(with->attach), amqpc_buffer_size(with->attach),
                               NULL, &attach, NULL);
}

amqpc_status amqpci_client_link_terms_encode(amqpc_client *client, const amqpci_link_terms *terms,
                                             amqpc_buffer **buffer)
{
    parts with = {.source = NULL};
    amqpc_status status = encode(client, terms, &with);
    amqpc_buffer_free(with.source);
    amqpc_buffer_free(with.target);
    if (status == AMQPC_OK) {
        *buffer = with.attach;
        return status;
    }
    amqpc_buffer_free(with.attach);
    return status == AMQPC_NO_MEMORY ? status : AMQPC_INVALID_ARGUMENT;
}

static bool is_never(uint32_t present, amqpc_bytes policy)
{
    static const char never[] = "never";
    return present != 0 && policy.size == sizeof never - 1 &&
           memcmp(policy.data, never, policy.size) == 0;
}

static bool does_source_last(const amqpc_value *value)
{
    amqpc_source source;
    return amqpc_source_from_value(value, NULL, &source) == AMQPC_OK &&
           ((source.present & AMQPC_SOURCE_TIMEOUT && source.timeout > 0) ||
            is_never(source.present & AMQPC_SOURCE_EXPIRY_POLICY, source.expiry_policy));
}

static bool does_target_last(const amqpc_value *value)
{
    amqpc_target target;
    return amqpc_target_from_value(value, NULL, &target) == AMQPC_OK &&
           ((target.present & AMQPC_TARGET_TIMEOUT && target.timeout > 0) ||
            is_never(target.present & AMQPC_TARGET_EXPIRY_POLICY, target.expiry_policy));
}

bool amqpci_client_link_terms_last(const amqpc_buffer *terms)
{
    amqpc_attach attach;
    amqpc_status status = amqpc_attach_decode(amqpc_buffer_data(terms), amqpc_buffer_size(terms),
                                              NULL, &attach, NULL);
    if (status != AMQPC_OK) {
        return false;
    }
    return attach.role == AMQPC_ROLE_RECEIVER ? does_source_last(&attach.source)
                                              : does_target_last(&attach.target);
}
