/* Composites with the names of their fields, as a part of larger prints. */
#ifndef AMQPCI_SCHEMA_COMPOSITE_PRINT_H
#define AMQPCI_SCHEMA_COMPOSITE_PRINT_H

#include "codec/print.h"

/* A composite, and the composites in its fields; any other value in the general notation. */
void amqpci_print_composite(amqpci_printer *printer, const amqpc_value *value);

/* The fields of a composite in memory that are present, without the name and the parentheses of
 * the whole. `type` is one whose fields are all of fixed types, texts, or single values: a
 * section of a message. */
void amqpci_print_members(amqpci_printer *printer, uint32_t type, const void *composite);

#endif
