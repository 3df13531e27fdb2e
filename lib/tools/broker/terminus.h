/* What the broker keeps of a link: its end here, also while the link is not attached (AMQP 2.6.1,
 * 3.5.3, 3.5.6). */
#ifndef AMQPCODEC_TOOLS_BROKER_TERMINUS_H
#define AMQPCODEC_TOOLS_BROKER_TERMINUS_H

#include <amqpcodec/amqpcodec.h>

struct broker;
struct broker_connection;
struct broker_queue;

/* When the time of a terminus begins to run out (AMQP 3.5.6), and what may happen to it, in one
 * order: what happens begins it where the policy is the same, or comes before. */
typedef enum terminus_expiry {
    TERMINUS_LINK_DETACH = 0,
    TERMINUS_SESSION_END = 1,
    TERMINUS_CONNECTION_CLOSE = 2,
    TERMINUS_NEVER = 3
} terminus_expiry;

/* One end of a link: the first member of a consumer or a producer.
 *
 * role          of this end: AMQPC_ROLE_SENDER is a consumer's
 * connection    with which it is attached, or was before it is known what becomes of it; NULL
 *               where the connection is gone
 * link          NULL while it is suspended
 * session       of its last attachment; NULL where it has ended
 * queue         NULL for the anonymous relay
 * container     who the peer is: its identity, NUL, its container-id
 * expires_ms    of the broker's clock; UINT64_MAX while that is not known
 * unsettled     of a suspended one: what amqpc_link_export wrote; NULL for nothing
 * unsettled_size  what of it is counted as the store's */
typedef struct broker_terminus {
    struct broker_terminus *next_of_name;
    struct broker_terminus *previous; /* of the connection's, or of the broker's that have none */
    struct broker_terminus *next;
    struct broker *broker;
    struct broker_connection *connection;
    amqpc_link *link;
    amqpc_session *session;
    struct broker_queue *queue;
    amqpc_bytes container;
    amqpc_bytes name;
    amqpc_buffer *unsettled;
    uint64_t unsettled_size;
    uint64_t id;
    uint64_t expires_ms;
    uint32_t timeout_s;
    uint8_t expiry; /* terminus_expiry */
    bool role;
    bool creates_node; /* its queue is dynamic, and was made for it */
} broker_terminus;

/* All termini, by container, role and name. */
typedef struct terminus_table {
    broker_terminus **chains;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    broker_terminus *first_orphan; /* those whose connection is gone */
    uint64_t next_expiry_ms;
    uint64_t last_id;
} terminus_table;

void terminus_table_clean_up(struct broker *broker);

/* The terminus, or NULL. */
broker_terminus *terminus_find(const struct broker *broker, amqpc_bytes container, bool role,
                               amqpc_bytes name);

/* Makes a consumer or a producer, attached to nothing yet but its connection, and puts it into the
 * table. NULL where there is no memory. */
broker_terminus *terminus_new(struct broker *broker, struct broker_connection *connection,
                              amqpc_bytes container, bool role, amqpc_bytes name);

/* Takes the policy of the attach that makes or renews it. Returns false for a policy that is none.
 */
bool terminus_set_expiry(broker_terminus *terminus, amqpc_bytes policy, uint32_t timeout_s);

/* The link works: it stands for the terminus from now on. */
void terminus_attach(broker_terminus *terminus, struct broker_connection *connection,
                     amqpc_link *link);

/* As terminus_attach, of one that was suspended: what is unsettled goes on with the link, whose
 * attach is not answered yet. */
void terminus_resume(broker_terminus *terminus, struct broker_connection *connection,
                     amqpc_link *link);

/* The link is detached, its session has ended, or its connection: the terminus is kept with its
 * unsettled deliveries, or is over, as its policy says. The link is freed where its session goes
 * on. */
void terminus_leave(broker_terminus *terminus, terminus_expiry cause);

/* The link was attached by another connection: the first one is detached with amqp:link:stolen,
 * and the unsettled deliveries are kept for the new one. */
void terminus_steal(broker_terminus *terminus);

/* It is over: what a consumer has not settled goes back to its queue, and the link, where there
 * is one, is closed with the error, which may be NULL. */
void terminus_end(broker_terminus *terminus, const amqpc_error *error);

/* Ends those whose time is over. */
void terminus_table_expire(struct broker *broker);

#endif
