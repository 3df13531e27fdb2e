#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak/soak.h"

enum { POSTED = 1, COMPLETED = 2, ACCEPTED = 4, UNKNOWN = 8, COMPLETED_TWICE = 16, REFUSED = 32 };
enum { FAULTS_PRINTED = 5 };

bool soak_ledger_init(soak_ledger *ledger, uint32_t capacity)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->capacity = capacity;
    ledger->sent = malloc(capacity);
    ledger->received = malloc(capacity * sizeof *ledger->received);
    if (ledger->sent == NULL || ledger->received == NULL) {
        return false;
    }
    memset(ledger->sent, 0, capacity);
    for (uint32_t i = 0; i < capacity; i++) {
        atomic_init(&ledger->received[i], 0);
    }
    return true;
}

void soak_ledger_free(soak_ledger *ledger)
{
    free(ledger->sent);
    free(ledger->received);
}

void soak_ledger_post(soak_ledger *ledger, uint64_t number)
{
    ledger->sent[number] |= POSTED;
    atomic_fetch_add(&ledger->posted, 1);
}

void soak_ledger_complete(soak_ledger *ledger, uint64_t number, uint32_t state_type, bool unknown)
{
    uint8_t *sent = &ledger->sent[number];
    *sent |= *sent & COMPLETED ? COMPLETED_TWICE : COMPLETED;
    if (state_type == AMQPC_COMPOSITE_ACCEPTED) {
        *sent |= ACCEPTED;
        atomic_fetch_add(&ledger->accepted, 1);
    } else if (state_type != AMQPC_COMPOSITE_NONE) {
        *sent |= REFUSED;
    }
    if (unknown) {
        *sent |= UNKNOWN;
        atomic_fetch_add(&ledger->unknown, 1);
    }
    atomic_fetch_add(&ledger->completed, 1);
}

void soak_ledger_receive(soak_ledger *ledger, uint64_t number)
{
    if (atomic_fetch_add(&ledger->received[number], 1) == 0) {
        atomic_fetch_add(&ledger->arrived, 1);
    } else {
        atomic_fetch_add(&ledger->repeated, 1);
    }
}

bool soak_ledger_has_arrived(const soak_ledger *ledger)
{
    uint32_t posted = atomic_load(&ledger->posted);
    for (uint32_t i = 0; i < posted; i++) {
        if ((ledger->sent[i] & ACCEPTED) != 0 && atomic_load(&ledger->received[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* What is wrong with a message; NULL where nothing is. */
static const char *fault_of(const soak_plan *plan, uint8_t sent, uint8_t received)
{
    if ((sent & POSTED) == 0) {
        return sent != 0 || received != 0 ? "was never posted" : NULL;
    }
    if ((sent & COMPLETED) == 0) {
        return "was never completed";
    }
    if (sent & COMPLETED_TWICE) {
        return "was completed twice";
    }
    if (sent & REFUSED) {
        return "was refused";
    }
    bool has_outcome = plan->guarantee != AMQPC_AT_MOST_ONCE;
    if (has_outcome && (sent & (ACCEPTED | UNKNOWN)) == 0) {
        return "has no outcome";
    }
    if (plan->guarantee == AMQPC_AT_LEAST_ONCE && (sent & UNKNOWN) != 0) {
        return "is unknown";
    }
    if (plan->arrives && (sent & ACCEPTED) != 0 && received == 0) {
        return "was accepted and lost";
    }
    return plan->once && received > 1 ? "was received twice" : NULL;
}

uint64_t soak_ledger_check(const soak_ledger *ledger, const soak_plan *plan, unsigned sender)
{
    uint64_t faults = 0;
    for (uint32_t i = 0; i < ledger->capacity; i++) {
        const char *fault = fault_of(plan, ledger->sent[i], atomic_load(&ledger->received[i]));
        if (fault == NULL) {
            continue;
        }
        if (faults++ < FAULTS_PRINTED) {
            (void)fprintf(stderr, "%s, sender %u: message %" PRIu32 " %s\n", plan->address, sender,
                          i, fault);
        }
    }
    return faults;
}
