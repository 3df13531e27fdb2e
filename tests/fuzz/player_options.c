/* How the connections of players are set up, and what they may cost. */
#include "player.h"

#include <string.h>

enum { COST_FREE = 20000, COST_PER_EFFORT = 64, MEMORY_FREE = 4 << 20, MEMORY_PER_EFFORT = 4096 };

static const char *const mechanisms[] = {
    "",
    "PLAIN",
    "ANONYMOUS",
    "SCRAM-SHA-256",
    "X-OWN",
    "EXTERNAL",
    "X-OWN PLAIN ANONYMOUS",
    "OAUTHBEARER",
};

static void set_sasl(choices *from, amqpc_end_role role, amqpc_sasl_options *sasl)
{
    uint8_t kind = choose_byte(from);
    amqpc_sasl_options_init(sasl, sizeof *sasl);
    const char *names = mechanisms[kind % 8];
    sasl->mechanisms = (amqpc_bytes){names, strlen(names)};
    sasl->allow_plain_cleartext = true;
    sasl->optional = (kind & 8) != 0;
    sasl->iterations_max = 4200; /* so that an input costs little */
    if (role == AMQPC_CLIENT) {
        sasl->user = (amqpc_bytes){"user", 4};
        sasl->password = (amqpc_bytes){"pencil", 6};
        sasl->token = (amqpc_bytes){kind & 16 ? "token" : "", kind & 16 ? 5 : 0};
    }
}

void player_options(choices *from, amqpc_end_role role, bool with_sasl,
                    amqpc_connection_options *options)
{
    static amqpc_limits limits[2];
    static amqpc_sasl_options sasl[2];
    uint8_t kind = choose_byte(from);
    uint8_t sizes = choose_byte(from);
    amqpc_connection_options_init(options, sizeof *options);
    amqpc_limits_init(&limits[role], sizeof limits[role]);
    set_sasl(from, role, &sasl[role]);
    limits[role].frame_size = sizes & 1 ? 512 : 4096;
    limits[role].initial_frame_size = 4096;
    limits[role].channels = 4 - (sizes >> 1) % 4;
    options->role = role;
    options->limits = &limits[role];
    options->sasl = with_sasl ? &sasl[role] : NULL;
    options->random = (amqpc_bytes){"32 bytes that nobody can predict", 32};
    options->handles_max = 8 - (sizes >> 3) % 8;
    options->input_slab_size = sizes & 64 ? 1024 : 8192;
    options->unsettled_max = kind & 1 ? 3 : 10000;
    options->output_size = kind & 2 ? 1000 : 100000;
    options->message_size = kind & 4 ? 700 : 20000;
    options->partial_size = kind & 8 ? 900 : 100000;
    options->retained_size = kind & 16 ? 16384 : 1 << 20;
    options->trace_size = kind & 32 ? 600 : 0;
    options->idle_timeout_ms = kind & 64 ? 1000 : 0;
    options->handshake_timeout_ms = kind & 128 ? 0 : 30000;
}

void player_check_costs(const player *players, unsigned count, const counted_memory *memory)
{
    uint64_t work = memory->allocations + memory->total_size / 256;
    uint64_t effort = 0;
    for (unsigned i = 0; i < count; i++) {
        work += players[i].work;
        effort += players[i].effort;
    }
    FUZZ_CHECK(work <= COST_FREE + COST_PER_EFFORT * effort);
    FUZZ_CHECK(memory->size_max <= MEMORY_FREE + MEMORY_PER_EFFORT * effort);
    FUZZ_CHECK(memory->blocks == 0 && memory->size == 0);
}
