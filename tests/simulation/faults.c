/* What goes wrong. */
#include "simulation/faults.h"

#include <string.h>

static uint64_t mutations;

static void cut(random_source *source, byte_pipe *pipe, fault_counts *counts)
{
    size_t before = pipe->size;
    size_t lost =
        random_below(source, 3) == 0 ? pipe->size : random_below(source, (uint32_t)pipe->size + 1);
    byte_pipe_cut(pipe, lost);
    counts->bytes_lost += before - pipe->size;
}

bool faults_of_network(const fault_plan *plan, random_source *source, byte_pipe *there,
                       byte_pipe *back, uint64_t now_ms, fault_counts *counts)
{
    if (random_chance(source, plan->stall)) {
        byte_pipe *stalled = random_chance(source, 500) ? there : back;
        stalled->stalled_till_ms = now_ms + random_between(source, 1, 1500);
        counts->stalls++;
    }
    if (random_chance(source, plan->cut)) {
        cut(source, there, counts);
        cut(source, back, counts);
        counts->cuts++;
        return true;
    }
    if (random_chance(source, plan->half_open)) {
        byte_pipe *dead = random_chance(source, 500) ? there : back;
        byte_pipe_cut(dead, random_below(source, (uint32_t)dead->size + 1));
        dead->ended = false; /* nobody is told */
        dead->dead = true;
        counts->half_open++;
        return true;
    }
    return false;
}

void faults_of_memory(const fault_plan *plan, random_source *source, heap *memory)
{
    if (random_chance(source, plan->allocation)) {
        memory->fail_in = random_between(source, 1, 6);
    }
}

static void change(random_source *source, uint8_t *frame, size_t size)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x40, 0x41, 0x42, 0x43, 0x45, 0x52,
                                      0x70, 0x7f, 0x80, 0xa0, 0xc0, 0xd0, 0xf0, 0xff};
    uint32_t times = random_between(source, 1, 3);
    for (uint32_t i = 0; i < times; i++) {
        /* Mostly behind the header and early on, where the performative is. */
        size_t first = size > 8 && random_chance(source, 850) ? 8 : 0;
        size_t reach = size - first < 64 ? size - first : 64;
        uint8_t *byte = &frame[first + random_below(source, (uint32_t)reach)];
        *byte = random_chance(source, 500) ? telling[random_below(source, sizeof telling)]
                                           : (uint8_t)random_next(source);
    }
}

static void write_frame(const fault_plan *plan, random_source *source, byte_pipe *pipe,
                        const uint8_t *frame, size_t size, uint64_t ready_at_ms)
{
    uint8_t copy[4096];
    if (!random_chance(source, plan->mutation) || size > sizeof copy || size == 0) {
        byte_pipe_write(pipe, frame, size, ready_at_ms);
        return;
    }
    mutations++;
    memcpy(copy, frame, size);
    switch (random_below(source, 8)) {
    case 0:
        return; /* dropped */
    case 1:
        byte_pipe_write(pipe, frame, size, ready_at_ms); /* and again, below */
        break;
    case 2:
        random_bytes(source, copy, size);
        break;
    default:
        change(source, copy, size);
        break;
    }
    byte_pipe_write(pipe, copy, size, ready_at_ms);
}

/* Output that was taken whole begins with a frame; where it does not, sizes are nonsense, and so
 * is what becomes of it. */
void faults_write_mutated(const fault_plan *plan, random_source *source, byte_pipe *pipe,
                          const uint8_t *bytes, size_t size, uint64_t ready_at_ms)
{
    for (size_t done = 0; done < size;) {
        const uint8_t *frame = bytes + done;
        size_t frame_size = size - done;
        if (frame_size >= 8 && memcmp(frame, "AMQP", 4) == 0) {
            frame_size = 8;
        } else if (frame_size >= 8) {
            size_t told =
                (size_t)frame[0] << 24 | (size_t)frame[1] << 16 | (size_t)frame[2] << 8 | frame[3];
            frame_size = told >= 8 && told < frame_size ? told : frame_size;
        }
        write_frame(plan, source, pipe, frame, frame_size, ready_at_ms);
        done += frame_size;
    }
}

uint64_t faults_mutations(void)
{
    return mutations;
}
