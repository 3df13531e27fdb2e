/* Ctrl-C, which ends what a word does in good order. */
#ifndef AMQPCODEC_TOOLS_INTERRUPT_H
#define AMQPCODEC_TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are kept in mind, and end waits; a second one ends the process. */
void interrupt_catch(void);

/* Whether one came. */
bool interrupt_came(void);

#endif
