/* A message as a part of larger prints. */
#ifndef AMQPCI_MESSAGE_MESSAGE_PRINT_H
#define AMQPCI_MESSAGE_MESSAGE_PRINT_H

#include "codec/print.h"

void amqpci_print_message(amqpci_printer *printer, const amqpc_message *message);

#endif
