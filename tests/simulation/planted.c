/* Which of the planted bugs is switched on. */
#include "base/planted.h"

unsigned amqpci_planted_bug;
