/* Two engines, and an application at each that makes any call in any order (player.h).
 *
 * An input is a set-up of nine bytes, and then steps: a call of one of the two, events read, or
 * bytes moved, in pieces. Once an allocation may fail. At times both connections are freed, with
 * deliveries held and links exported, and made anew. */
#include "player.h"

#include <string.h>

enum { STEPS_MAX = 2000, QUIET_MAX = 1000 };

typedef struct game {
    counted_memory memory;
    choices from;
    bool with_sasl;
    bool set_up;
    amqpc_connection_options options[2];
    player players[2];
} game;

static void start(game *self)
{
    for (unsigned i = 0; i < 2; i++) {
        player_start(&self->players[i], &self->options[i], &self->memory, &self->from);
    }
    for (unsigned i = 0; i < 2 && self->set_up; i++) {
        player_set_up(&self->players[i], i == 0, i == 0);
    }
}

/* New connections; the links are lost, or go on. */
static void restart(game *self)
{
    uint8_t kind = choose_byte(&self->from);
    bool goes_on = kind % 4 != 0;
    for (unsigned i = 0; i < 2; i++) {
        if (goes_on) {
            player_save(&self->players[i]);
        }
        player_stop(&self->players[i]);
    }
    bool set_up = self->set_up;
    self->set_up = set_up && !goes_on;
    start(self);
    self->set_up = set_up;
    for (unsigned i = 0; i < 2 && goes_on; i++) {
        player_open(&self->players[i]);
        player_restore(&self->players[i], (kind >> 2 & 1) == i);
    }
}

static void move(game *self, unsigned from, size_t size)
{
    player *to = &self->players[1 - from];
    (void)player_move(&self->players[from], size, to->input_over ? NULL : to);
}

/* Bytes both ways, and events, until nothing moves. */
static void settle_down(game *self)
{
    size_t moved = 1;
    for (unsigned i = 0; i < QUIET_MAX && moved > 0; i++) {
        moved = 0;
        for (unsigned end = 0; end < 2; end++) {
            player *to = &self->players[1 - end];
            moved += player_move(&self->players[end], SIZE_MAX, to->input_over ? NULL : to);
        }
    }
    FUZZ_CHECK(moved == 0);
}

static void step(game *self)
{
    uint8_t kind = choose_byte(&self->from);
    unsigned end = kind & 1;
    player *one = &self->players[end];
    switch (kind >> 1 & 15) {
    case 0:
    case 1:
        player_read_events(one, 1 + choose(&self->from, 4), false);
        break;
    case 2:
    case 3:
    case 4:
        player_read_events(one, 8, true);
        break;
    case 5:
        move(self, end, choose(&self->from, 256));
        break;
    case 6:
    case 7:
    case 8:
        move(self, end, SIZE_MAX);
        break;
    case 9:
        player_look(one);
        if (choose_rarely(&self->from, 16)) {
            restart(self);
        }
        break;
    default:
        player_call(one);
        break;
    }
}

/* What was lent for a delivery that was sent settled is back once nothing goes out any more. */
static void finish(game *self)
{
    settle_down(self);
    for (unsigned end = 0; end < 2; end++) {
        player *one = &self->players[end];
        player_look(one);
        (void)amqpc_connection_input_end(one->connection);
        one->input_over = true;
        (void)player_move(one, SIZE_MAX, NULL);
        for (unsigned i = 0; i < PLAYER_LINKS; i++) {
            unsigned rounds = 0;
            size_t count = 1;
            amqpc_update update;
            while (self->players[end].links[i].link != NULL && count > 0) {
                amqpc_status status = amqpc_link_updates(one->links[i].link, &update, 1, &count);
                FUZZ_CHECK(status == AMQPC_OK && rounds++ < PLAYER_SENDS + STEPS_MAX);
                if (count > 0 && amqpc_link_role(one->links[i].link) == AMQPC_ROLE_SENDER) {
                    player_note_update(one, &one->links[i], &update);
                }
            }
        }
        player_check_given_back(one);
        player_look(one);
        player_end(one);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static game self;
    memset(&self, 0, sizeof self);
    self.from = (choices){.at = data, .left = size};
    uint8_t flags = choose_byte(&self.from);
    uint64_t fail_in = choose(&self.from, 65536);
    counted_memory_init(&self.memory, flags & 1 ? fail_in % 512 : 0);
    self.with_sasl = (flags & 2) != 0;
    self.set_up = (flags & 4) == 0;
    for (unsigned i = 0; i < 2; i++) {
        player_options(&self.from, i == 0 ? AMQPC_CLIENT : AMQPC_SERVER, self.with_sasl,
                       &self.options[i]);
    }
    start(&self);
    for (unsigned i = 0; i < STEPS_MAX && self.from.left > 0; i++) {
        step(&self);
    }
    finish(&self);
    player_check_costs(self.players, 2, &self.memory);
    return 0;
}
