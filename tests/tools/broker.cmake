# The broker: in memory, without sockets, and as a process.
add_library(broker_fixture STATIC broker_fixture.c)
target_include_directories(broker_fixture PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/tests)
foreach(name broker_queue_test broker_credit_test broker_link_test broker_recovery_test broker_limit_test broker_sasl_test broker_message_test
        broker_random_test)
    amqpcodec_test(${name} ${name}.c)
    target_link_libraries(${name} PRIVATE broker_fixture amqpcodec_broker test_support)
endforeach()

# Its clients are the peers of tests/interop, where they are built.
add_test(NAME tools_broker_test COMMAND Python3::Interpreter -B -W error ${CMAKE_CURRENT_SOURCE_DIR}/broker_test.py)
set(environment "AMQPCODEC_TOOL=${tool}" "AMQPCODEC_VECTORS=${PROJECT_SOURCE_DIR}/tests/vectors")
string(JOIN " " launcher ${AMQPCODEC_TEST_LAUNCHER})
list(APPEND environment "AMQPCODEC_ENGINE_PEER=${launcher} $<$<TARGET_EXISTS:engine_peer>:$<TARGET_FILE:engine_peer>>"
    "AMQPCODEC_PROTON_PEER=$<$<TARGET_EXISTS:proton_peer>:$<TARGET_FILE:proton_peer>>")
set_tests_properties(tools_broker_test PROPERTIES ENVIRONMENT "${environment}" TIMEOUT 600)

# Inputs of the fuzzers, as bytes over TCP; recordings of the simulation are among them.
add_test(NAME tools_replay_test COMMAND Python3::Interpreter -B -W error ${CMAKE_CURRENT_SOURCE_DIR}/replay_test.py)
set_tests_properties(tools_replay_test PROPERTIES TIMEOUT 300 ENVIRONMENT
    "${environment};AMQPCODEC_SIMULATE=${launcher} $<TARGET_FILE:simulate>;AMQPCODEC_SANITIZED=$<$<BOOL:${AMQPCODEC_SANITIZED}>:yes>")
