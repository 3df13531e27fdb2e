/* Clients: connections that keep themselves alive, for most programs.
 *
 *     amqpc_client_new("amqp://localhost/", NULL, &client, NULL)
 *     amqpc_sender_new(client, "queue", NULL, &sender)             sender.h
 *     amqpc_sender_send(sender, &message, 5000, &outcome)
 *     amqpc_receiver_new(client, "queue", NULL, &receiver)         receiver.h
 *     amqpc_receiver_receive(receiver, deliveries, 64, 5000, &count)
 *
 * A client connects, reconnects, attaches its links again, and sends again what was not settled.
 * Making objects never blocks; calls that wait take a time-out in milliseconds: 0 does not wait,
 * but sends and receives what can be; AMQPC_LOOK does not even that, for event loops, which call
 * amqpc_client_process for it; AMQPC_FOREVER waits without end.
 *
 * All calls may be made by any thread at any time, but for freeing an object that another thread
 * uses. Whoever waits moves the bytes; when nobody does, a thread in the background takes over
 * after a moment, so that heartbeats are answered, prefetch stays filled and what was posted goes
 * out.
 *
 * A signal ends a wait with AMQPC_INTERRUPTED; the call may be made again. So may it be after
 * AMQPC_NO_MEMORY, AMQPC_NO_DESCRIPTORS (of threads that wait together all but one use one each)
 * and AMQPC_SYSTEM_ERROR, which every call that waits may return: they mean what AMQPC_TIMED_OUT
 * means, only sooner. In the child of a fork every call returns AMQPC_FORKED, and freeing closes
 * descriptors without sending anything. */
#ifndef AMQPCODEC_CLIENT_H
#define AMQPCODEC_CLIENT_H

#include <amqpcodec/delivery.h>
#include <amqpcodec/message.h>
#include <amqpcodec/transport.h>

AMQPC_BEGIN_DECLS

/* A time-out: the call answers by what has happened so far, and moves no bytes. */
#define AMQPC_LOOK (-2)

typedef struct amqpc_client amqpc_client;
typedef struct amqpc_transaction amqpc_transaction; /* controller.h */

/* Why something has ended, or did not come about.
 *
 * status         never AMQPC_OK: of the statuses of the engine, the transport or the client
 * system_error   errno; 0 where it does not apply
 * condition      the peer's error condition (AMQP 2.8.15 to 2.8.18, 3.5.10), cut at 127 bytes;
 *                empty for none
 * text           a line for people, with the address and the peer's description
 * redirect_host, redirect_port, redirect_address
 *                of amqp:connection:redirect and amqp:link:redirect; empty, 0 otherwise
 * All texts end with NUL. */
typedef struct amqpc_client_error {
    amqpc_status status;
    int system_error;
    char condition[128];
    char text[512];
    char redirect_host[256];
    char redirect_address[256];
    uint32_t redirect_port;
} amqpc_client_error;

/* Options of a client. Set the defaults by amqpc_client_options_init. Most can be said in the URL
 * as well (docs/client-options.md), which comes first; strings are copied by amqpc_client_new, and
 * NULL stands for "not said".
 *
 * struct_size            sizeof(amqpc_client_options) of the caller
 * container_id           default: made up, new for each client. Links are recovered, or stolen, by
 *                        it (AMQP 2.6.1), so a program that resumes after a restart says its own.
 * hostname               of open and sasl-init; default: the URL's host
 * user, password, token  credentials
 * mechanisms             of SASL, separated by spaces (sasl.h); default: the best there is for the
 *                        credentials; "none" for no SASL layer
 * allow_plain_cleartext  passwords and tokens may go over an unprotected connection to a host that
 *                        is not this machine
 * ca, certificate, key, key_password, tls_host, alpn
 *                        tls.h
 * tls_verify             default true; false checks neither certificate nor host
 * heartbeat_ms           silence of the peer after which the connection is given up; default
 * 60,000; 0 for none connect_timeout_ms     of one attempt to one host, SASL and open included;
 * default 30,000 reconnect              default true; false: the first failure is final
 * reconnect_delay_ms, reconnect_delay_max_ms
 *                        before the second attempt, doubled each time, with jitter, up to the most;
 *                        default 100 and 30,000
 * reconnect_time_ms      how long to try before the client fails, since the connection was lost;
 *                        0, the default, for ever
 * max_frame_size         that this end receives; default 65,536
 * background             whether the thread in the background runs; default true
 * trace_size             bytes of the frame trace's ring; default 0, none
 * desired_capabilities   of open: symbols, separated by spaces */
typedef struct amqpc_client_options {
    size_t struct_size;
    const amqpc_allocator *allocator;
    const char *container_id;
    const char *hostname;
    const char *user;
    const char *password;
    const char *token;
    const char *mechanisms;
    const char *ca;
    const char *certificate;
    const char *key;
    const char *key_password;
    const char *tls_host;
    const char *alpn;
    const char *desired_capabilities;
    uint32_t heartbeat_ms;
    uint32_t connect_timeout_ms;
    uint32_t reconnect_delay_ms;
    uint32_t reconnect_delay_max_ms;
    uint32_t reconnect_time_ms;
    uint32_t max_frame_size;
    uint32_t trace_size;
    bool allow_plain_cleartext;
    bool tls_verify;
    bool reconnect;
    bool background;
} amqpc_client_options;

/* Sets the defaults. struct_size: sizeof(amqpc_client_options) as the caller was compiled. */
AMQPC_API void amqpc_client_options_init(amqpc_client_options *options, size_t struct_size);

/* Makes a client, and begins to connect it; never blocks.
 *
 * url      amqp://user:password@host:port/?option=value&..., amqps://..., amqp+unix:///path, or
 *          several separated by commas: where one does not answer the next is tried. Percent
 *          encoding is undone in every part. Options of all stand with the first. A path after the
 *          host is refused, because addresses belong to links.
 * options  borrowed until return; NULL for the defaults
 * client   receives the client, which amqpc_client_free frees
 * error    may be NULL; on failure says what is wrong, and with what part of the URL
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_BAD_URL, AMQPC_BAD_OPTION; AMQPC_SASL_CLEARTEXT where
 * credentials would go over clear text to another machine; AMQPC_TLS_BAD_CREDENTIALS;
 * AMQPC_UNSUPPORTED for amqps in a build without TLS; AMQPC_NO_DESCRIPTORS, AMQPC_SYSTEM_ERROR. */
AMQPC_API amqpc_status amqpc_client_new(const char *url, const amqpc_client_options *options,
                                        amqpc_client **client,
                                        amqpc_client_error *error) AMQPC_CHECK;

/* Waits until the connection is open. A program need not: every call waits for it by itself.
 *
 * Returns AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, AMQPC_FORKED; where the client has failed
 * for good the status of amqpc_client_get_error. */
AMQPC_API amqpc_status amqpc_client_wait_open(amqpc_client *client, int64_t timeout_ms) AMQPC_CHECK;

/* Closes the client in order: what was posted goes out, and its outcomes are waited for; then the
 * links are closed, or detached where the peer was asked to keep their end beyond the connection
 * (amqpc_receiver_detach), and the peer's answers waited for; then the connection. The client stays
 * closed.
 *
 * timeout_ms  of all of it. What does not come about in time is left out: outcomes are unknown
 *             then. With 0 and AMQPC_LOOK nothing is left out; call again until it is closed, or
 *             free it.
 *
 * Returns AMQPC_OK, also where it was closed or has failed before; AMQPC_TIMED_OUT: call again, or
 * free; AMQPC_INTERRUPTED, AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_client_close(amqpc_client *client, int64_t timeout_ms) AMQPC_CHECK;

/* Frees the client with its senders, receivers and requesters, without waiting for anything;
 * deliveries that were received live on. NULL is ignored. */
AMQPC_API void amqpc_client_free(amqpc_client *client);

/* The last error of the connection: of the failure that ended the client, or, while it reconnects,
 * of what made it. Returns AMQPC_OK; AMQPC_NOT_FOUND where there is none. */
AMQPC_API amqpc_status amqpc_client_get_error(amqpc_client *client,
                                              amqpc_client_error *error) AMQPC_CHECK;

typedef enum amqpc_client_state {
    AMQPC_CLIENT_CONNECTING = 0, /* for the first time, or again */
    AMQPC_CLIENT_OPEN = 1,
    AMQPC_CLIENT_WAITING = 2, /* for the next attempt */
    AMQPC_CLIENT_CLOSING = 3,
    AMQPC_CLIENT_CLOSED = 4, /* amqpc_client_close */
    AMQPC_CLIENT_FAILED = 5  /* for good */
} amqpc_client_state;

AMQPC_API amqpc_client_state amqpc_client_get_state(amqpc_client *client);

/* What happened to a client, for logs and statistics. */
typedef enum amqpc_client_event_type {
    AMQPC_CLIENT_EVENT_NONE = 0,
    AMQPC_CLIENT_EVENT_CONNECTED = 1,    /* `address` is the peer's; attempts until then */
    AMQPC_CLIENT_EVENT_DISCONNECTED = 2, /* `error`; another attempt follows in `delay_ms` */
    AMQPC_CLIENT_EVENT_FAILED = 3,       /* `error`; no more attempts */
    AMQPC_CLIENT_EVENT_LINK_FAILED = 4   /* the link of that name has ended, `error` */
} amqpc_client_event_type;

/* attempts   that were made since the connection was lost, or the client made
 * delay_ms   until the next
 * name       of the link, or the peer's address; cut at 255 bytes */
typedef struct amqpc_client_event {
    uint32_t type;
    uint32_t attempts;
    uint32_t delay_ms;
    char name[256];
    amqpc_client_error error;
} amqpc_client_event;

/* Takes the next event; never waits. 64 are kept, the oldest are dropped. Returns whether there was
 * one. */
AMQPC_API bool amqpc_client_next_event(amqpc_client *client, amqpc_client_event *event);

/* --- Event loops of others. Make the client with `background` false, watch the descriptor for
 * reading, and call amqpc_client_process when it is readable, after calls that send something, and
 * at the deadline. Then ask with AMQPC_LOOK: receive, completions, replies. */

AMQPC_API int amqpc_client_descriptor(const amqpc_client *client);

/* Moves bytes, without waiting.
 *
 * deadline_ms  receives in how many milliseconds to call again at the latest; AMQPC_FOREVER for
 *              never
 *
 * Returns AMQPC_OK; where the client has failed for good the status of amqpc_client_get_error;
 * AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_client_process(amqpc_client *client, int64_t *deadline_ms) AMQPC_CHECK;

/* --- What is known. */

/* Counts since the client was made, over all its connections. */
typedef struct amqpc_client_statistics {
    size_t struct_size;
    uint64_t connects;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t frames_received;
    uint64_t frames_sent;
    uint64_t deliveries_received;
    uint64_t deliveries_sent;
    uint64_t reads;
    uint64_t writes;
    uint64_t waits;
} amqpc_client_statistics;

/* statistics->struct_size: sizeof(amqpc_client_statistics) as the caller was compiled. */
AMQPC_API void amqpc_client_get_statistics(amqpc_client *client,
                                           amqpc_client_statistics *statistics);

/* Whether the peer's open offers a capability, such as "ANONYMOUS-RELAY"; false before it came. */
AMQPC_API bool amqpc_client_peer_offers(amqpc_client *client, const char *capability);

/* The value of one of the properties of the peer's open that is a string or symbol, such as
 * "product", ended by NUL. Returns AMQPC_OK, AMQPC_NOT_FOUND, AMQPC_BUFFER_FULL. */
AMQPC_API amqpc_status amqpc_client_peer_property(amqpc_client *client, const char *key, char *data,
                                                  size_t capacity) AMQPC_CHECK;

/* As amqpc_connection_read_trace; 0 without trace. */
AMQPC_API size_t amqpc_client_read_trace(amqpc_client *client, void *data, size_t capacity);

AMQPC_END_DECLS

#endif
