/* An application at one engine that makes any call, with any argument, as its choices say, and
 * checks what the engine owes to an application:
 *
 * - events name objects that are not freed, and a new object comes by the event of its making;
 * - a status is one that the header documents; AMQPC_NO_MEMORY only where an allocation failed;
 * - the updates of a delivery carry its context, none comes after the last one, and none for a
 *   delivery that was not sent; so a payload that is lent is given back once;
 * - counts agree; numbers that nobody gave out are not found;
 * - output and memory are bounded, and work is linear in what was put in.
 *
 * player.c has the objects, player_events.c their events, player_calls.c calls of connections,
 * sessions and links, player_deliveries.c those of deliveries, player_sends.c what is known of
 * sends, player_recover.c links that outlive a connection, player_bytes.c the bytes,
 * player_options.c options and costs. */
#ifndef TESTS_FUZZ_PLAYER_H
#define TESTS_FUZZ_PLAYER_H

#include "choices.h"
#include "counted_memory.h"

enum {
    PLAYER_SESSIONS = 4,
    PLAYER_LINKS = 8,
    PLAYER_HELD = 16,
    PLAYER_SENDS = 256,
    PLAYER_EXPORTS = 4
};

/* What a call may answer besides AMQPC_OK; the first 15 bits are the statuses of that number. */
enum {
    MAY_ARGUMENT = 1 << AMQPC_INVALID_ARGUMENT,
    MAY_STATE = 1 << AMQPC_INVALID_STATE,
    MAY_MEMORY = 1 << AMQPC_NO_MEMORY,
    MAY_FULL = 1 << AMQPC_BUFFER_FULL,
    MAY_NOT_FOUND = 1 << AMQPC_NOT_FOUND,
    MAY_NO_CREDIT = 1 << AMQPC_NO_CREDIT,
    MAY_LIMIT = 1 << AMQPC_LIMIT_REACHED,
    MAY_ENCODING = 1 << 16,  /* 100 to 199 */
    MAY_COMPOSITE = 1 << 17, /* 200 to 299 */
    MAY_TOO_LARGE = 1 << 18, /* AMQPC_MESSAGE_TOO_LARGE */
    MAY_FRAME = 1 << 19,     /* AMQPC_FRAME_TOO_LARGE */
    MAY_FAIL = 1 << 20       /* anything that is a fault of the peer */
};

typedef struct player_link {
    amqpc_link *link; /* NULL for a free place */
    uint32_t serial;  /* never used again */
    bool imported;
} player_link;

/* A delivery that was sent, of which updates may come.
 *
 * memory   of a payload that is lent; NULL for a copy, or an empty one
 * settled  it was sent settled */
typedef struct player_send {
    uint32_t link; /* serial; 0 for a free place */
    uint64_t number;
    uint64_t context;
    void *memory;
    bool settled;
} player_send;

/* A link whose export is kept under the same number. */
typedef struct player_saved {
    char name[16];
    size_t name_size;
    bool role;
} player_saved;

typedef struct player {
    amqpc_connection *connection;
    counted_memory *memory;
    choices *from;
    uint64_t failures_seen;
    uint64_t now_ms;
    uint64_t work;   /* events, updates, deliveries, calls, and bytes of output / 16 */
    uint64_t effort; /* what it is compared with: bytes of input, and calls */
    uint64_t output_limit;
    uint64_t last_context;
    uint32_t last_serial;
    bool is_server;
    bool input_over;
    amqpc_session *sessions[PLAYER_SESSIONS];
    player_link links[PLAYER_LINKS];
    amqpc_delivery held[PLAYER_HELD];
    uint64_t last_number; /* of any delivery, as guesses for settling */
    player_send sends[PLAYER_SENDS];
    amqpc_buffer *exports[PLAYER_EXPORTS];
    player_saved saved[PLAYER_EXPORTS];
    unsigned saved_count;
} player;

/* --- player_options.c */

/* Options of a connection, from three bytes of choices: small limits, SASL, times. The bytes that
 * they point to hold until the next call of the same role. */
void player_options(choices *from, amqpc_end_role role, bool with_sasl,
                    amqpc_connection_options *options);

/* Checks that the work of all players was linear in what was put into them, and that all memory
 * is back. */
void player_check_costs(const player *players, unsigned count, const counted_memory *memory);

/* --- player.c */

/* Makes the connection. options: the role in it is used. */
void player_start(player *self, const amqpc_connection_options *options, counted_memory *memory,
                  choices *from);

/* Frees the connection; deliveries are held on. */
void player_stop(player *self);

/* Releases what is held. */
void player_end(player *self);

/* Checks a status. Gives whether it is AMQPC_OK. */
bool player_check(player *self, amqpc_status status, unsigned may);

/* --- player_events.c */

/* Reads events, up to so many. eager: answers them as an application does, mostly. */
void player_read_events(player *self, unsigned count, bool eager);

/* --- player.c again */

/* The objects that were freed, by whatever call. */
void player_forget_session(player *self, amqpc_session *session);
void player_forget_link(player *self, amqpc_link *link);

/* Adds an object; frees it where there is no place. Gives NULL then. */
amqpc_session *player_add_session(player *self, amqpc_session *session);
player_link *player_add_link(player *self, amqpc_link *link);

/* One of the objects, or NULL. */
amqpc_session *player_session(player *self);
player_link *player_some_link(player *self);

/* Frees them, and forgets them. */
void player_free_session(player *self, amqpc_session *session);
void player_free_link(player *self, player_link *link);

/* Checks what can be seen from outside at any time. */
void player_look(player *self);

/* --- player_calls.c */

/* One call. */
void player_call(player *self);

/* What an application needs before anything moves: open, a session, a link of each role. */
void player_set_up(player *self, bool sessions, bool links);

void player_open(player *self);
void player_answer_sasl(player *self);
void player_attach(player *self, player_link *link);

/* Keeps the link's export under the number, or imports it, without so many of its last bytes. */
void player_export(player *self, player_link *link, unsigned number);
void player_import(player *self, player_link *link, unsigned number, size_t cut);

/* --- player_recover.c */

/* Ends the input, and exports the links. */
void player_save(player *self);

/* Makes the links that were saved, and imports them; attaches: otherwise the peer does it. */
void player_restore(player *self, bool attaches);

/* --- player_deliveries.c */

void player_call_sender(player *self, player_link *link);
void player_call_receiver(player *self, player_link *link);
void player_settle(player *self, player_link *link);
void player_take_updates(player *self, player_link *link);
void player_take_deliveries(player *self, player_link *link);

/* --- player_sends.c */

/* A place for a delivery that is about to be sent, or NULL. */
player_send *player_begin_send(player *self, player_link *link, amqpc_send_options *options);

/* It was sent, or not. */
void player_sent(player *self, player_send *send, const amqpc_send_options *options, bool is_sent,
                 uint64_t number);

/* Checks an update against what was sent. */
void player_note_update(player *self, player_link *link, const amqpc_update *update);

/* The sends of the link will not be heard of. all: the connection is freed, so is what is lent. */
void player_drop_sends(player *self, uint32_t serial, bool all);

/* No more output goes: what was sent settled was given back. */
void player_check_given_back(player *self);

/* --- player_bytes.c */

/* Hands bytes in; fewer where the engine takes no more. */
void player_put(player *self, const uint8_t *data, size_t size);

/* Gives so many bytes of output to another player; NULL throws them away. Gives how many. */
size_t player_move(player *self, size_t size_max, player *to);

#endif
