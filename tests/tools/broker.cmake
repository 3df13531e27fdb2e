# The broker: in memory, without sockets, and as a process.
add_library(broker_fixture STATIC broker_fixture.c)
target_include_directories(broker_fixture PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/tests)
foreach(name broker_queue_test broker_link_test broker_recovery_test broker_limit_test broker_sasl_test broker_message_test)
    amqpcodec_test(${name} ${name}.c)
    target_link_libraries(${name} PRIVATE broker_fixture amqpcodec_broker test_support)
endforeach()
