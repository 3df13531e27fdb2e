/* What the player has sent: what is lent to the engine, and what updates may come. */
#include "player.h"

#include <stdlib.h>
#include <string.h>

player_send *player_begin_send(player *self, player_link *link, amqpc_send_options *options)
{
    for (unsigned i = 0; i < PLAYER_SENDS; i++) {
        player_send *send = &self->sends[i];
        if (send->link == 0) {
            options->context = ++self->last_context;
            *send = (player_send){.link = link->serial};
            return send;
        }
    }
    return NULL;
}

static void free_send(player_send *send)
{
    free(send->memory);
    *send = (player_send){.link = 0};
}

void player_sent(player *self, player_send *send, const amqpc_send_options *options, bool is_sent,
                 uint64_t number)
{
    bool is_heard_of = is_sent && (options->by_reference || !options->settled);
    if (is_sent) {
        self->last_number = number;
    }
    if (!is_heard_of) {
        free_send(send);
        return;
    }
    send->number = number;
    send->context = options->context;
    send->settled = options->settled;
}

static player_send *find_send(player *self, uint32_t serial, uint64_t number)
{
    for (unsigned i = 0; i < PLAYER_SENDS; i++) {
        player_send *send = &self->sends[i];
        if (send->link == serial && send->number == number) {
            return send;
        }
    }
    return NULL;
}

void player_note_update(player *self, player_link *link, const amqpc_update *update)
{
    player_send *send = find_send(self, link->serial, update->number);
    if (send == NULL) {
        FUZZ_CHECK(link->imported);
        return;
    }
    FUZZ_CHECK(update->context == send->context || link->imported);
    FUZZ_CHECK(!send->settled || update->settled);
    if (update->settled) {
        free_send(send);
    }
}

void player_drop_sends(player *self, uint32_t serial, bool all)
{
    for (unsigned i = 0; i < PLAYER_SENDS; i++) {
        player_send *send = &self->sends[i];
        if (all) {
            free_send(send);
        } else if (send->link == serial && send->memory == NULL) {
            free_send(send);
        } else if (send->link == serial) {
            send->link = UINT32_MAX; /* lent until the connection is freed */
        }
    }
}

void player_check_given_back(player *self)
{
    for (unsigned i = 0; i < PLAYER_SENDS; i++) {
        const player_send *send = &self->sends[i];
        bool is_out = send->link != 0 && send->link != UINT32_MAX && send->settled;
        FUZZ_CHECK(!is_out);
    }
}
