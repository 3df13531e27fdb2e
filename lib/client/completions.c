/* The ring of runs. Room for what may come is made before anything is sent: an outcome that has
 * come cannot be refused for want of memory. */
#include "client/completions.h"

#include <assert.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"

void amqpci_completions_init(amqpci_completions *completions, const amqpc_allocator *allocator)
{
    completions->allocator = *allocator;
}

static void free_states(amqpci_completions *completions, amqpci_kept_state **states)
{
    while (*states != NULL) {
        amqpci_kept_state *next = (*states)->next;
        amqpci_release(&completions->allocator, *states);
        *states = next;
    }
}

static amqpci_completion_run *run_at(const amqpci_completions *completions, size_t index)
{
    return &completions->runs[(completions->first + index) & (completions->capacity - 1)];
}

void amqpci_completions_clean_up(amqpci_completions *completions)
{
    for (size_t i = 0; i < completions->count; i++) {
        free_states(completions, &run_at(completions, i)->state);
    }
    free_states(completions, &completions->given);
    amqpci_release(&completions->allocator, completions->runs);
}

amqpc_status amqpci_completions_reserve(amqpci_completions *completions, size_t more)
{
    size_t needed = completions->count + more;
    if (AMQPCI_LIKELY(needed <= completions->capacity)) {
        return AMQPC_OK;
    }
    size_t capacity = completions->capacity == 0 ? 16 : completions->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    amqpci_completion_run *runs = (amqpci_completion_run *)amqpci_reallocate(
        &completions->allocator, NULL, capacity * sizeof *runs);
    if (runs == NULL) {
        return AMQPC_NO_MEMORY;
    }
    for (size_t i = 0; i < completions->count; i++) {
        runs[i] = *run_at(completions, i);
    }
    amqpci_release(&completions->allocator, completions->runs);
    completions->runs = runs;
    completions->capacity = capacity;
    completions->first = 0;
    return AMQPC_OK;
}

/* --- Adding. */

/* Whether `count` contexts from `context` on go on with the run. */
static bool fits(const amqpci_completion_run *run, uint64_t context, size_t count)
{
    if (run->count > UINT32_MAX - count) {
        return false;
    }
    if (run->count > 1) {
        uint64_t next = run->counts_up ? run->context + run->count : run->context;
        return context == next && (run->counts_up || count == 1);
    }
    return context == run->context + 1 || (context == run->context && count == 1);
}

static void add_run(amqpci_completions *completions, const amqpci_completion_run *run)
{
    assert(completions->count < completions->capacity);
    *run_at(completions, completions->count++) = *run;
}

static bool add_to_last(amqpci_completions *completions, const amqpci_completion_run *added)
{
    if (completions->count == 0) {
        return false;
    }
    amqpci_completion_run *last = run_at(completions, completions->count - 1);
    bool alike = last->state_type == added->state_type && last->unknown == added->unknown &&
                 last->state == NULL && fits(last, added->context, added->count);
    if (!alike) {
        return false;
    }
    if (last->count == 1) {
        last->counts_up = added->context != last->context;
    }
    last->count += added->count;
    return true;
}

static bool is_plain(uint32_t state_type)
{
    return state_type == AMQPC_COMPOSITE_ACCEPTED || state_type == AMQPC_COMPOSITE_RELEASED ||
           state_type == AMQPC_COMPOSITE_NONE;
}

static amqpci_kept_state *keep_state(amqpci_completions *completions, amqpc_bytes state)
{
    amqpci_kept_state *kept = (amqpci_kept_state *)amqpci_reallocate(&completions->allocator, NULL,
                                                                     sizeof *kept + state.size);
    if (kept != NULL) {
        kept->next = NULL;
        kept->size = state.size;
        memcpy(kept->bytes, state.data, state.size);
    }
    return kept;
}

void amqpci_completions_add(amqpci_completions *completions, uint64_t context, uint32_t state_type,
                            bool unknown, amqpc_bytes state)
{
    amqpci_completion_run run = {
        .context = context, .count = 1, .state_type = state_type, .unknown = unknown};
    if (!is_plain(state_type) && state.size > 0) {
        run.state = keep_state(completions, state);
    }
    if (run.state != NULL || !add_to_last(completions, &run)) {
        add_run(completions, &run);
    }
}

void amqpci_completions_add_sent(amqpci_completions *completions, uint64_t context, size_t count)
{
    amqpci_completion_run run = {.context = context,
                                 .count = (uint32_t)count,
                                 .state_type = AMQPC_COMPOSITE_NONE,
                                 .counts_up = true};
    if (count > 0 && !add_to_last(completions, &run)) {
        add_run(completions, &run);
    }
}

/* --- Taking. */

static amqpc_bytes state_of(const amqpci_completion_run *run)
{
    static const uint8_t accepted[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_ACCEPTED,
                                       AMQPC_CODE_LIST0};
    static const uint8_t released[] = {0, AMQPC_CODE_SMALLULONG, AMQPC_COMPOSITE_RELEASED,
                                       AMQPC_CODE_LIST0};
    if (run->state != NULL) {
        return (amqpc_bytes){run->state->bytes, run->state->size};
    }
    switch (run->state_type) {
    case AMQPC_COMPOSITE_ACCEPTED:
        return (amqpc_bytes){accepted, sizeof accepted};
    case AMQPC_COMPOSITE_RELEASED:
        return (amqpc_bytes){released, sizeof released};
    default:
        return (amqpc_bytes){NULL, 0};
    }
}

/* The state lives on until the program takes more. */
static void note_given(amqpci_completions *completions, amqpci_completion_run *run)
{
    if (run->state != NULL) {
        run->state->next = completions->given;
        completions->given = run->state;
        run->state = NULL;
    }
}

size_t amqpci_completions_take(amqpci_completions *completions, amqpc_completion *taken,
                               size_t capacity)
{
    size_t given = 0;
    free_states(completions, &completions->given);
    while (given < capacity && completions->count > 0) {
        amqpci_completion_run *run = run_at(completions, 0);
        amqpc_completion one = {.context = run->context,
                                .state_type = run->state_type,
                                .unknown = run->unknown,
                                .state = state_of(run)};
        while (given < capacity && run->count > 0) {
            taken[given++] = one;
            one.context += run->counts_up;
            run->count--;
        }
        run->context = one.context;
        if (run->count == 0) {
            note_given(completions, run);
            completions->first = (completions->first + 1) & (completions->capacity - 1);
            completions->count--;
        }
    }
    return given;
}
