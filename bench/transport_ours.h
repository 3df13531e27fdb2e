/* The ends of our contender: messages one way, and round trips. */
#ifndef BENCH_TRANSPORT_OURS_H
#define BENCH_TRANSPORT_OURS_H

#include "transport_ours_end.h"

void transport_ours_send(const transport_case *chosen, const transport_place *place,
                         transport_result *result);
void transport_ours_receive(const transport_case *chosen, const transport_place *place,
                            transport_result *result);

#endif
