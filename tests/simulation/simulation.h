/* One simulation: two ends, a virtual network and a virtual clock, from one seed. */
#ifndef TESTS_SIMULATION_SIMULATION_H
#define TESTS_SIMULATION_SIMULATION_H

#include "simulation/faults.h"
#include "simulation/ledger.h"

/* What a run is asked for.
 *
 * trace   prints each frame that an end sends
 * corpus  the folder that gets the bytes each end took; NULL for none */
typedef struct simulation_options {
    plan_limits limits;
    bool trace;
    const char *corpus;
} simulation_options;

/* What became of a run, or of many: counts are added up. */
typedef struct simulation_result {
    ledger_rule broken; /* RULE_NONE where all was well */
    char account[512];
    fault_counts faults;
    ledger_statistics messages;
    uint64_t turns;
    uint64_t virtual_ms;
    uint64_t events;
    uint64_t bytes;
    uint64_t connections;
    uint64_t suspended_links;
} simulation_result;

void simulation_run(uint64_t seed, const simulation_options *options, simulation_result *result);

#endif
