/* Messages with every type of value, in every place of a message where values stand. */
#ifndef TESTS_INTEROP_CLIENT_CASES_H
#define TESTS_INTEROP_CLIENT_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include <amqpcodec/message.h>

enum { CASE_NAME_CAPACITY = 96 };

/* One message, which points into static memory and into `pair`, and so stays where it is. */
typedef struct message_case {
    char name[CASE_NAME_CAPACITY];
    amqpc_message message;
    amqpc_value pair[2];
} message_case;

/* How many there are. */
size_t case_count(void);

/* Makes the one at an index below case_count. */
void case_make(size_t index, message_case *made);

#endif
