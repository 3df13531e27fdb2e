/* What became of every message, and the rules that all runs must keep. */
#ifndef TESTS_SIMULATION_LEDGER_H
#define TESTS_SIMULATION_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "simulation/plan.h"

/* The rules, each with a name that a failing run tells. */
typedef enum ledger_rule {
    RULE_NONE,
    RULE_ONE_FINAL_UPDATE,     /* every unsettled send ends in one last update, never in two */
    RULE_ACCEPTED_IS_RECEIVED, /* an outcome is what the receiver said of what it had received */
    RULE_RECEIVED_ONCE,        /* with receiver-settle-mode second nothing arrives twice */
    RULE_PAYLOAD,              /* the bytes are those sent, in the order sent; none is invented */
    RULE_CREDIT,               /* nobody sends beyond the credit, or gives credit nobody gave */
    RULE_WINDOW,               /* nobody sends beyond the session's window, or widens it */
    RULE_MEMORY,               /* within limits while it runs; nothing at the end */
    RULE_HEALING,              /* without faults everything is completed in time */
    RULE_EVENTS,               /* events and statuses are those the state allows; none is missing */
    RULE_SETTLED_ONCE,         /* what is sent settled arrives at most once */
    RULE_BY_REFERENCE,         /* borrowed bytes are given back once, and not before they are out */
    RULE_NO_SPINNING,          /* deadlines lie ahead; silence is silent */
    RULE_WIRE,                 /* each frame is one that the protocol allows there */
    RULE_COUNT
} ledger_rule;

const char *ledger_rule_name(ledger_rule rule);

typedef enum message_stage {
    MESSAGE_DRAFT,   /* made, the call that sends it is not over */
    MESSAGE_REFUSED, /* the call that was to send it failed */
    MESSAGE_PARTIAL, /* sent in pieces, not finished */
    MESSAGE_ABORTED,
    MESSAGE_SENT
} message_stage;

/* One message: what was done with it at both ends. */
typedef struct message {
    uint64_t id; /* from 1, in the order of sending over all routes; the deliveries' context */
    unsigned route;
    uint32_t generation; /* of the route's link */
    size_t size;
    message_stage stage;
    bool presettled;
    bool by_reference;
    uint8_t *buffer; /* what the engine borrows */
    bool returned;   /* what it borrowed is given back */

    /* At the sender. */
    uint64_t number;  /* of this attachment */
    uint32_t outcome; /* what the last update said */
    uint32_t final_updates;
    bool self_settled; /* by a call of the sender */
    bool unknown;
    bool abandoned;   /* its link is gone for good */
    bool imported;    /* by the import that is being looked at */
    bool interrupted; /* its link, or its connection, went when it was made */
    bool may_be_lost; /* sent settled, and then its link or its connection went */

    /* At the receiver. */
    uint32_t received; /* how often it came whole */
    size_t partial_size;
    uint32_t decision; /* the outcome it was given; 0 for none yet */
    uint8_t tag[32];
    size_t tag_size;
} message;

typedef struct ledger_statistics {
    uint64_t sent;
    uint64_t presettled;
    uint64_t by_reference;
    uint64_t streamed;
    uint64_t aborted;
    uint64_t received;
    uint64_t duplicates;
    uint64_t settled;
    uint64_t unknown;
    uint64_t resumed;
} ledger_statistics;

typedef struct ledger_route {
    uint64_t last_first_received; /* id of the latest message that came for the first time */
    uint64_t sent;
    uint32_t generation; /* links of the route that were closed, as one end at least knows */
} ledger_route;

typedef struct ledger {
    const simulation_plan *plan;
    message **messages; /* the one with id i at i - 1 */
    size_t count;
    size_t capacity;
    ledger_route routes[ROUTES_MAX];
    bool tainted; /* a peer is hostile: what arrives says nothing about the engine that sent it */
    ledger_rule broken;
    char account[512];
    ledger_statistics statistics;
} ledger;

void ledger_init(ledger *book, const simulation_plan *plan);
void ledger_clean_up(ledger *book);

/* Notes that a rule is broken; the first one counts. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void ledger_break(ledger *book, ledger_rule rule, const char *format, ...);

/* As ledger_break, but only where both ends are ours: a hostile peer may have caused it. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void ledger_break_if_friendly(ledger *book, ledger_rule rule, const char *format, ...);

/* A new message of a route; its buffer holds its content. */
message *ledger_add(ledger *book, unsigned route, uint32_t generation, size_t size);

/* The message with this id, or NULL. */
message *ledger_get(const ledger *book, uint64_t id);

/* The message of a route that was received with this tag, or NULL. */
message *ledger_get_by_tag(const ledger *book, unsigned route, const void *tag, size_t size);

/* The sender's call was successful. */
void ledger_sent(ledger *book, message *sent);

/* An update came to the sender. */
void ledger_updated(ledger *book, message *updated, uint32_t state_type, bool settled,
                    bool unknown);

/* What the engine borrowed is given back: nothing may read it any more. */
void ledger_return_buffer(message *returned);

/* The same of all that an end has sent: its connection is freed. */
void ledger_return_all(ledger *book, unsigned end);

/* A piece came, or the whole: `more` tells. */
void ledger_received(ledger *book, message *received, const void *data, size_t size, bool resumed,
                     bool more);

/* The receiver gives an outcome. */
void ledger_decided(message *decided, uint32_t outcome);

/* A message of the route that the sender cannot hear of any more: its link is gone. */
void ledger_abandon(ledger *book, unsigned route, uint32_t generation);

/* The route's link goes: what was sent settled may not arrive any more, what was sent unsettled may
 * have arrived in part. */
void ledger_interrupt(ledger *book, unsigned route);

/* Bytes that lie in a buffer that was given back must not be sent. */
void ledger_check_output(ledger *book, const void *data, size_t size);

/* Whether all that can be expected has happened. */
bool ledger_is_complete(const ledger *book, const message **incomplete);

/* The checks after the run. */
void ledger_check_end(ledger *book);

#endif
