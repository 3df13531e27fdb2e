/* Attaching links: which node is meant, what of it is supported, and what the answer says
 * (AMQP 2.6.3, 3.5). */
#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"

/* An attach on its way to an answer.
 *
 * error      why it is refused; its condition is of size 0 where it is not
 * container  of the peer, as in terminus.container; allocated
 * known      the terminus of an earlier attachment; NULL for none
 * node       NULL for the anonymous relay
 * is_new     the node was made for this link */
typedef struct attaching {
    broker_connection *connection;
    struct broker *broker;
    amqpc_link *link;
    amqpc_attach attach;
    amqpc_source source;
    amqpc_target target;
    amqpc_error error;
    amqpc_bytes container;
    broker_terminus *known;
    broker_queue *node;
    bool is_new;
} attaching;

static void refuse(attaching *work, const char *condition, const char *description)
{
    if (work->error.condition.size == 0) {
        work->error = broker_error(condition, description);
    }
}

static bool is_refused(const attaching *work)
{
    return work->error.condition.size > 0;
}

/* Who the peer is: links of others cannot be stolen by their name. */
static void find_container(attaching *work)
{
    amqpc_open open;
    amqpc_bytes identity = amqpc_sasl_identity(work->connection->connection);
    if (amqpc_connection_remote_open(work->connection->connection, &open) != AMQPC_OK) {
        refuse(work, "amqp:internal-error", "there is no open");
        return;
    }
    size_t size = identity.size + 1 + open.container_id.size;
    char *place = (char *)allocation_take_zeroed(&work->broker->allocator, size);
    if (place == NULL) {
        refuse(work, "amqp:resource-limit-exceeded", "no memory");
        return;
    }
    if (identity.size > 0) {
        memcpy(place, identity.data, identity.size);
    }
    if (open.container_id.size > 0) {
        memcpy(place + identity.size + 1, open.container_id.data, open.container_id.size);
    }
    work->container = (amqpc_bytes){place, size};
}

/* --- Nodes. */

/* How long a dynamic node lives: the lifetime-policy among its properties (AMQP 3.5.9). */
static queue_lifetime lifetime_of(const amqpc_value *properties)
{
    amqpc_value policy;
    if (properties->type != AMQPC_TYPE_MAP ||
        amqpc_map_get(properties, "lifetime-policy", strlen("lifetime-policy"), &policy) !=
            AMQPC_OK ||
        policy.type != AMQPC_TYPE_DESCRIBED) {
        return QUEUE_UNTIL_CLOSE;
    }
    switch (amqpc_value_composite(&policy)) {
    case AMQPC_COMPOSITE_DELETE_ON_NO_LINKS:
        return QUEUE_UNTIL_NO_LINKS;
    case AMQPC_COMPOSITE_DELETE_ON_NO_MESSAGES:
        return QUEUE_UNTIL_NO_MESSAGES;
    case AMQPC_COMPOSITE_DELETE_ON_NO_LINKS_OR_MESSAGES:
        return QUEUE_UNTIL_NO_LINKS_OR_MESSAGES;
    default:
        return QUEUE_UNTIL_CLOSE;
    }
}

static void find_dynamic_node(attaching *work, const amqpc_value *properties)
{
    if (work->known != NULL && work->known->creates_node) {
        work->node = work->known->queue;
        return;
    }
    work->node = queue_new_dynamic(work->broker, lifetime_of(properties));
    work->is_new = work->node != NULL;
    if (work->node == NULL) {
        refuse(work, "amqp:resource-limit-exceeded", "there are too many nodes");
    }
}

static void find_node(attaching *work, amqpc_bytes address)
{
    bool exists = !queue_name_is_dynamic(address) || queue_find(work->broker, address) != NULL;
    if (!exists) {
        refuse(work, "amqp:not-found", "the dynamic node does not exist any more");
        return;
    }
    work->node = queue_of_name(work->broker, address);
    if (work->node == NULL) {
        refuse(work, "amqp:resource-limit-exceeded", "there are too many nodes");
    }
}

/* --- Termini. */

/* The terminus of old, where it is of the same node; otherwise a new one. NULL where it is refused.
 *
 * resumed  set where it is of old */
static broker_terminus *find_terminus(attaching *work, bool role, bool *resumed)
{
    *resumed = false;
    if (work->known != NULL && work->known->queue == work->node) {
        *resumed = true;
        return work->known;
    }
    if (work->known != NULL) {
        terminus_end(work->known, NULL);
        work->known = NULL;
    }
    if (work->broker->termini.count >= work->broker->options.links) {
        refuse(work, "amqp:resource-limit-exceeded", "there are too many links");
        return NULL;
    }
    broker_terminus *made = terminus_new(work->broker, work->connection, work->container, role,
                                         amqpc_link_name(work->link));
    if (made == NULL) {
        refuse(work, "amqp:resource-limit-exceeded", "no memory");
    }
    return made;
}

static void set_creator(const attaching *work, broker_terminus *terminus)
{
    if (work->is_new) {
        terminus->creates_node = true;
        work->node->has_creator = true;
    }
}

/* The engine's link stands for the terminus, and the answer goes out. */
static void answer(attaching *work, broker_terminus *terminus, bool resumed,
                   const amqpc_attach *attach, const amqpc_source *source,
                   const amqpc_target *target)
{
    if (resumed) {
        terminus_resume(terminus, work->connection, work->link);
    } else {
        terminus_attach(terminus, work->connection, work->link);
    }
    work->broker->totals.links++;
    if (amqpc_link_attach(work->link, attach, source, target) != AMQPC_OK) {
        terminus_end(terminus, NULL);
    } else if (terminus->role == AMQPC_ROLE_RECEIVER) {
        producer_attached((broker_producer *)terminus, &work->attach);
        producer_give_credit((broker_producer *)terminus);
    }
}

/* --- A consumer: the peer receives. */

static void check_source(attaching *work)
{
    const amqpc_source *source = &work->source;
    if (amqpc_link_remote_source(work->link, &work->source) != AMQPC_OK) {
        refuse(work, "amqp:invalid-field", "a receiver has to name its source");
        return;
    }
    bool named = source->present & AMQPC_SOURCE_ADDRESS && source->address.size > 0;
    if (source->dynamic == named && !(source->dynamic && work->known != NULL)) {
        refuse(work, "amqp:invalid-field", "a source has an address, or is dynamic");
    }
}

static broker_selector *read_selector(attaching *work)
{
    broker_selector *made = NULL;
    amqpc_value filter = {.type = AMQPC_TYPE_NULL};
    if (work->source.present & AMQPC_SOURCE_FILTER) {
        filter = work->source.filter;
    }
    switch (selector_read(&work->broker->allocator, &filter, &made)) {
    case SELECTOR_UNSUPPORTED:
        refuse(work, "amqp:not-implemented",
               "the only filter is a selector of the form name = 'value'");
        break;
    case SELECTOR_NO_MEMORY:
        refuse(work, "amqp:resource-limit-exceeded", "no memory");
        break;
    default:
        break;
    }
    return made;
}

static void answer_consumer(attaching *work, broker_consumer *consumer, bool resumed)
{
    static const char *const names[] = {"amqp:accepted:list", "amqp:rejected:list",
                                        "amqp:released:list", "amqp:modified:list"};
    amqpc_bytes outcomes[4];
    for (unsigned i = 0; i < 4; i++) {
        outcomes[i] = (amqpc_bytes){names[i], strlen(names[i])};
    }
    amqpc_source source = work->source;
    source.present |= AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_OUTCOMES;
    source.present &= ~(uint32_t)AMQPC_SOURCE_CAPABILITIES;
    source.address = work->node->name;
    source.outcomes = (amqpc_symbols){.count = 4, .items = outcomes};
    answer(work, &consumer->terminus, resumed, NULL, &source, NULL);
}

static void attach_consumer(attaching *work)
{
    bool resumed = false;
    check_source(work);
    broker_selector *selector = is_refused(work) ? NULL : read_selector(work);
    if (!is_refused(work) && work->source.dynamic) {
        find_dynamic_node(work, &work->source.dynamic_node_properties);
    } else if (!is_refused(work)) {
        find_node(work, work->source.address);
    }
    broker_terminus *terminus =
        is_refused(work) ? NULL : find_terminus(work, AMQPC_ROLE_SENDER, &resumed);
    if (terminus == NULL) {
        allocation_give_back(&work->broker->allocator, selector);
        return;
    }
    broker_consumer *consumer = (struct broker_consumer *)terminus;
    if (resumed) {
        consumer_leave(consumer);
    }
    terminus->queue = work->node;
    consumer_configure(consumer, &work->attach, &work->source, selector);
    consumer_join(consumer);
    set_creator(work, terminus);
    if (terminus_set_expiry(terminus, work->source.expiry_policy, work->source.timeout)) {
        answer_consumer(work, consumer, resumed);
        return;
    }
    terminus_end(terminus, NULL);
    refuse(work, "amqp:invalid-field", "there is no such expiry-policy");
}

/* --- A producer: the peer sends. */

static void check_target(attaching *work)
{
    if (work->attach.present & AMQPC_ATTACH_TARGET &&
        amqpc_value_composite(&work->attach.target) == AMQPC_COMPOSITE_COORDINATOR) {
        refuse(work, "amqp:not-implemented", "there are no transactions here");
        return;
    }
    if (amqpc_link_remote_target(work->link, &work->target) != AMQPC_OK) {
        refuse(work, "amqp:invalid-field", "a sender has to name its target");
        return;
    }
    bool named = work->target.present & AMQPC_TARGET_ADDRESS && work->target.address.size > 0;
    if (named && work->target.dynamic && work->known == NULL) {
        refuse(work, "amqp:invalid-field", "a target has an address, or is dynamic");
    }
}

static void answer_producer(attaching *work, broker_producer *producer, bool resumed)
{
    amqpc_attach attach = {.present = AMQPC_ATTACH_MAX_MESSAGE_SIZE,
                           .max_message_size = work->broker->options.message_size};
    amqpc_target target = work->target;
    target.present &= ~(uint32_t)AMQPC_TARGET_CAPABILITIES;
    if (work->node != NULL) {
        target.present |= AMQPC_TARGET_ADDRESS;
        target.address = work->node->name;
    }
    answer(work, &producer->terminus, resumed, &attach, NULL, &target);
}

static void attach_producer(attaching *work)
{
    bool resumed = false;
    check_target(work);
    bool named = work->target.present & AMQPC_TARGET_ADDRESS && work->target.address.size > 0;
    if (!is_refused(work) && work->target.dynamic) {
        find_dynamic_node(work, &work->target.dynamic_node_properties);
    } else if (!is_refused(work) && named) {
        find_node(work, work->target.address);
    }
    broker_terminus *terminus =
        is_refused(work) ? NULL : find_terminus(work, AMQPC_ROLE_RECEIVER, &resumed);
    if (terminus == NULL) {
        return;
    }
    terminus->queue = work->node;
    if (!resumed) {
        producer_join((broker_producer *)terminus);
    }
    set_creator(work, terminus);
    if (terminus_set_expiry(terminus, work->target.expiry_policy, work->target.timeout)) {
        answer_producer(work, (broker_producer *)terminus, resumed);
        return;
    }
    terminus_end(terminus, NULL);
    refuse(work, "amqp:invalid-field", "there is no such expiry-policy");
}

/* A dynamic node without the link that it was made for. */
static void drop_new_node(const attaching *work)
{
    if (work->is_new && !work->node->has_creator) {
        queue_note_lifetime(work->node);
    }
}

static void find_known(attaching *work)
{
    work->known = terminus_find(work->broker, work->container, amqpc_link_role(work->link),
                                amqpc_link_name(work->link));
    if (work->known != NULL && work->known->link != NULL) {
        terminus_steal(work->known);
    }
}

void broker_attach(broker_connection *connection, amqpc_link *link)
{
    attaching work = {.connection = connection, .broker = connection->broker, .link = link};
    if (amqpc_link_remote_attach(link, &work.attach) != AMQPC_OK) {
        return;
    }
    if (work.broker->is_stopping) {
        refuse(&work, "amqp:connection:forced", "the broker is stopping");
    } else {
        find_container(&work);
    }
    if (!is_refused(&work)) {
        find_known(&work);
    }
    if (!is_refused(&work) && amqpc_link_role(link) == AMQPC_ROLE_SENDER) {
        attach_consumer(&work);
    } else if (!is_refused(&work)) {
        attach_producer(&work);
    }
    if (is_refused(&work)) {
        drop_new_node(&work);
        amqpc_status status = amqpc_link_refuse(link, &work.error);
        (void)status; /* where it cannot be told, the connection has failed */
        amqpc_link_free(link);
    }
    broker_touch(connection);
    allocation_give_back(&work.broker->allocator, (void *)(uintptr_t)work.container.data);
}
