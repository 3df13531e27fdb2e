/* The other process of `amqpcodec perf`: the embedded broker, or the receiving end of --direct. */
#ifndef AMQPCODEC_TOOLS_PERF_PERF_CHILD_H
#define AMQPCODEC_TOOLS_PERF_PERF_CHILD_H

#include <sys/types.h>

#include "tools/perf/perf.h"

/* process      0 where there is none
 * cpu_seconds, peak_size  once it has ended; bytes */
typedef struct perf_child {
    pid_t process;
    double cpu_seconds;
    uint64_t peak_size;
} perf_child;

/* Starts it, before there are threads, in a process group of its own, so that Ctrl-C does not reach
 * it; it ends when this process does. url: receives where it listens. Returns false where that was
 * reported. */
bool perf_child_start_broker(perf_child *child, char *url, size_t url_size);
bool perf_child_start_direct(perf_child *child, perf_load *load, char *url, size_t url_size);

/* Asks it to end, and waits for that. */
void perf_child_end(perf_child *child);

/* What the receiving process of --direct does, until SIGTERM. port_pipe: to which it writes a line
 * that ends with its port. Returns an exit status. */
int perf_direct_serve(perf_load *load, int port_pipe);

#endif
