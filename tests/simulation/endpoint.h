/* One end of the simulation: an engine, and an application that makes random legal calls. */
#ifndef TESTS_SIMULATION_ENDPOINT_H
#define TESTS_SIMULATION_ENDPOINT_H

#include <amqpcodec/delivery.h>
#include <amqpcodec/event.h>
#include <amqpcodec/sasl.h>

#include "simulation/byte_pipe.h"
#include "simulation/heap.h"
#include "simulation/ledger.h"
#include "simulation/observer.h"
#include "simulation/random.h"

enum { PENDING_MAX = 64, HELD_MAX = 48, TAKE_MAX = 16, BATCH_MAX = 8, MESSAGES_OF_ROUTE = 150 };

struct endpoint;

/* A delivery that the receiver has taken, and not settled. */
typedef struct pending_delivery {
    uint64_t number;
    message *what;
    bool said;  /* the peer was told its state */
    bool tried; /* it was to be told, but memory was short */
} pending_delivery;

/* A delivery, or a piece of one, whose bytes were not released. */
typedef struct held_delivery {
    amqpc_delivery delivery;
    message *what;
    size_t offset;
} held_delivery;

/* One end of a route. */
typedef struct route_end {
    struct endpoint *end;
    const route_plan *plan;
    unsigned route;
    bool is_sender;
    uint32_t generation; /* how many links of the route were closed */
    amqpc_link *link;    /* NULL while there is none */
    bool was_attached;   /* since the link was made */
    bool event_seen;     /* there is something to take */
    bool flow_seen;      /* and not answered yet, where it asks to drain */
    uint64_t attach_at_ms;
    uint8_t *exported; /* what the last connection left */
    size_t exported_size;

    /* Sender. */
    message *streamed; /* under way, in pieces */
    size_t streamed_size;
    uint32_t made;
    message *to_settle[PENDING_MAX]; /* the receiver has said its state */
    unsigned to_settle_count;

    /* Receiver. */
    message *arriving; /* in pieces */
    uint64_t arriving_number;
    bool draining;
    pending_delivery pending[PENDING_MAX];
    unsigned pending_count;
    held_delivery held[HELD_MAX];
    unsigned held_count;
} route_end;

typedef struct session_end {
    amqpc_session *session; /* NULL while there is none */
    amqpc_session *ended;   /* that its links still belong to */
    uint64_t begin_at_ms;
    bool begun;
} session_end;

typedef struct endpoint {
    const simulation_plan *plan;
    const end_plan *own;
    ledger *book;
    unsigned index;
    random_source random;
    heap memory;
    uint64_t now_ms;
    uint64_t deadline_ms;
    bool healing; /* nothing new: what there is, is to be completed */
    bool leaving; /* the connection is to be closed */

    /* The connection. */
    amqpc_connection *connection;
    observer watch;
    byte_pipe *out;
    byte_pipe *in;
    void *lent; /* where the next input goes */
    size_t lent_size;
    bool opened;
    bool stopped; /* by lack of memory, in the midst of input */
    bool failed;
    bool fault_expected; /* a fault of the network befell this connection */
    bool over;           /* the transport is shut */
    bool output_waits;   /* not all was written that there is room for */
    session_end sessions[SESSIONS_MAX];
    route_end routes[ROUTES_MAX];
    uint64_t granted[ROUTES_MAX]; /* credit given by hand */
    uint64_t events;
    uint64_t bytes_taken;

    /* What the end took since its connection was made, for the corpus of the fuzzers. */
    bool records;
    observed_bytes record;
} endpoint;

void endpoint_init(endpoint *end, const simulation_plan *plan, ledger *book, unsigned index);

/* Frees the connection and all that the application holds. */
void endpoint_clean_up(endpoint *end);

/* Makes a new connection over these pipes; false where memory was short. */
bool endpoint_connect(endpoint *end, byte_pipe *out, byte_pipe *in);

/* Takes what can be taken, exports what is to survive, and frees the connection. */
void endpoint_disconnect(endpoint *end);

/* One turn: the time, the application, input, events, output. */
void endpoint_turn(endpoint *end, uint64_t now_ms);

/* Whether nothing is unsettled, under way or held at this end. */
bool endpoint_is_settled(const endpoint *end);

/* Breaks the rule of healing where something is. */
void endpoint_tell_unsettled(endpoint *end);

/* Whether the status is success. Anything but a lack of memory that was brought about, or the end
 * of the connection, breaks a rule. */
bool endpoint_succeeds(endpoint *end, const char *call, amqpc_status status);

/* Whether it is a failure of SASL that a lack of memory at either end explains: secrets are gone,
 * so that it is not tried again. */
bool endpoint_gives_up_sasl(const endpoint *end, amqpc_status status);

/* --- endpoint_bytes.c */

void endpoint_input(endpoint *end);
void endpoint_output(endpoint *end);
void endpoint_tick(endpoint *end);

/* --- endpoint_events.c */

void endpoint_events(endpoint *end);

/* --- endpoint_life.c: whatever the states ask for. */

void endpoint_maintain(endpoint *end);
void endpoint_random_life(endpoint *end);

/* The link is closed, and gone for good: the next one has another name. */
void route_end_close(route_end *route);

/* The same, where there is no link any more. */
void route_end_next(route_end *route, uint32_t generation);

/* Where the other end knows that the link was closed, and its detach was lost with the session or
 * the connection: as in life, somebody tells this end. */
void route_end_catch_up(route_end *route);

/* The session is unmapped: its links wait for another. */
void session_end_retire(endpoint *end, unsigned number);

/* --- recovery.c */

void route_end_export(route_end *route);
bool route_end_import(route_end *route);

/* --- sender.c, receiver.c */

void sender_act(route_end *route);
void sender_take_updates(route_end *route);
void sender_answer_drain(route_end *route);
void receiver_act(route_end *route);
void receiver_take(route_end *route, bool all);
void receiver_take_updates(route_end *route);
void receiver_release(route_end *route, unsigned index);
bool route_end_is_attached(const route_end *route);

#endif
