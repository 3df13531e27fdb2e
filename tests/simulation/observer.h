/* Reads all frames that one end sends and takes, and checks that what it sends is what it may send
 * after what it was told: credit, windows, ids, handles and channels (AMQP 2.5.6, 2.6.7).
 *
 * It knows nothing of the engine's state: only frames. */
#ifndef TESTS_SIMULATION_OBSERVER_H
#define TESTS_SIMULATION_OBSERVER_H

#include <amqpcodec/performative.h>

#include "simulation/ledger.h"

enum { OBSERVED_LINKS = 16, OBSERVED_SESSIONS = 8, OBSERVED_NAME_SIZE = 24 };

typedef struct observed_link {
    bool sent_attach; /* and no detach since */
    bool got_attach;
    uint32_t out_handle;
    uint32_t in_handle;
    char name[OBSERVED_NAME_SIZE];
    bool is_sender;
    unsigned route;
    uint32_t first_count;  /* initial-delivery-count */
    uint32_t count;        /* of deliveries begun */
    uint32_t limit;        /* the highest delivery-count plus credit that was told */
    uint32_t early_credit; /* told before this end had sent its attach */
    bool early_drain;      /* the same of drain */
    uint32_t drainable;    /* sender: credit that the peer wants used or given back */
    bool in_delivery;
    bool settled; /* the delivery that is under way */
    bool resumes;
} observed_link;

typedef struct observed_session {
    bool sent_begin;
    bool got_begin;
    bool sent_end;
    bool got_end;
    uint16_t out_channel;
    uint16_t in_channel;
    uint32_t next_out_id;   /* transfer-id of the next transfer frame that is sent */
    uint32_t peer_window;   /* of the peer's begin */
    uint32_t window_limit;  /* the first transfer-id that was never allowed */
    uint32_t next_delivery; /* delivery-id that the next delivery must have */
    uint32_t next_in_id;
    uint32_t next_in_delivery;
    bool in_delivery_known;
    observed_link links[OBSERVED_LINKS];
} observed_session;

/* A direction: a frame that has come in part. */
typedef struct observed_bytes {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
} observed_bytes;

typedef struct observer {
    ledger *book;
    unsigned end;
    bool traces; /* prints what the end sends */
    uint64_t now_ms;
    const uint64_t *granted; /* credit given by hand, for each route, in all */
    observed_bytes out;
    observed_bytes in;
    bool sent_open;
    bool sent_close;
    uint32_t peer_frame_size;
    observed_session sessions[OBSERVED_SESSIONS];
    bool sent_incomplete[ROUTES_MAX]; /* the last attach did not name all that is unsettled */
    bool got_incomplete[ROUTES_MAX];
    uint64_t frames_sent;
    uint64_t empty_frames_sent;
} observer;

/* A new connection of an end of the ledger's plan. granted: lives as long as the observer. */
void observer_init(observer *watch, ledger *book, unsigned end, const uint64_t *granted);
void observer_clean_up(observer *watch);

/* Bytes that the end sent. */
void observer_sent(observer *watch, const void *data, size_t size);

/* Bytes that the end is about to take. */
void observer_took(observer *watch, const void *data, size_t size);

/* What both directions look up. */
observed_session *observer_out_session(observer *watch, uint16_t channel);
observed_session *observer_in_session(observer *watch, uint16_t channel);
observed_link *observer_link(observed_session *session, bool out, uint32_t handle);
observed_link *observer_named_link(observed_session *session, bool is_sender, amqpc_bytes name);

/* One frame that the end takes: what it learns from it. */
void observer_in_frame(observer *watch, uint16_t channel, const amqpc_performative *frame);

/* One frame that the end sends: whether it may. */
void observer_out_frame(observer *watch, uint16_t channel, const amqpc_performative *frame);

#endif
