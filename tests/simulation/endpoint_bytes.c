/* Bytes and the time, between an engine and its pipes. */
#include "simulation/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/faults.h"

enum { VECTORS_MAX = 8, OUTPUT_MAX = 65536 };

/* Keeps what the end takes, for the corpus. */
static void record(endpoint *end, const void *data, size_t size)
{
    if (!end->records) {
        return;
    }
    enum { RECORD_MAX = 4096 }; /* as long as the fuzzers' inputs may be */
    size_t kept = RECORD_MAX - end->record.size;
    kept = kept < size ? kept : size;
    if (end->record.bytes == NULL) {
        end->record.bytes = (uint8_t *)calloc(1, RECORD_MAX);
    }
    if (end->record.bytes != NULL) {
        memcpy(end->record.bytes + end->record.size, data, kept);
        end->record.size += kept;
    }
}

/* The engine's answer to input: it goes on, has to wait for memory, or has failed. */
static bool took(endpoint *end, amqpc_status status)
{
    end->lent = NULL;
    end->stopped = status == AMQPC_NO_MEMORY;
    if (status == AMQPC_OK) {
        return true;
    }
    if (endpoint_gives_up_sasl(end, status)) {
        return false; /* an event tells whether it is over */
    }
    if (status == AMQPC_NO_MEMORY) {
        (void)endpoint_succeeds(end, "amqpc_connection_input", status);
        return false;
    }
    end->failed = true;
    ledger_break_if_friendly(end->book, RULE_WIRE, "end %u fails by its input: %s", end->index,
                             amqpc_status_name(status));
    return false;
}

/* The application may do other things between borrowing the place and filling it. */
static bool lend(endpoint *end)
{
    if (end->lent != NULL) {
        return true;
    }
    amqpc_status status =
        amqpc_connection_input_buffer(end->connection, &end->lent, &end->lent_size);
    if (status == AMQPC_INVALID_STATE) { /* after close nothing is read */
        end->lent = NULL;
        return false;
    }
    if (!endpoint_succeeds(end, "amqpc_connection_input_buffer", status)) {
        end->lent = NULL;
        return false;
    }
    return true;
}

static void end_of_input(endpoint *end)
{
    amqpc_status status = amqpc_connection_input_end(end->connection);
    if (status != AMQPC_OK) {
        end->failed = true;
        if (!end->fault_expected && !end->leaving) {
            ledger_break_if_friendly(end->book, RULE_WIRE, "end %u: the stream ends: %s",
                                     end->index, amqpc_status_name(status));
        }
    }
    end->over = true;
}

void endpoint_input(endpoint *end)
{
    if (end->stopped && !took(end, amqpc_connection_input(end->connection, 0))) {
        return;
    }
    for (unsigned round = 0; round < 16 && !end->failed; round++) {
        size_t available = byte_pipe_available(end->in, end->now_ms);
        if (available == 0) {
            break;
        }
        if (!lend(end)) {
            break;
        }
        if (random_chance(&end->random, 30) && !end->healing) {
            return; /* it is filled in the next turn */
        }
        size_t size = available < end->lent_size ? available : end->lent_size;
        if (random_chance(&end->random, 300)) {
            size = 1 + random_below(&end->random, (uint32_t)size);
        } else if (random_chance(&end->random, 50)) {
            size = 1;
        }
        byte_pipe_read(end->in, end->lent, size);
        observer_took(&end->watch, end->lent, size);
        record(end, end->lent, size);
        end->bytes_taken += size;
        if (!took(end, amqpc_connection_input(end->connection, size))) {
            break;
        }
    }
    if (end->in->ended && end->in->size == 0 && !end->over && !end->stopped) {
        endpoint_events(end);
        end_of_input(end);
    }
}

/* Sends the first bytes of the output: as many as there is room for, or fewer. */
static size_t send_some(endpoint *end, const amqpc_bytes *vectors, size_t count)
{
    static uint8_t bytes[OUTPUT_MAX];
    size_t room = byte_pipe_room(end->out);
    if (end->failed || end->in->ended) {
        room = OUTPUT_MAX; /* nobody reads it, or this is the last word */
    }
    if (room > 0 && random_chance(&end->random, 200) && !end->healing) {
        room = 1 + random_below(&end->random, (uint32_t)room);
    }
    size_t size = 0;
    for (size_t i = 0; i < count && size < room; i++) {
        size_t part = vectors[i].size < room - size ? vectors[i].size : room - size;
        ledger_check_output(end->book, vectors[i].data, part);
        memcpy(bytes + size, vectors[i].data, part);
        size += part;
    }
    observer_sent(&end->watch, bytes, size);
    uint64_t ready_at_ms =
        end->now_ms + random_below(&end->random, end->plan->faults.delay_max_ms + 1);
    if (end->plan->faults.hostile == end->index) {
        faults_write_mutated(&end->plan->faults, &end->random, end->out, bytes, size, ready_at_ms);
    } else {
        byte_pipe_write(end->out, bytes, size, ready_at_ms);
    }
    return size;
}

void endpoint_output(endpoint *end)
{
    /* Mostly all of it; but what waits meets the application's next calls. */
    unsigned rounds =
        end->healing || random_chance(&end->random, 600) ? 32 : random_below(&end->random, 3);
    end->output_waits = true;
    for (unsigned round = 0; round < rounds; round++) {
        amqpc_bytes vectors[VECTORS_MAX];
        size_t count = 0;
        size_t capacity = 1 + random_below(&end->random, VECTORS_MAX);
        amqpc_status status = amqpc_connection_output(end->connection, vectors, capacity, &count);
        bool given = endpoint_succeeds(end, "amqpc_connection_output", status);
        for (size_t i = 0; i < count; i++) {
            if (vectors[i].size == 0) {
                ledger_break(end->book, RULE_EVENTS, "end %u: an empty piece of output",
                             end->index);
            }
        }
        size_t sent = count == 0 ? 0 : send_some(end, vectors, count);
        if (sent > 0) {
            amqpc_connection_output_done(end->connection, sent);
        }
        if (!given || sent == 0) {
            end->output_waits = false; /* for lack of room, or of memory, it waits by itself */
            break;
        }
    }
    if (end->failed || amqpc_connection_is_finished(end->connection)) {
        end->over = true;
        end->out->ended = true;
    }
}

void endpoint_tick(endpoint *end)
{
    uint64_t deadline_ms = end->now_ms;
    end->lent = NULL; /* the tick may trim */
    amqpc_status status = amqpc_connection_tick(end->connection, end->now_ms, &deadline_ms);
    if (status == AMQPC_IDLE_TIMEOUT || status == AMQPC_HANDSHAKE_TIMEOUT) {
        end->failed = true;
        if (!end->fault_expected) {
            ledger_break_if_friendly(end->book, RULE_EVENTS,
                                     "end %u: tick returns %s without cause", end->index,
                                     amqpc_status_name(status));
        }
        return;
    }
    if (!endpoint_succeeds(end, "amqpc_connection_tick", status)) {
        end->deadline_ms = end->now_ms + 1;
        return;
    }
    if (deadline_ms <= end->now_ms) {
        ledger_break(end->book, RULE_NO_SPINNING, "end %u: deadline %llu at %llu", end->index,
                     (unsigned long long)deadline_ms, (unsigned long long)end->now_ms);
    }
    end->deadline_ms = deadline_ms;
}
