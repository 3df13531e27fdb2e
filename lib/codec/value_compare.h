/* An order of all values, by type and content and without regard to encodings. */
#ifndef AMQPCI_CODEC_VALUE_COMPARE_H
#define AMQPCI_CODEC_VALUE_COMPARE_H

#include <amqpcodec/value.h>

/* Sets *order to a number below, equal to or above 0 as left comes before, is the same as, or
 * comes after right. The order is total, and means nothing else. Fails as amqpc_value_same does. */
AMQPC_CHECK amqpc_status amqpci_value_compare(const amqpc_value *left, const amqpc_value *right,
                                              int *order);

#endif
