/* What goes wrong: in the network, in memory, and with a peer that means ill. */
#ifndef TESTS_SIMULATION_FAULTS_H
#define TESTS_SIMULATION_FAULTS_H

#include "simulation/byte_pipe.h"
#include "simulation/heap.h"
#include "simulation/plan.h"
#include "simulation/random.h"

typedef struct fault_counts {
    uint64_t stalls;
    uint64_t cuts;
    uint64_t bytes_lost;
    uint64_t half_open;
    uint64_t allocations;
    uint64_t mutations;
    uint64_t reconnects;
} fault_counts;

/* Faults of the network in one turn. Returns whether one of them may end the connection. */
bool faults_of_network(const fault_plan *plan, random_source *source, byte_pipe *there,
                       byte_pipe *back, uint64_t now_ms, fault_counts *counts);

/* Perhaps lets one of the next allocations fail. */
void faults_of_memory(const fault_plan *plan, random_source *source, heap *memory);

/* Writes the output of a hostile end: frames changed, repeated, dropped, or made up. */
void faults_write_mutated(const fault_plan *plan, random_source *source, byte_pipe *pipe,
                          const uint8_t *bytes, size_t size, uint64_t ready_at_ms);

/* How many mutations there were since the program began. */
uint64_t faults_mutations(void);

#endif
