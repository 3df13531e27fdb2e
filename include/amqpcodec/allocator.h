/* Where the library's memory comes from. */
#ifndef AMQPCODEC_ALLOCATOR_H
#define AMQPCODEC_ALLOCATOR_H

#include <amqpcodec/export.h>

AMQPC_BEGIN_DECLS

/* Three functions that stand in for malloc, realloc and free.
 *
 * Every `_new` function takes one, copies it, and uses it for all that the object allocates; NULL
 * selects the C library's. The functions may be called by any thread that uses the object, and
 * must not call back into the library.
 *
 * context     passed to each function, otherwise unused; may be NULL
 * allocate    `size` (at least 1) bytes aligned for any type, or NULL
 * reallocate  as realloc: `memory` may be NULL; on failure NULL, and `memory` stays as it was
 * release     `memory` may be NULL */
typedef struct amqpc_allocator {
    void *context;
    void *(*allocate)(void *context, size_t size);
    void *(*reallocate)(void *context, void *memory, size_t size);
    void (*release)(void *context, void *memory);
} amqpc_allocator;

AMQPC_END_DECLS

#endif
