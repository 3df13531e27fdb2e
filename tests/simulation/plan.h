/* What a simulation is to be: all that is decided before it begins, from the seed. */
#ifndef TESTS_SIMULATION_PLAN_H
#define TESTS_SIMULATION_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* The client is end 0, the server end 1. */
enum { ENDS = 2, SESSIONS_MAX = 3, ROUTES_MAX = 6, NOBODY = 2 };

typedef enum sasl_kind {
    SASL_KIND_NONE,
    SASL_KIND_ANONYMOUS,
    SASL_KIND_PLAIN,
    SASL_KIND_SCRAM
} sasl_kind;

/* A route: a link, and all that come after it under other names when it is closed. */
typedef struct route_plan {
    unsigned sender;    /* end */
    unsigned initiator; /* end that attaches first */
    unsigned session;
    uint8_t snd_settle_mode;
    uint8_t rcv_settle_mode;
    bool own_tags;     /* tags hold the message's number */
    bool streaming;    /* the receiver takes pieces */
    uint32_t prefetch; /* 0: credit is given by hand */
    uint32_t initial_delivery_count;
    uint32_t size_max; /* of its messages, in bytes */
} route_plan;

typedef struct end_plan {
    uint32_t frame_size;
    uint32_t input_slab_size;
    uint32_t idle_timeout_ms;
    uint32_t window;
    uint32_t first_transfer_id;
    uint32_t unsettled_max;
    uint64_t output_size;
    uint64_t retained_size;
    uint64_t partial_size;
    bool forgets; /* when it is cut off, only exported bytes survive */
} end_plan;

/* How often each fault comes, in a thousand turns. */
typedef struct fault_plan {
    uint32_t stall;
    uint32_t cut;
    uint32_t half_open;
    uint32_t allocation;
    uint32_t mutation;
    uint32_t delay_max_ms;
    unsigned hostile; /* end whose output is mutated; NOBODY for none */
} fault_plan;

/* How often an application does what is not sending, receiving and settling, in a thousand turns.
 */
typedef struct life_plan {
    uint32_t suspend;
    uint32_t close_link;
    uint32_t end_session;
    uint32_t drain;
    uint32_t withdraw;
    uint32_t echo;
    uint32_t abort;
    uint32_t forget; /* the sender settles before it knows the outcome */
} life_plan;

typedef struct simulation_plan {
    uint64_t seed;
    uint32_t turns; /* before the healing */
    sasl_kind sasl;
    bool eager;    /* the server opens before it is asked, the client does all before any answer */
    bool recovers; /* after a cut, links are resumed by their exports */
    bool short_of_memory; /* allocations fail: SASL gives up by that */
    bool quiet;           /* ends with a long silence, in which nothing may happen but heartbeats */
    unsigned session_count;
    unsigned session_initiator[SESSIONS_MAX];
    unsigned route_count;
    route_plan routes[ROUTES_MAX];
    end_plan ends[ENDS];
    fault_plan faults;
    life_plan life;
} simulation_plan;

/* What a run leaves out, so that one part after the other of the engine can be looked at. */
typedef struct plan_limits {
    bool no_recovery;    /* nothing is suspended, no link outlives its connection */
    bool no_hostility;   /* no mutated frames */
    bool no_allocations; /* no failing allocations */
    bool no_faults;      /* nothing of all that */
} plan_limits;

void simulation_plan_make(simulation_plan *plan, uint64_t seed, const plan_limits *limits);

#endif
