/* The version of the headers, and of the library at run time. CMakeLists.txt reads it from here. */
#ifndef AMQPCODEC_VERSION_H
#define AMQPCODEC_VERSION_H

#include <amqpcodec/export.h>

AMQPC_BEGIN_DECLS

#define AMQPC_VERSION_MAJOR 0
#define AMQPC_VERSION_MINOR 1
#define AMQPC_VERSION_PATCH 0
#define AMQPC_VERSION       "0.1.0"

/* The version of the library that runs: "0.1.0". Static. */
AMQPC_API const char *amqpc_version(void);

AMQPC_END_DECLS

#endif
