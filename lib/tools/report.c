/* Errors on standard error, and the two failures that end a tool at once: no memory, and nowhere to
 * write to. */
#include "tools/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"

/* Whether all output so far could be written. */
static int flush(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return 1;
    }
    if (errno != EPIPE) {
        (void)fprintf(stderr, "amqpcodec: standard output: %s\n", strerror(errno));
    }
    return 0;
}

void report_flush(void)
{
    if (!flush()) {
        exit(EXIT_BAD_INPUT);
    }
}

void report(const char *format, ...)
{
    report_flush();
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("amqpcodec: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
}

int report_finish(int status)
{
    return flush() ? status : EXIT_BAD_INPUT;
}

void report_no_memory(void)
{
    report("out of memory");
    exit(EXIT_BAD_INPUT);
}

void *reallocate(void *memory, size_t size)
{
    void *moved = realloc(memory, size);
    if (moved == NULL) {
        report_no_memory();
    }
    return moved;
}
