/* What every public header needs: symbol visibility and compiler attributes.
 *
 * Programs include <amqpcodec/amqpcodec.h>, or the header of the noun they use. */
#ifndef AMQPCODEC_EXPORT_H
#define AMQPCODEC_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define AMQPC_API __attribute__((visibility("default")))
/* The result of the function must be looked at. */
#define AMQPC_CHECK __attribute__((warn_unused_result))
#else
#define AMQPC_API
#define AMQPC_CHECK
#endif

#ifdef __cplusplus
#define AMQPC_BEGIN_DECLS extern "C" {
#define AMQPC_END_DECLS   }
#else
#define AMQPC_BEGIN_DECLS
#define AMQPC_END_DECLS
#endif

#endif
