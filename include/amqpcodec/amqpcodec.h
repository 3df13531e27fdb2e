/* All of libamqpcodec's public headers. */
#ifndef AMQPCODEC_AMQPCODEC_H
#define AMQPCODEC_AMQPCODEC_H

#include <amqpcodec/allocator.h>
#include <amqpcodec/buffer.h>
#include <amqpcodec/client.h>
#include <amqpcodec/composites.h>
#include <amqpcodec/connection.h>
#include <amqpcodec/controller.h>
#include <amqpcodec/delivery.h>
#include <amqpcodec/event.h>
#include <amqpcodec/explain.h>
#include <amqpcodec/frame.h>
#include <amqpcodec/limits.h>
#include <amqpcodec/link.h>
#include <amqpcodec/listener.h>
#include <amqpcodec/message.h>
#include <amqpcodec/performative.h>
#include <amqpcodec/poller.h>
#include <amqpcodec/print.h>
#include <amqpcodec/reader.h>
#include <amqpcodec/receiver.h>
#include <amqpcodec/requester.h>
#include <amqpcodec/sasl.h>
#include <amqpcodec/sender.h>
#include <amqpcodec/session.h>
#include <amqpcodec/status.h>
#include <amqpcodec/tls.h>
#include <amqpcodec/transaction.h>
#include <amqpcodec/transport.h>
#include <amqpcodec/value.h>
#include <amqpcodec/version.h>
#include <amqpcodec/writer.h>

#endif
