/* The inside of a client, and what its files share.
 *
 * One mutex protects all of it: the engine, the queues, the links. It is held by whoever is within
 * a call, and let go only to sleep. Functions here are called with it held, unless they say
 * otherwise.
 */
#ifndef AMQPCI_CLIENT_CLIENT_H
#define AMQPCI_CLIENT_CLIENT_H

#include <amqpcodec/client.h>
#include <pthread.h>

#include "base/compiler.h"
#include "client/settings.h"

typedef struct amqpci_client_link amqpci_client_link;

/* What somebody waits for. Costs little, and changes nothing. */
typedef bool amqpci_condition(const void *object);

/* One thread that waits while another drives; lies on its stack.
 *
 * descriptor  an eventfd, so that a signal ends the wait (a condition variable's would not)
 * is_called   it was written to */
typedef struct amqpci_waiter {
    struct amqpci_waiter *next;
    amqpci_condition *is_met;
    const void *object;
    int descriptor;
    bool is_called;
} amqpci_waiter;

enum {
    AMQPCI_SPARE_DESCRIPTORS = 4,
    AMQPCI_EVENTS_KEPT = 64,
    AMQPCI_CAPABILITIES_MAX = 32,
    AMQPCI_CLIENT_UNSETTLED_MAX = 1000000 /* deliveries of one link */
};

/* Who moves the bytes: one thread at a time.
 *
 * is_busy        somebody does
 * is_background  and it is the thread in the background
 * is_wanted      that was asked to let an application's thread do it
 * is_long        the thread in the background sleeps until whoever drives has left
 * round          counts its rounds, so that a long one is noticed
 * left_ms        when somebody drove last
 * calls          calls of the application so far
 * may_look       there is a processor for others while one thread looks again and again
 * sleeps         without looking before, after the last look that was in vain
 * sleeps_left    of these */
typedef struct amqpci_driver {
    bool is_busy;
    bool is_background;
    bool is_wanted;
    bool is_long;
    bool may_look;
    uint32_t sleeps;
    uint32_t sleeps_left;
    uint64_t round;
    uint64_t left_ms;
    uint64_t calls;
    amqpci_waiter *waiters;
    int spares[AMQPCI_SPARE_DESCRIPTORS];
    uint32_t spare_count;
} amqpci_driver;

typedef struct amqpci_background {
    pthread_t thread;
    pthread_cond_t wake;
    bool is_running;
    bool is_stopping;
} amqpci_background;

/* Attempts to connect, by the list of hosts.
 *
 * host         index of the one in use, or next
 * attempts     since the connection was lost, or the client made
 * rounds       through the list, in a row, that failed
 * delay_ms     the last pause between two of them; 0 for none
 * since_ms     when the connection was lost, or the client made
 * opened_ms    when it was open last
 * deadline_ms  of the attempt that is made; UINT64_MAX for none
 * next_ms      when the next one is made
 * random       state of the jitter's generator, never 0
 * address      of the peer, or where it is looked for */
typedef struct amqpci_attempts {
    size_t host;
    uint32_t attempts;
    uint32_t rounds;
    uint32_t delay_ms;
    uint64_t since_ms;
    uint64_t opened_ms;
    uint64_t deadline_ms;
    uint64_t next_ms;
    uint64_t random;
    char address[256];
} amqpci_attempts;

/* The last events that nobody has taken. */
typedef struct amqpci_event_ring {
    amqpc_client_event *events; /* AMQPCI_EVENTS_KEPT of them */
    uint32_t first;
    uint32_t count;
} amqpci_event_ring;

/* lost          the connection before, until what is unsettled on it has moved to the next; NULL
 *               for none
 * is_carrying   what is unsettled has moved to `transport`
 * is_forgetful  the peer of this connection refuses links that say what is unsettled
 * session       where links are attached; others, whose handles are all in use, go on beside it.
 *               NULL while there is none
 * ended         one that has ended, until its links have moved to `session`; NULL for none
 * links_due_ms  when links are to be attached again; UINT64_MAX for never
 * name          what made-up names of links begin with: 16 hexadecimal digits and NUL */
struct amqpc_client {
    amqpc_allocator allocator;
    pthread_mutex_t mutex;
    uint32_t fork_count; /* of its maker: amqpci_fork_count */
    uint8_t state;       /* amqpc_client_state */
    bool has_error;
    bool is_carrying;
    bool is_forgetful;
    amqpci_settings *settings;
    const char *container_id;
    amqpc_tls *tls;
    amqpc_poller *poller;
    amqpc_transport *transport; /* in use, or being made; NULL for none */
    amqpc_transport *lost;
    amqpc_session *session;
    amqpc_session *ended;
    amqpci_client_link *first_link;
    amqpci_client_link *last_link;
    struct amqpc_requester *first_requester;
    struct amqpc_controller *first_controller;
    uint64_t link_count; /* made so far */
    uint64_t links_due_ms;
    amqpci_attempts attempts;
    amqpci_driver driver;
    amqpci_background background;
    amqpci_event_ring events;
    amqpc_client_statistics past; /* of connections that are gone */
    amqpc_client_error error;
    char name[17];
};

/* For calls that cannot fail here, or whose failure shows elsewhere. */
AMQPCI_INLINE void amqpci_ignore(amqpc_status status)
{
    (void)status;
}

/* --- client.c */

/* Begins a call of the application's: takes the mutex. AMQPC_FORKED, without it. */
AMQPC_CHECK amqpc_status amqpci_client_enter(amqpc_client *client);
void amqpci_client_leave(amqpc_client *client);

bool amqpci_client_is_over(const amqpc_client *client);

/* Why the client is over: AMQPC_CLOSED, or the status of its error. */
amqpc_status amqpci_client_end_status(const amqpc_client *client);

/* Adds the counts of a connection that is about to be freed. */
void amqpci_client_count_past(amqpc_client *client, const amqpc_transport *transport);

/* --- client_driver.c */

void amqpci_driver_init(amqpci_driver *driver);
void amqpci_driver_clean_up(amqpci_driver *driver);

/* Waits until the condition holds, driving the connection where nobody else does.
 *
 * deadline_ms  of amqpc_now_ms; 0: does what can be done without waiting
 *
 * AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, AMQPC_NO_MEMORY, AMQPC_NO_DESCRIPTORS,
 * AMQPC_SYSTEM_ERROR. */
AMQPC_CHECK amqpc_status amqpci_client_wait(amqpc_client *client, uint64_t deadline_ms,
                                            amqpci_condition *is_met, const void *object);

/* The deadline of a call that only looks (AMQPC_LOOK): no round is made. */
#define AMQPCI_DEADLINE_LOOK 1u

/* When a call with that time-out ends: 0 for 0, AMQPCI_DEADLINE_LOOK, UINT64_MAX for never. */
uint64_t amqpci_deadline(int64_t timeout_ms);

/* One round: sends, sleeps until something happens or the time has come, receives, and sees to what
 * has happened. Statuses as amqpci_client_wait; AMQPC_OK also where nothing has happened. */
AMQPC_CHECK amqpc_status amqpci_driver_round(amqpc_client *client, uint64_t until_ms);

/* Calls those whose condition holds. */
void amqpci_driver_call_waiters(amqpc_client *client);

/* As that, after something has happened in a call that does not drive: whoever drives looks, too.
 */
void amqpci_driver_look_again(amqpc_client *client);

/* Whoever drove has left: lets one of those who wait drive, where there is one. */
void amqpci_driver_hand_over(amqpc_client *client);

/* A call has made output: it goes out now, where somebody sleeps who would not notice, or where
 * there is much of it; otherwise with the next round. */
void amqpci_client_send_soon(amqpc_client *client);

/* Sends what the socket takes. */
void amqpci_client_flush(amqpc_client *client);

/* Bytes of output that wait. */
size_t amqpci_client_output_size(const amqpc_client *client);

/* Whether something waits for a session's window. */
bool amqpci_client_has_pending(const amqpc_client *client);

/* Whether nothing waits to go out, for the socket or for a session's window. */
bool amqpci_client_is_all_sent(const amqpc_client *client);

/* --- client_background.c */

/* AMQPC_SYSTEM_ERROR. */
AMQPC_CHECK amqpc_status amqpci_background_start(amqpc_client *client);

/* Ends the thread, and waits for that; without the mutex. */
void amqpci_background_stop(amqpc_client *client);

/* --- client_connect.c */

/* Begins the first attempt. */
void amqpci_client_connect(amqpc_client *client);

/* Does what the time has come for: the next attempt, the end of one that takes too long. Returns
 * whether there was something. */
bool amqpci_client_advance(amqpc_client *client, uint64_t now_ms);

/* When amqpci_client_advance has something to do; UINT64_MAX for never. */
uint64_t amqpci_client_due(const amqpc_client *client);

/* The peer's open has come. */
void amqpci_client_opened(amqpc_client *client);

/* The connection, or the attempt, has come to an end: another attempt is made, or not. */
void amqpci_client_disconnected(amqpc_client *client, const amqpc_client_error *error);

/* The client has failed for good, or is closed: so are its links. */
void amqpci_client_end(amqpc_client *client, amqpc_client_state state,
                       const amqpc_client_error *error);

/* How long to wait before the attempt after so many that failed in a row; 0 for the first. */
uint32_t amqpci_client_delay(amqpc_client *client, uint32_t attempts);

/* --- client_transport.c */

/* Begins to connect to the host whose turn it is. Statuses of amqpc_transport_connect. */
AMQPC_CHECK amqpc_status amqpci_client_make_transport(amqpc_client *client);

/* Splits symbols that are separated by spaces. items: room for AMQPCI_CAPABILITIES_MAX. False where
 * there are more. */
bool amqpci_split_symbols(const char *text, amqpc_bytes *items, amqpc_symbols *symbols);

/* What has become of the transport, as an error. */
void amqpci_client_transport_error(const amqpc_client *client, amqpc_client_error *error);

/* --- client_events.c */

/* Sees to what has happened. */
void amqpci_client_take_events(amqpc_client *client);

/* Keeps an event for amqpc_client_next_event. error: NULL for none. */
void amqpci_client_tell(amqpc_client *client, amqpc_client_event_type type, const char *name,
                        uint32_t delay_ms, const amqpc_client_error *error);

/* --- client_error.c */

/* place, detail: NULL for none; the text is "place: detail: the status in words", where the
 * detail does not have those words. */
void amqpci_client_error_set(amqpc_client_error *error, amqpc_status status, const char *place,
                             const char *detail);

/* What the peer said. status: of what has ended; a redirect is AMQPC_REDIRECTED. */
void amqpci_client_error_of_peer(amqpc_client_error *error, amqpc_status status, const char *place,
                                 const amqpc_error *said);

/* Trying again would not help. */
bool amqpci_client_error_is_final(const amqpc_client_error *error);

#endif
