/* A build of the command without json-c: it reads no JSON. */
#include <stdio.h>

#include "tools/json_message.h"

bool json_message_is_available(void)
{
    return false;
}

bool json_message_read(const char *text, size_t size, arena *memory, json_message *read,
                       char *reason, size_t reason_size)
{
    (void)text;
    (void)size;
    (void)memory;
    (void)read;
    (void)snprintf(reason, reason_size, "this build of the command reads no JSON");
    return false;
}
