/* Attributes and hints that the hot paths use. */
#ifndef AMQPCI_BASE_COMPILER_H
#define AMQPCI_BASE_COMPILER_H

#define AMQPCI_INLINE              static inline __attribute__((always_inline))
#define AMQPCI_NOINLINE            __attribute__((noinline))
#define AMQPCI_COLD                __attribute__((cold, noinline))
#define AMQPCI_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define AMQPCI_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#endif
