/* What an export of a link is made of: see recovery_export.c. */
#ifndef AMQPCI_ENGINE_RECOVERY_FORMAT_H
#define AMQPCI_ENGINE_RECOVERY_FORMAT_H

#define AMQPCI_EXPORT_NAME          "amqpcodec:link-export"
#define AMQPCI_EXPORT_DELIVERY_NAME "amqpcodec:delivery-export"

enum { AMQPCI_EXPORT_VERSION = 1, AMQPCI_EXPORT_FIELDS = 4, AMQPCI_EXPORT_DELIVERY_FIELDS = 10 };

/* The fields of a delivery, in order. */
enum {
    AMQPCI_EXPORT_EPOCH = 0,
    AMQPCI_EXPORT_ID = 1,
    AMQPCI_EXPORT_TAG = 2,
    AMQPCI_EXPORT_STATE = 3,
    AMQPCI_EXPORT_REMOTE_STATE = 4,
    AMQPCI_EXPORT_FLAGS = 5,
    AMQPCI_EXPORT_CONTEXT = 6,
    AMQPCI_EXPORT_MESSAGE_FORMAT = 7,
    AMQPCI_EXPORT_RCV_SETTLE_MODE = 8,
    AMQPCI_EXPORT_PAYLOAD = 9
};

/* Bits of the field flags. */
enum {
    AMQPCI_EXPORTED_STREAMED = 1u << 0,
    AMQPCI_EXPORTED_BATCHABLE = 1u << 1,
    AMQPCI_EXPORTED_MODE_SECOND = 1u << 2,
    AMQPCI_EXPORTED_SETTLED = 1u << 3, /* by the receiver's application; the sender was not told */
    AMQPCI_EXPORTED_TAKEN = 1u << 4,   /* the receiver's application has its bytes */
    AMQPCI_EXPORTED_ALL = (1u << 5) - 1
};

#endif
