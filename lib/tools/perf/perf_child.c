#define _GNU_SOURCE
#include "tools/perf/perf_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/report.h"

enum { LINE_SIZE = 256, KIB = 1024 };

/* In the child. SIGTERM came to nobody where the parent ended before the call. */
static void detach(pid_t parent)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        exit(EXIT_BAD_INPUT);
    }
}

static int run_broker(int output)
{
    char word[] = "broker";
    char listen[] = "--listen=127.0.0.1:0";
    char *arguments[] = {word, listen, NULL};
    bool well = dup2(output, STDOUT_FILENO) >= 0;
    return well ? broker_command(2, arguments) : EXIT_BAD_INPUT;
}

/* The first line that the child writes ends with its port. */
static bool read_port(int input, char *url, size_t url_size)
{
    char line[LINE_SIZE];
    size_t size = 0;
    while (size < sizeof line - 1) {
        ssize_t got = read(input, line + size, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || line[size] == '\n') {
            break;
        }
        size++;
    }
    line[size] = '\0';
    const char *colon = strrchr(line, ':');
    if (colon == NULL) {
        report("the other process did not start");
        return false;
    }
    (void)snprintf(url, url_size, "amqp://127.0.0.1:%lu?sasl=none", strtoul(colon + 1, NULL, 10));
    return true;
}

/* load: of --direct; NULL for the broker. What the child writes later is not read: a pipe holds it.
 */
static bool start(perf_child *child, perf_load *load, char *url, size_t url_size)
{
    int ends[2];
    pid_t parent = getpid();
    (void)fflush(NULL);
    if (pipe(ends) != 0) {
        report("pipe: %s", strerror(errno));
        return false;
    }
    child->process = fork();
    if (child->process < 0) {
        report("fork: %s", strerror(errno));
        child->process = 0;
        return false;
    }
    if (child->process == 0) {
        (void)close(ends[0]);
        detach(parent);
        int status = load == NULL ? run_broker(ends[1]) : perf_direct_serve(load, ends[1]);
        exit(status);
    }
    (void)close(ends[1]);
    bool well = read_port(ends[0], url, url_size);
    if (!well) {
        (void)close(ends[0]);
        perf_child_end(child);
    }
    return well; /* the pipe stays open, so that the child can write its statistics */
}

bool perf_child_start_broker(perf_child *child, char *url, size_t url_size)
{
    return start(child, NULL, url, url_size);
}

bool perf_child_start_direct(perf_child *child, perf_load *load, char *url, size_t url_size)
{
    return start(child, load, url, url_size);
}

void perf_child_end(perf_child *child)
{
    struct rusage usage;
    if (child->process == 0) {
        return;
    }
    (void)kill(child->process, SIGTERM);
    pid_t ended = 0;
    do {
        ended = wait4(child->process, NULL, 0, &usage);
    } while (ended < 0 && errno == EINTR);
    child->process = 0;
    if (ended > 0) {
        child->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        child->peak_size = (uint64_t)usage.ru_maxrss * KIB;
    }
}
