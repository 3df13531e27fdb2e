# 32-bit x86, by Debian's cross compiler (gcc-multilib cannot be installed beside other cross compilers).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER i686-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static) # nothing of the architecture need be installed to run the tests
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^(x86_64|i.86)$")
    set(CMAKE_CROSSCOMPILING_EMULATOR qemu-i386-static)
endif()
