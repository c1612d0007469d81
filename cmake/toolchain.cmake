# How everything is compiled: language, warnings, sanitizers, compiler cache and linker.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# No C++20 modules here, so there is nothing to scan for.
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# All programs and tests in one place: ORDERSAGA_BIN.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Without these two it does not cache what includes a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()

find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
    add_link_options(-fuse-ld=lld)
endif()

# Warnings. Linked by every target of ours, by nothing else.
add_library(ordersaga_warnings INTERFACE)
target_compile_options(ordersaga_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees overlapping copies in std::string concatenation that are not there (GCC bug 105651), and coroutine frames
    # freed by another allocator where Asio pairs its own two.
    target_compile_options(ordersaga_warnings INTERFACE -Wno-restrict -Wno-mismatched-new-delete)
endif()
if(ORDERSAGA_WERROR)
    # A newer compiler brings newer warnings: it must still compile, so only the two we test with are strict.
    string(REGEX MATCH "^[0-9]+" compiler_major "${CMAKE_CXX_COMPILER_VERSION}")
    if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND compiler_major EQUAL 12)
       OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND compiler_major EQUAL 14))
        target_compile_options(ordersaga_warnings INTERFACE -Werror)
    endif()
endif()

add_library(ordersaga_options INTERFACE)
# The JSON library's assertions stay on, but for the one that it makes whenever a value is moved, copied or destroyed ("m_type
# != ..."): it guards the library against itself, and documents are moved more often than anything else here.
target_compile_options(
    ordersaga_options INTERFACE "-DJSON_ASSERT(x)=(((#x)[0]=='m'&&(#x)[2]=='t')||(x)?(void)0:__builtin_abort())")
# Sanitizers and coverage.
if(ORDERSAGA_SANITIZE MATCHES "^(asan|fuzz)$")
    set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Clang 14 cannot assemble coroutines with it ("difference across sections").
        list(APPEND sanitizer_flags -fno-sanitize=function)
    endif()
    if(ORDERSAGA_SANITIZE STREQUAL "fuzz")
        # Everything tells which of its branches were taken; only the targets themselves get libFuzzer's main().
        list(APPEND sanitizer_flags -fsanitize=fuzzer-no-link)
    endif()
elseif(ORDERSAGA_SANITIZE STREQUAL "tsan")
    set(sanitizer_flags -fsanitize=thread -fno-omit-frame-pointer)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Asio and libstdc++ use fences the sanitizer does not model; GCC says so once per file.
        list(APPEND sanitizer_flags -Wno-tsan)
    endif()
elseif(ORDERSAGA_SANITIZE)
    message(FATAL_ERROR "ORDERSAGA_SANITIZE is '${ORDERSAGA_SANITIZE}'; it may be empty, asan, tsan or fuzz")
endif()
# Documents are made of many small pieces: a third of the engine's time went into glibc's allocator. Sanitizers have their own.
if(NOT ORDERSAGA_SANITIZE)
    find_library(ORDERSAGA_JEMALLOC jemalloc)
    if(ORDERSAGA_JEMALLOC)
        target_link_libraries(ordersaga_options INTERFACE ${ORDERSAGA_JEMALLOC})
    else()
        message(STATUS "without jemalloc (libjemalloc-dev): memory is given by the C library, more slowly")
    endif()
endif()
if(sanitizer_flags)
    target_compile_options(ordersaga_options INTERFACE ${sanitizer_flags})
    target_link_options(ordersaga_options INTERFACE ${sanitizer_flags})
endif()
# Only the folders that decide are measured (the same ones in tools/run_tests): everything else is compiled as for a release,
# so the compiler cache has it.
function(ordersaga_measure_coverage target)
    cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
    if(ORDERSAGA_COVERAGE AND folder MATCHES "^(sagas|orchestrator/engine|db|activities)(/|$)")
        target_compile_options(${target} PRIVATE -O0 --coverage -fprofile-update=atomic)
    endif()
endfunction()
if(ORDERSAGA_COVERAGE)
    target_link_options(ordersaga_options INTERFACE --coverage)
endif()
