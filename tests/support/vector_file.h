/* Reading the vectors, tests/vectors (docs/notation.md). */
#ifndef TESTS_SUPPORT_VECTOR_FILE_H
#define TESTS_SUPPORT_VECTOR_FILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_vector {
    const char *file; /* its name without folder */
    unsigned line;
    const char *kind;
    const char *origin;
    const char *name;
    const char *status;
    size_t offset;
    uint8_t *bytes;
    size_t size;
    const char *text;
} test_vector;

typedef struct vector_set {
    test_vector *vectors;
    size_t count;
    void *storage;
    size_t storage_count;
} vector_set;

/* Reads every file of the folder that the environment variable AMQPCODEC_VECTORS names. A
 * malformed line ends the program with a message. */
vector_set vector_set_read(void);

void vector_set_free(vector_set *set);

#endif
