/* A client engine, whose peer is the input (connection_fuzz.c). */
#include "connection_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    connection_fuzz(AMQPC_CLIENT, data, size);
    return 0;
}
