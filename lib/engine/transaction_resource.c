/* Transactions, the resource's side: what a controller asks of the coordinator, and the answers
 * (AMQP 4.2, 4.3). */
#include <string.h>

#include "codec/described.h"
#include "engine/link.h"
#include "engine/transaction.h"
#include "schema/descriptor.h"

/* Sections of a message (AMQP 3.2), by their descriptors. The layer that knows messages is beside
 * this one; of them no more is needed here than the body. */
enum {
    SECTION_FIRST = 0x70,
    SECTION_PROPERTIES = 0x73,
    SECTION_DATA = 0x75,
    SECTION_SEQUENCE = 0x76,
    SECTION_VALUE = 0x77,
    SECTION_LAST = 0x78
};

/* --- What is asked. */

/* Whether a section may follow the one before it, 0 for none, in a message whose body is one
 * amqp-value. */
static amqpc_status check_section(uint32_t section, uint32_t before, const amqpc_value *content)
{
    if (section < SECTION_FIRST || section > SECTION_LAST) {
        return AMQPC_UNKNOWN_SECTION;
    }
    if (section == SECTION_DATA || section == SECTION_SEQUENCE) {
        return AMQPC_UNKNOWN_DESCRIPTOR;
    }
    if (section <= before) {
        return section == before ? AMQPC_SECTION_REPEATED : AMQPC_SECTION_ORDER;
    }
    if (section == SECTION_VALUE) {
        return AMQPC_OK;
    }
    bool is_list = section == SECTION_FIRST || section == SECTION_PROPERTIES;
    return content->type == (is_list ? AMQPC_TYPE_LIST : AMQPC_TYPE_MAP) ? AMQPC_OK
                                                                         : AMQPC_WRONG_TYPE;
}

/* Reads the section at `data`, of *size bytes in the end. */
static amqpc_status read_section(const uint8_t *data, size_t *size, const amqpc_limits *limits,
                                 uint32_t *before, amqpc_value *content)
{
    amqpc_value section;
    amqpc_value descriptor;
    amqpc_status status = amqpc_value_decode(data, *size, limits, &section, size);
    if (status != AMQPC_OK) {
        return status;
    }
    if (section.type != AMQPC_TYPE_DESCRIBED) {
        return AMQPC_WRONG_TYPE;
    }
    status = amqpci_described_parts(&section, &descriptor, content);
    if (status == AMQPC_OK) {
        uint32_t type = amqpci_descriptor_type(&descriptor);
        status = check_section(type, *before, content);
        *before = type;
    }
    return status;
}

/* The content of the amqp-value, which must be the body. */
static amqpc_status find_body(amqpc_bytes payload, const amqpc_limits *limits, amqpc_value *body)
{
    const uint8_t *data = (const uint8_t *)payload.data;
    size_t offset = 0;
    uint32_t section = 0;
    bool found = false;
    while (offset < payload.size) {
        amqpc_value content;
        size_t size = payload.size - offset;
        amqpc_status status = read_section(data + offset, &size, limits, &section, &content);
        if (status != AMQPC_OK) {
            return status;
        }
        if (section == SECTION_VALUE) {
            *body = content;
            found = true;
        }
        offset += size;
    }
    return found ? AMQPC_OK : AMQPC_MISSING_FIELD;
}

amqpc_status amqpc_link_transaction_request(const amqpc_link *link, const amqpc_delivery *delivery,
                                            amqpc_transaction_request *request)
{
    const amqpc_limits *limits = &link->connection->limits;
    amqpc_transaction_request read = {0};
    amqpc_value body;
    if (delivery->more || delivery->aborted) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (delivery->message_format != 0) {
        return AMQPC_INVALID_FIELD;
    }
    amqpc_status status = find_body(delivery->payload, limits, &body);
    if (status != AMQPC_OK) {
        return status;
    }
    read.type = amqpc_value_composite(&body);
    if (read.type == AMQPC_COMPOSITE_DECLARE) {
        status = amqpc_declare_from_value(&body, limits, &read.as.declare);
    } else if (read.type == AMQPC_COMPOSITE_DISCHARGE) {
        status = amqpc_discharge_from_value(&body, limits, &read.as.discharge);
    } else {
        status = body.type == AMQPC_TYPE_DESCRIBED ? AMQPC_UNKNOWN_DESCRIPTOR : AMQPC_WRONG_TYPE;
    }
    /* Nobody would hear of the transaction that a settled one declares (AMQP 4.2). */
    if (status == AMQPC_OK && read.type == AMQPC_COMPOSITE_DECLARE && delivery->settled) {
        status = AMQPC_INVALID_FIELD;
    }
    if (status == AMQPC_OK) {
        *request = read;
    }
    return status;
}

/* --- The answers. */

amqpc_status amqpc_link_declared(amqpc_link *link, uint64_t number, amqpc_bytes txn_id)
{
    amqpc_value parts[2];
    const amqpc_value field = amqpci_binary_value(txn_id);
    const amqpc_value state = amqpci_composite_value(parts, AMQPC_COMPOSITE_DECLARED, &field, 1);
    return amqpc_link_update(link, number, number, &state, true);
}

static bool is_rejected(const amqpc_value *symbol)
{
    static const char name[] = "amqp:rejected:list";
    return symbol->as.bytes.size == sizeof name - 1 &&
           memcmp(symbol->as.bytes.data, name, sizeof name - 1) == 0;
}

/* The peer's source takes the outcome rejected (AMQP 3.5.3: outcomes). */
static bool takes_rejected(const amqpc_link *link)
{
    amqpc_source source;
    amqpc_items items;
    if (amqpc_link_remote_source(link, &source) != AMQPC_OK || source.outcomes.count == 0) {
        return false;
    }
    const amqpc_value *outcomes = &source.outcomes.value;
    if (outcomes->type != AMQPC_TYPE_ARRAY) {
        return is_rejected(outcomes);
    }
    amqpc_value outcome;
    size_t count = 0;
    amqpc_status status = amqpc_items_init(outcomes, &items);
    while (status == AMQPC_OK &&
           (status = amqpc_items_next(&items, &outcome, 1, &count)) == AMQPC_OK && count == 1) {
        if (is_rejected(&outcome)) {
            return true;
        }
    }
    return false;
}

amqpc_status amqpc_link_refuse_request(amqpc_link *link, uint64_t number, amqpc_status status)
{
    amqpc_error error;
    if (status == AMQPC_OK) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpci_error_of_status(status, &error);
    if (takes_rejected(link)) {
        amqpc_status rejected = amqpc_link_reject(link, number, number, &error);
        if (rejected != AMQPC_NOT_FOUND) {
            return rejected;
        }
    }
    return amqpc_link_detach(link, true, &error);
}
