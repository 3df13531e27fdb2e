/* Bugs that are planted on purpose, so that a test can show that the simulation finds them.
 *
 * Only the build of that test (AMQPCODEC_PLANTED_BUG) has them: everywhere else AMQPCI_PLANTED is
 * constant false, and the compiler removes what stands behind it. */
#ifndef AMQPCI_BASE_PLANTED_H
#define AMQPCI_BASE_PLANTED_H

#include <stdbool.h>

#ifdef AMQPCODEC_PLANTED_BUG
/* The number of the bug that is switched on; 0 for none. */
extern unsigned amqpci_planted_bug;
#define AMQPCI_PLANTED(number) (amqpci_planted_bug == (number))
#define AMQPCI_PLANT(number)   (amqpci_planted_bug = (number), true)
#else
#define AMQPCI_PLANTED(number) false
#define AMQPCI_PLANT(number)   ((number) == 0)
#endif

#endif
