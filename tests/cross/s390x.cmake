# IBM Z: 64 bits, big-endian.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_C_COMPILER s390x-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static) # nothing of the architecture need be installed to run the tests
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL s390x)
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-s390x-static)
endif()
