/* What Python calls of the binding's own C, beside the public headers.
 *
 * cffi parses this file: integer constants, enums, structs and functions, and nothing else. A
 * function whose name begins with crossing_wait_ may wait, and is called without the GIL; every
 * other one is called with the GIL, and never waits. None of them uses Python's C API. Each part of
 * the binding has a block. */
#ifndef AMQPCODEC_CROSSING_H
#define AMQPCODEC_CROSSING_H

#include <amqpcodec/amqpcodec.h>

/* --- module.c: the module itself. */

/* The version of this file's functions, which _crossing.py compares with its own: a module left
 * over from another build is refused at import, and not when a call goes wrong. */
#define CROSSING_VERSION 1

int crossing_version(void);

#endif
