/* The program that tests/packaging/check.py builds against an installed library. */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>

int main(void)
{
    amqpc_value value;
    amqpc_status status = amqpc_value_decode("\x52\x2a", 2, NULL, &value, NULL);
    printf("%s %s %llu\n", amqpc_version(), amqpc_status_name(status),
           (unsigned long long)value.as.u64);
    return status != AMQPC_OK;
}
