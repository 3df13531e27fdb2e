/* One engine against the input as its peer.
 *
 * Behind the head (connection_fuzz.h) the input is what the peer sends; it is handed in in pieces,
 * and after each the application reads its events, answers them (player.h), and makes calls of its
 * own. Its choices come from two bytes of the head, so that they stay as they are where the stream
 * changes. */
#include "connection_fuzz.h"
#include "player.h"

#include <string.h>

static void play(player *self, uint8_t flags)
{
    player_read_events(self, 16, (flags & CONNECTION_FUZZ_LAZY) == 0);
    if (flags & CONNECTION_FUZZ_WILD) {
        player_call(self);
    }
    if ((flags & CONNECTION_FUZZ_MUTE) == 0) {
        (void)player_move(self, SIZE_MAX, NULL);
    }
}

static void run(player *self, uint8_t flags, uint8_t piece, const uint8_t *data, size_t size)
{
    while (size > 0 && !self->input_over) {
        size_t part = piece == 0 ? size : 1 + choose(self->from, piece);
        part = part < size ? part : size;
        player_put(self, data, part);
        play(self, flags);
        data += part;
        size -= part;
    }
    play(self, flags);
    player_look(self);
    (void)amqpc_connection_input_end(self->connection);
    play(self, (uint8_t)(flags & ~CONNECTION_FUZZ_MUTE));
    player_look(self);
}

void connection_fuzz(amqpc_end_role role, const uint8_t *data, size_t size)
{
    static player self;
    counted_memory memory;
    amqpc_connection_options options;
    if (size < CONNECTION_FUZZ_HEAD) {
        return;
    }
    choices head = {.at = data, .left = CONNECTION_FUZZ_HEAD};
    memset(&self, 0, sizeof self);
    uint8_t flags = choose_byte(&head);
    uint8_t piece = choose_byte(&head);
    uint64_t fail_in = choose(&head, 65536);
    choices from = {.state = 1 + choose(&head, 65536)};
    player_options(&head, role, (flags & CONNECTION_FUZZ_SASL) != 0, &options);
    counted_memory_init(&memory, flags & CONNECTION_FUZZ_FAILING ? fail_in % 512 : 0);
    player_start(&self, &options, &memory, &from);
    if ((flags & CONNECTION_FUZZ_NOT_OPEN) == 0) {
        bool has_session = role == AMQPC_CLIENT && (flags & CONNECTION_FUZZ_NO_SESSION) == 0;
        player_set_up(&self, has_session, has_session);
    }
    run(&self, flags, piece, data + CONNECTION_FUZZ_HEAD, size - CONNECTION_FUZZ_HEAD);
    player_end(&self);
    player_check_costs(&self, 1, &memory);
}
