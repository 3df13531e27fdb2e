/* The places of a trail by their names in the specification. */
#ifndef AMQPCI_EXPLAIN_PATH_H
#define AMQPCI_EXPLAIN_PATH_H

#include "explain/account.h"

/* Finds the field that the trail leads to. Of a missing field, the trail is first cut back to the
 * composite that lacks it. */
void amqpci_find_field(amqpci_account *account);

/* Prints the path: `frame.attach.source.filter{:"x"}`. */
void amqpci_print_path(amqpci_account *account);

/* The composite of which a step holds the fields; NULL where it is none. */
const amqpc_composite_info *amqpci_step_composite(const amqpci_trail *trail, unsigned depth);

/* The number that the descriptor of the described value at `from` stands for; 0 where it is
 * unknown, or where no described value is there. */
uint32_t amqpci_type_at(const uint8_t *from, const uint8_t *end);

/* The name of a composite or of a section of a message; NULL where the number is neither. */
const char *amqpci_name_of(uint32_t type);

#endif
