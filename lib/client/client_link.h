/* What senders and receivers have in common: a link that is attached again wherever the client
 * connects (AMQP 2.6). */
#ifndef AMQPCI_CLIENT_CLIENT_LINK_H
#define AMQPCI_CLIENT_CLIENT_LINK_H

#include "client/client.h"

typedef enum amqpci_link_phase {
    AMQPCI_LINK_IDLE = 0,      /* to be attached once there is a session */
    AMQPCI_LINK_ATTACHING = 1, /* the peer's answer is awaited */
    AMQPCI_LINK_OPEN = 2,
    AMQPCI_LINK_PAUSING =
        3, /* detached, to be attached again at once: the peer's detach is awaited */
    AMQPCI_LINK_RETRYING = 4, /* the peer has detached it; it is attached again at retry_ms */
    AMQPCI_LINK_CLOSING = 5,  /* the application has closed or detached it; the peer's detach is
                                 awaited */
    AMQPCI_LINK_UNTOLD = 6, /* it has closed it, and the peer, which keeps its end, is to be told */
    AMQPCI_LINK_CLOSED = 7,
    AMQPCI_LINK_FAILED = 8
} amqpci_link_phase;

/* What a sender and a receiver do each in its way.
 *
 * settle_up  the engine's link is suspended and will be left behind, or closed: takes from it what
 *            would be lost. AMQPC_NO_MEMORY
 * moved      link->link is to be attached. from: the one that was before, mostly the same; NULL for
 *            none
 * attached   the peer has attached it
 * ended      it is over for good
 * release    frees it */
typedef struct amqpci_link_kind {
    bool role;
    amqpc_status (*settle_up)(amqpci_client_link *link);
    void (*moved)(amqpci_client_link *link, const amqpc_link *from);
    void (*attached)(amqpci_client_link *link);
    void (*ended)(amqpci_client_link *link);
    void (*release)(amqpci_client_link *link);
} amqpci_link_kind;

/* The part that both begin with.
 *
 * link       the engine's; of the lost connection while there is no other; NULL before the first
 *            attach
 * successor  while links move to a new connection: the one that `link` will be
 * terms      the attach to send, encoded
 * attempts   to attach again that failed in a row
 * opened_ms  when it was attached; 0 where it is not since it was tried last
 * epoch      of the engine's links, which counts on from one to the next: numbers of deliveries
 *            begin with it
 * attachments  so far
 * is_anew    the peer has closed the link before: it knows nothing that is unsettled
 * is_left    the application has detached it, and leaves the peer's terminus as it stands
 * notify     called where something was received or completed, or the link was attached, is
 * attached no more, or has ended, or credit came; NULL for nobody owner      for notify error of
 * AMQPCI_LINK_FAILED */
struct amqpci_client_link {
    const amqpci_link_kind *kind;
    amqpc_client *client;
    amqpci_client_link *next;
    amqpci_client_link *previous;
    amqpc_link *link;
    amqpc_link *successor;
    amqpc_buffer *terms;
    uint8_t phase; /* amqpci_link_phase */
    uint32_t epoch;
    uint32_t attachments;
    uint32_t attempts;
    uint32_t delay_ms;
    bool is_anew;
    bool is_left;
    void (*notify)(void *owner);
    void *owner;
    uint64_t opened_ms;
    uint64_t retry_ms;
    amqpc_client_error error;
};

/* --- client_link.c */

/* The link, whose kind, client and terms are set, becomes one of the client's, and is attached
 * where the connection is open. */
void amqpci_client_link_start(amqpci_client_link *link);

/* Why it will not come back; AMQPC_OK where it may. */
AMQPC_CHECK amqpc_status amqpci_client_link_end_status(const amqpci_client_link *link);

/* Tells the link's owner, where it has one. */
AMQPCI_INLINE void amqpci_client_link_notify(const amqpci_client_link *link)
{
    if (AMQPCI_UNLIKELY(link->notify != NULL)) {
        link->notify(link->owner);
    }
}

bool amqpci_client_link_is_over(const amqpci_client_link *link);

/* The link is over, and says so. error: NULL where the application has closed it. */
void amqpci_client_link_end(amqpci_client_link *link, const amqpc_client_error *error);

/* Makes an engine's link, whose deliveries have other numbers than those of earlier ones. Statuses
 * of amqpc_link_new. */
AMQPC_CHECK amqpc_status amqpci_client_link_make(const amqpci_client_link *link,
                                                 amqpc_session *session, amqpc_bytes name,
                                                 amqpc_link **made);

/* Attaches the link; later, where the connection is not open, or is given up by this. */
void amqpci_client_link_attach(amqpci_client_link *link);

/* The application has closed the link, and the peer does not know, or may not: it is over; or,
 * where the peer keeps its end, is to be closed by a connection to come. */
void amqpci_client_link_end_or_tell(amqpci_client_link *link);

/* Attaches a link of AMQPCI_LINK_UNTOLD, which is closed once the peer has answered. */
void amqpci_client_link_tell(amqpci_client_link *link);

/* Detaches the link, and attaches it again. */
void amqpci_client_link_pause(amqpci_client_link *link);

/* Frees the link. */
void amqpci_client_link_destroy(amqpci_client_link *link);

/* --- client_links.c: all links of a client. */

/* The connection is open: all that is unsettled moves to it, and links are attached. On failure
 * nothing has moved. */
AMQPC_CHECK amqpc_status amqpci_client_links_begin(amqpc_client *client);

/* The connection is gone: links wait for the next one. */
void amqpci_client_links_suspend(amqpc_client *client);

/* The client is over. error: NULL where the application has closed it. */
void amqpci_client_links_end(amqpc_client *client, const amqpc_client_error *error);

/* Attaches those again whose time has come. */
void amqpci_client_links_retry(amqpc_client *client, uint64_t now_ms);

/* One of the client's sessions has begun, at both ends: attaches links that waited for that. */
void amqpci_client_links_take_session_begin(amqpc_client *client);

/* One of the client's sessions has ended, by the peer or for a fault of the peer. */
void amqpci_client_links_take_session_end(amqpc_client *client, amqpc_session *session);

/* Links are to be attached in another session than this one, where all handles are in use. Statuses
 * as amqpci_client_links_need_session. */
AMQPC_CHECK amqpc_status amqpci_client_links_leave_full(amqpc_client *client);

/* The session that links are attached to; makes one where there is none. Statuses of
 * amqpc_session_new and amqpc_session_begin. */
AMQPC_CHECK amqpc_status amqpci_client_links_need_session(amqpc_client *client);

/* --- client_link_events.c */

void amqpci_client_link_take_attach(amqpci_client_link *link);
void amqpci_client_link_take_detach(amqpci_client_link *link);

/* Whether the peer refuses the link because it says what is unsettled (AMQP 2.6.13), as brokers do
 * that recover no links, RabbitMQ with the end of the session. Links of the client are then
 * attached without: what is unsettled is sent again, or unknown. */
bool amqpci_client_link_take_forgetful(const amqpci_client_link *link,
                                       const amqpc_client_error *error);

/* The link is to be attached again after a while, where that could help; otherwise it is over. */
void amqpci_client_link_retry_or_end(amqpci_client_link *link, const amqpc_client_error *error);

/* --- client_link_calls.c: calls that senders and receivers have in common. They take the mutex,
 * but for those that say otherwise. */

AMQPC_CHECK amqpc_status amqpci_client_link_wait_open(amqpci_client_link *link, int64_t timeout_ms);
/* Says detach, where there is somebody to say it to; otherwise the link is over. With the
 * mutex held.
 *
 * leaves  it is not closed: the peer's terminus goes as its expiry policy says */
void amqpci_client_link_begin_close(amqpci_client_link *link, bool leaves);

AMQPC_CHECK amqpc_status amqpci_client_link_close(amqpci_client_link *link, bool leaves,
                                                  int64_t timeout_ms);
AMQPC_CHECK amqpc_status amqpci_client_link_get_error(amqpci_client_link *link,
                                                      amqpc_client_error *error);

/* The address of the peer's terminus, as a view, with the mutex held. AMQPC_NOT_FOUND. */
AMQPC_CHECK amqpc_status amqpci_client_link_read_address(const amqpci_client_link *link,
                                                         amqpc_bytes *address);
AMQPC_CHECK amqpc_status amqpci_client_link_address(amqpci_client_link *link, char *data,
                                                    size_t capacity);
void amqpci_client_link_free(amqpci_client_link *link);

/* --- link_terms.c */

/* What a link is attached with.
 *
 * source, target  NULL for one of the address
 * coordinator     NULL; or the target is a coordinator (AMQP 4.5.1) that is to have these
 *                 capabilities: symbols, separated by spaces, perhaps none
 * capabilities    symbols, separated by spaces; NULL for none
 * selector        NULL for none */
typedef struct amqpci_link_terms {
    bool role;
    const char *name;
    const char *address;
    const amqpc_source *source;
    const amqpc_target *target;
    const char *coordinator;
    const amqpc_value *properties;
    const char *capabilities;
    const char *selector;
    uint8_t snd_settle_mode;
    uint8_t rcv_settle_mode;
    uint64_t max_message_size; /* 0 for none said */
} amqpci_link_terms;

/* Encodes the attach of a link. AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT. */
AMQPC_CHECK amqpc_status amqpci_client_link_terms_encode(amqpc_client *client,
                                                         const amqpci_link_terms *terms,
                                                         amqpc_buffer **buffer);

/* Whether the terminus at the peer is asked to outlive connections (AMQP 3.5.3, 3.5.4). terms: what
 * amqpci_client_link_terms_encode made. */
bool amqpci_client_link_terms_last(const amqpc_buffer *terms);

#endif
