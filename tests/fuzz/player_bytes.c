/* The player's bytes: into its engine, and out of it. */
#include "player.h"

#include <string.h>

enum { VECTORS = 4, MOVED_MAX = 65536 };

/* One call of input, with what fits. Gives how many bytes were taken. */
static size_t put_some(player *self, const uint8_t *data, size_t size)
{
    void *place = NULL;
    size_t capacity = 0;
    amqpc_status status = amqpc_connection_input_buffer(self->connection, &place, &capacity);
    if (status == AMQPC_NO_MEMORY && player_check(self, status, MAY_MEMORY | MAY_STATE) == false) {
        status = amqpc_connection_input_buffer(self->connection, &place, &capacity);
    }
    if (!player_check(self, status, MAY_STATE)) {
        self->input_over = true;
        return 0;
    }
    FUZZ_CHECK(capacity > 0);
    size = size < capacity ? size : capacity;
    memcpy(place, data, size);
    status = amqpc_connection_input(self->connection, size);
    if (status == AMQPC_NO_MEMORY &&
        amqpc_connection_get_failure(self->connection, &(amqpc_connection_failure){0}) !=
            AMQPC_OK) {
        (void)player_check(self, status, MAY_MEMORY);
        status = amqpc_connection_input(self->connection, 0);
    }
    self->effort += size;
    self->work += size / 16;
    if (!player_check(self, status, MAY_MEMORY | MAY_FAIL)) {
        amqpc_connection_failure failure;
        FUZZ_CHECK(amqpc_connection_get_failure(self->connection, &failure) == AMQPC_OK);
        FUZZ_CHECK(failure.status == status);
        self->input_over = true;
    }
    return size;
}

void player_put(player *self, const uint8_t *data, size_t size)
{
    while (size > 0 && !self->input_over) {
        size_t taken = put_some(self, data, size);
        data += taken;
        size -= taken;
    }
}

size_t player_move(player *self, size_t size_max, player *to)
{
    static uint8_t bytes[MOVED_MAX];
    amqpc_bytes vectors[VECTORS];
    size_t count = 0;
    size_t size = 0;
    amqpc_status status =
        amqpc_connection_output(self->connection, vectors, 1 + choose(self->from, VECTORS), &count);
    (void)player_check(self, status, MAY_MEMORY);
    size_max = size_max < sizeof bytes ? size_max : sizeof bytes;
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(vectors[i].size > 0);
        size_t part = vectors[i].size < size_max - size ? vectors[i].size : size_max - size;
        memcpy(bytes + size, vectors[i].data, part);
        size += part;
    }
    amqpc_connection_output_done(self->connection, size);
    self->work += size / 16;
    if (to != NULL) {
        player_put(to, bytes, size);
    }
    return size;
}
