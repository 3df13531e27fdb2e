/* The version of the library that runs. */
#include <amqpcodec/version.h>

const char *amqpc_version(void)
{
    return AMQPC_VERSION;
}
