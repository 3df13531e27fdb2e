/* What the broker keeps of links, by container, role and name, and for how long
 * (AMQP 2.6.1, 2.6.13, 3.5.6).
 *
 * While a link is suspended there is no link of the engine: its unsettled deliveries are bytes
 * (amqpc_link_export), and messages that a consumer has not settled stay in its list. So it is all
 * one whether the link is attached again in the same session, in another, or on another connection.
 */
#include "tools/broker/terminus.h"

#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"

/* --- The table. */

static uint64_t hash_bytes(uint64_t hash, amqpc_bytes bytes)
{
    const uint8_t *data = (const uint8_t *)bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ data[i]) * 1099511628211u; /* FNV-1a */
    }
    return hash;
}

static size_t hash_of(amqpc_bytes container, bool role, amqpc_bytes name)
{
    uint64_t hash = hash_bytes(14695981039346656037u + role, container);
    hash = hash_bytes(hash, name);
    return (size_t)(hash ^ hash >> 32);
}

static bool is_same(amqpc_bytes left, amqpc_bytes right)
{
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

broker_terminus *terminus_find(const struct broker *broker, amqpc_bytes container, bool role,
                               amqpc_bytes name)
{
    const terminus_table *table = &broker->termini;
    if (table->capacity == 0) {
        return NULL;
    }
    broker_terminus *at = table->chains[hash_of(container, role, name) & (table->capacity - 1)];
    while (at != NULL &&
           !(at->role == role && is_same(at->container, container) && is_same(at->name, name))) {
        at = at->next_of_name;
    }
    return at;
}

/* Doubles the table. Returns false where there is no memory. */
static bool grow(struct broker *broker)
{
    terminus_table *table = &broker->termini;
    size_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
    broker_terminus **chains = (broker_terminus **)allocation_take_zeroed(
        &broker->allocator, capacity * sizeof(broker_terminus *));
    if (chains == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        broker_terminus *next = NULL;
        for (broker_terminus *at = table->chains[i]; at != NULL; at = next) {
            next = at->next_of_name;
            size_t place = hash_of(at->container, at->role, at->name) & (capacity - 1);
            at->next_of_name = chains[place];
            chains[place] = at;
        }
    }
    allocation_give_back(&broker->allocator, table->chains);
    table->chains = chains;
    table->capacity = capacity;
    return true;
}

/* The list that a terminus stands in: of its connection, or of those that have none. */
static broker_terminus **list_of(const broker_terminus *terminus)
{
    return terminus->connection != NULL ? &terminus->connection->first_terminus
                                        : &terminus->broker->termini.first_orphan;
}

static void join_list(broker_terminus *terminus)
{
    struct broker_terminus **first = list_of(terminus);
    terminus->previous = NULL;
    terminus->next = *first;
    if (*first != NULL) {
        (*first)->previous = terminus;
    }
    *first = terminus;
}

static void leave_list(broker_terminus *terminus)
{
    if (terminus->previous == NULL) {
        *list_of(terminus) = terminus->next;
    } else {
        terminus->previous->next = terminus->next;
    }
    if (terminus->next != NULL) {
        terminus->next->previous = terminus->previous;
    }
}

static void set_connection(broker_terminus *terminus, struct broker_connection *connection)
{
    leave_list(terminus);
    terminus->connection = connection;
    join_list(terminus);
}

broker_terminus *terminus_new(struct broker *broker, struct broker_connection *connection,
                              amqpc_bytes container, bool role, amqpc_bytes name)
{
    terminus_table *table = &broker->termini;
    if (table->count >= table->capacity && !grow(broker)) {
        return NULL;
    }
    size_t size = role == AMQPC_ROLE_SENDER ? sizeof(broker_consumer) : sizeof(broker_producer);
    uint8_t *memory =
        (uint8_t *)allocation_take_zeroed(&broker->allocator, size + container.size + name.size);
    if (memory == NULL) {
        return NULL;
    }
    broker_terminus *made = (broker_terminus *)(void *)memory;
    memcpy(memory + size, container.data, container.size);
    memcpy(memory + size + container.size, name.data, name.size);
    made->broker = broker;
    made->connection = connection;
    made->container = (amqpc_bytes){memory + size, container.size};
    made->name = (amqpc_bytes){memory + size + container.size, name.size};
    made->role = role;
    made->id = ++table->last_id;
    made->expires_ms = UINT64_MAX;
    broker_terminus **chain =
        &table->chains[hash_of(container, role, name) & (table->capacity - 1)];
    made->next_of_name = *chain;
    *chain = made;
    table->count++;
    join_list(made);
    return made;
}

static void take_out(broker_terminus *gone)
{
    terminus_table *table = &gone->broker->termini;
    size_t place = hash_of(gone->container, gone->role, gone->name) & (table->capacity - 1);
    broker_terminus **at = &table->chains[place];
    while (*at != gone) {
        at = &(*at)->next_of_name;
    }
    *at = gone->next_of_name;
    table->count--;
    leave_list(gone);
}

void terminus_table_clean_up(struct broker *broker)
{
    while (broker->termini.first_orphan != NULL) {
        terminus_end(broker->termini.first_orphan, NULL);
    }
    allocation_give_back(&broker->allocator, broker->termini.chains);
    broker->termini.chains = NULL;
    broker->termini.capacity = 0;
}

/* --- Attached. */

bool terminus_set_expiry(broker_terminus *terminus, amqpc_bytes policy, uint32_t timeout_s)
{
    static const char *const policies[] = {"link-detach", "session-end", "connection-close",
                                           "never"};
    terminus->timeout_s = timeout_s;
    for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (is_same(policy, (amqpc_bytes){policies[i], strlen(policies[i])})) {
            terminus->expiry = (uint8_t)i;
            return true;
        }
    }
    return false;
}

void terminus_attach(broker_terminus *terminus, struct broker_connection *connection,
                     amqpc_link *link)
{
    set_connection(terminus, connection);
    terminus->link = link;
    terminus->session = amqpc_link_session(link);
    terminus->expires_ms = UINT64_MAX;
    amqpc_link_set_context(link, terminus);
    broker_touch(connection);
}

static void forget_unsettled(broker_terminus *terminus)
{
    amqpc_buffer_free(terminus->unsettled);
    message_store_discharge(&terminus->broker->store, terminus->unsettled_size);
    terminus->unsettled = NULL;
    terminus->unsettled_size = 0;
    terminus->broker->has_room_again = true;
}

void terminus_resume(broker_terminus *terminus, struct broker_connection *connection,
                     amqpc_link *link)
{
    amqpc_status status = AMQPC_OK;
    if (terminus->unsettled != NULL) {
        status = amqpc_link_import(link, amqpc_buffer_data(terminus->unsettled),
                                   amqpc_buffer_size(terminus->unsettled));
    }
    if (status != AMQPC_OK && terminus->role == AMQPC_ROLE_SENDER) {
        consumer_return_all(
            (broker_consumer *)terminus); /* without memory nothing can be resumed */
    }
    forget_unsettled(terminus);
    terminus_attach(terminus, connection, link);
    terminus->broker->totals.resumed++;
}

/* --- Suspended. */

/* What the engine still has for it is taken before it is exported. */
static void take_what_is_there(broker_terminus *terminus)
{
    if (terminus->role == AMQPC_ROLE_SENDER) {
        consumer_take_updates((broker_consumer *)terminus);
    } else {
        producer_receive((broker_producer *)terminus, true);
    }
}

/* Writes the unsettled deliveries down. Returns false where there is no memory, or no room. */
static bool export(broker_terminus *terminus)
{
    struct broker *broker = terminus->broker;
    if (terminus->role == AMQPC_ROLE_SENDER && amqpc_link_unsettled_count(terminus->link) == 0) {
        return true;
    }
    uint64_t room = broker->store.limit > broker->store.used_size
                        ? broker->store.limit - broker->store.used_size
                        : 1;
    amqpc_buffer *buffer = NULL;
    if (amqpc_buffer_new(&broker->allocator, room < SIZE_MAX ? (size_t)room : SIZE_MAX, &buffer) !=
        AMQPC_OK) {
        return false;
    }
    if (amqpc_link_export(terminus->link, buffer) != AMQPC_OK) {
        amqpc_buffer_free(buffer);
        return false;
    }
    terminus->unsettled = buffer;
    terminus->unsettled_size = amqpc_buffer_size(buffer);
    message_store_charge(&broker->store, terminus->unsettled_size);
    return true;
}

/* The link is the terminus's no more. */
static void part_from_link(broker_terminus *terminus)
{
    if (terminus->link == NULL) {
        return;
    }
    amqpc_link_set_context(terminus->link, NULL);
    terminus->link = NULL;
    if (terminus->role == AMQPC_ROLE_SENDER) {
        consumer_deactivate((broker_consumer *)terminus);
    }
}

static void note_expiry(broker_terminus *terminus)
{
    terminus_table *table = &terminus->broker->termini;
    if (terminus->expires_ms < table->next_expiry_ms) {
        table->next_expiry_ms = terminus->expires_ms;
    }
}

void terminus_leave(broker_terminus *terminus, terminus_expiry cause)
{
    amqpc_link *link = terminus->link;
    bool begins = terminus->expiry <= cause && terminus->expires_ms == UINT64_MAX;
    if (link != NULL) {
        take_what_is_there(terminus);
    }
    if ((begins && terminus->timeout_s == 0) || (link != NULL && !export(terminus))) {
        terminus_end(terminus, NULL);
        return;
    }
    part_from_link(terminus);
    if (link != NULL && cause == TERMINUS_LINK_DETACH) {
        amqpc_link_free(link); /* otherwise it goes with its session */
    }
    if (begins) {
        terminus->expires_ms = terminus->broker->now_ms + (uint64_t)terminus->timeout_s * 1000;
        note_expiry(terminus);
    }
    if (cause >= TERMINUS_SESSION_END) {
        terminus->session = NULL;
    }
    if (cause == TERMINUS_CONNECTION_CLOSE) {
        set_connection(terminus, NULL);
    }
}

void terminus_steal(broker_terminus *terminus)
{
    const amqpc_error error =
        broker_error("amqp:link:stolen", "the link was attached by another connection");
    amqpc_link *link = terminus->link;
    struct broker_connection *connection = terminus->connection;
    take_what_is_there(terminus);
    if (!export(terminus) && terminus->role == AMQPC_ROLE_SENDER) {
        consumer_return_all(
            (broker_consumer *)terminus); /* without memory nothing can be resumed */
    }
    part_from_link(terminus);
    amqpc_status status = amqpc_link_detach(link, true, &error);
    (void)status; /* where it cannot be told, the connection has failed */
    amqpc_link_free(link);
    broker_touch(connection);
    terminus->broker->totals.stolen++;
}

/* --- Over. */

/* A dynamic node that was made for it may go, too. */
static void leave_queue(broker_terminus *terminus)
{
    broker_queue *queue = terminus->queue;
    if (queue == NULL) {
        return;
    }
    if (terminus->role == AMQPC_ROLE_SENDER) {
        consumer_return_all((broker_consumer *)terminus);
        consumer_leave((broker_consumer *)terminus);
    } else {
        producer_leave((broker_producer *)terminus);
    }
    if (terminus->creates_node) {
        queue->has_creator = false;
        queue_note_lifetime(queue);
    }
    queue_dispatch(queue);
}

void terminus_end(broker_terminus *terminus, const amqpc_error *error)
{
    amqpc_link *link = terminus->link;
    part_from_link(terminus);
    if (link != NULL && error != NULL) {
        amqpc_status status = amqpc_link_detach(link, true, error);
        (void)status; /* where it cannot be told, the connection has failed */
    }
    if (link != NULL) {
        amqpc_link_free(link);
        broker_touch(terminus->connection);
    }
    take_out(terminus);
    leave_queue(terminus);
    forget_unsettled(terminus);
    const amqpc_allocator *allocator = &terminus->broker->allocator;
    if (terminus->role == AMQPC_ROLE_SENDER) {
        allocation_give_back(allocator, ((broker_consumer *)terminus)->selector);
    }
    allocation_give_back(allocator, terminus);
}

void terminus_table_expire(struct broker *broker)
{
    terminus_table *table = &broker->termini;
    if (table->next_expiry_ms > broker->now_ms) {
        return;
    }
    table->next_expiry_ms = UINT64_MAX;
    for (size_t i = 0; i < table->capacity; i++) {
        broker_terminus *next = NULL;
        for (broker_terminus *at = table->chains[i]; at != NULL; at = next) {
            next = at->next_of_name;
            if (at->expires_ms <= broker->now_ms) {
                terminus_end(at, NULL);
            } else {
                note_expiry(at);
            }
        }
    }
}
