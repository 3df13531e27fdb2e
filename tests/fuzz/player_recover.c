/* Links that outlive their connection: exported at its end, and imported by the next (AMQP
 * 2.6.13). */
#include "player.h"

#include <string.h>

/* The links that are saved; the others go with the connection. */
void player_save(player *self)
{
    unsigned count = 0;
    (void)amqpc_connection_input_end(self->connection);
    for (unsigned i = 0; i < PLAYER_LINKS && count < PLAYER_EXPORTS; i++) {
        amqpc_link *link = self->links[i].link;
        player_saved *saved = &self->saved[count];
        if (link == NULL || amqpc_link_name(link).size > sizeof saved->name) {
            continue;
        }
        player_export(self, &self->links[i], count++);
        saved->role = amqpc_link_role(link);
        saved->name_size = amqpc_link_name(link).size;
        memcpy(saved->name, amqpc_link_name(link).data, saved->name_size);
    }
    self->saved_count = count;
}

void player_restore(player *self, bool attaches)
{
    amqpc_session *session = NULL;
    unsigned may = MAY_STATE | MAY_MEMORY | MAY_ARGUMENT;
    if (!player_check(self, amqpc_session_new(self->connection, &session), may) ||
        player_add_session(self, session) == NULL) {
        return;
    }
    if (attaches) {
        (void)player_check(self, amqpc_session_begin(session, NULL), may | MAY_LIMIT);
    }
    for (unsigned i = 0; i < self->saved_count; i++) {
        const player_saved *saved = &self->saved[i];
        amqpc_bytes name = {saved->name, saved->name_size};
        amqpc_link *made = NULL;
        if (player_check(self, amqpc_link_new(session, saved->role, name, &made), may)) {
            player_link *link = player_add_link(self, made);
            player_import(self, link, i, 0);
            (void)player_check(
                self,
                saved->role == AMQPC_ROLE_RECEIVER ? amqpc_link_add_credit(made, 20) : AMQPC_OK, 0);
            if (attaches) {
                player_attach(self, link);
            }
        }
    }
}
