# Third parties, all from the distribution (Debian 12 and 13), all as imported targets whose headers are system headers:
#
#   Boost::headers  ordersaga::boost_url  ordersaga::pqxx  ordersaga::rabbitmq  OpenSSL::SSL  OpenSSL::Crypto
#   Threads::Threads  spdlog::spdlog  fmt::fmt  nlohmann_json::nlohmann_json  prometheus-cpp::core
#   CURL::libcurl  prometheus-cpp::pull  CLI11::CLI11  ordersaga::tomlplusplus  GTest::gtest_main  GTest::gmock
#
# A missing one is named together with the command that installs it: ./dev setup.

function(ordersaga_missing what package)
    message(FATAL_ERROR "${what} is missing (Debian package ${package}). Run: ./dev setup")
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
    ordersaga_missing("pkg-config" pkg-config)
endif()

find_package(Boost 1.81 CONFIG QUIET COMPONENTS url)
if(NOT Boost_FOUND)
    ordersaga_missing("Boost 1.81 or newer" "libboost1.81-dev and libboost-url1.81-dev, or libboost-all-dev")
endif()
add_library(ordersaga_boost_url INTERFACE)
target_link_libraries(ordersaga_boost_url INTERFACE Boost::url)
add_library(ordersaga::boost_url ALIAS ordersaga_boost_url)

find_package(OpenSSL 3 QUIET)
if(NOT OpenSSL_FOUND)
    ordersaga_missing("OpenSSL 3" libssl-dev)
endif()

pkg_check_modules(ORDERSAGA_PQXX QUIET IMPORTED_TARGET GLOBAL libpqxx)
if(NOT ORDERSAGA_PQXX_FOUND)
    ordersaga_missing("libpqxx" libpqxx-dev)
endif()
# libpq's own header is used for what libpqxx hides; only Debian 12's libpqxx names its folder.
pkg_check_modules(ORDERSAGA_PQ QUIET IMPORTED_TARGET GLOBAL libpq)
if(NOT ORDERSAGA_PQ_FOUND)
    ordersaga_missing("libpq" libpq-dev)
endif()
add_library(ordersaga_pqxx INTERFACE)
target_link_libraries(ordersaga_pqxx INTERFACE PkgConfig::ORDERSAGA_PQXX PkgConfig::ORDERSAGA_PQ)
add_library(ordersaga::pqxx ALIAS ordersaga_pqxx)

pkg_check_modules(ORDERSAGA_RABBITMQ QUIET IMPORTED_TARGET GLOBAL librabbitmq)
if(NOT ORDERSAGA_RABBITMQ_FOUND)
    ordersaga_missing("rabbitmq-c" librabbitmq-dev)
endif()
add_library(ordersaga::rabbitmq ALIAS PkgConfig::ORDERSAGA_RABBITMQ)

find_package(CURL 7.88 QUIET)
if(NOT CURL_FOUND)
    ordersaga_missing("libcurl 7.88 or newer" libcurl4-openssl-dev)
endif()

pkg_check_modules(ORDERSAGA_ZSTD QUIET IMPORTED_TARGET GLOBAL libzstd)
if(NOT ORDERSAGA_ZSTD_FOUND)
    ordersaga_missing("Zstandard" libzstd-dev)
endif()
add_library(ordersaga::zstd ALIAS PkgConfig::ORDERSAGA_ZSTD)

pkg_check_modules(ORDERSAGA_TOMLPLUSPLUS QUIET IMPORTED_TARGET GLOBAL tomlplusplus)
if(NOT ORDERSAGA_TOMLPLUSPLUS_FOUND)
    ordersaga_missing("toml++" libtomlplusplus-dev)
endif()
add_library(ordersaga::tomlplusplus ALIAS PkgConfig::ORDERSAGA_TOMLPLUSPLUS)

foreach(entry "fmt|libfmt-dev" "spdlog|libspdlog-dev" "nlohmann_json|nlohmann-json3-dev"
              "prometheus-cpp|prometheus-cpp-dev" "CLI11|libcli11-dev" "GTest|libgtest-dev and libgmock-dev")
    string(REPLACE "|" ";" entry "${entry}")
    list(GET entry 0 package)
    list(GET entry 1 debian_package)
    find_package(${package} CONFIG QUIET)
    if(NOT ${package}_FOUND)
        ordersaga_missing("${package}" "${debian_package}")
    endif()
endforeach()
