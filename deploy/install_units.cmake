# Run by `cmake --install`, with deploy_folder and made_folder set: the systemd units with the paths of this very
# installation, and the settings. DESTDIR is seen to by file(INSTALL).
set(BIN_DIR ${CMAKE_INSTALL_PREFIX}/bin)
set(DOC_DIR ${CMAKE_INSTALL_PREFIX}/share/doc/ordersaga)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(CONFIG_DIR /etc/ordersaga)
else()
    set(CONFIG_DIR ${CMAKE_INSTALL_PREFIX}/etc/ordersaga)
endif()

file(READ ${deploy_folder}/systemd/hardening.conf HARDENING)
string(STRIP "${HARDENING}" HARDENING)
foreach(unit ordersaga-orchestrator ordersaga-worker ordersaga-notifier ordersaga)
    configure_file(${deploy_folder}/systemd/${unit}.service.in ${made_folder}/${unit}.service @ONLY)
    file(INSTALL ${made_folder}/${unit}.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endforeach()

# Secrets are root's: systemd hands them to the services.
foreach(folder orchestrator.secrets worker.secrets notifier.secrets secrets)
    file(MAKE_DIRECTORY $ENV{DESTDIR}${CONFIG_DIR}/${folder})
    file(CHMOD $ENV{DESTDIR}${CONFIG_DIR}/${folder} DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()

# Settings that somebody has edited stay; the new ones are in share/ordersaga for comparison.
if(NOT EXISTS $ENV{DESTDIR}${CONFIG_DIR}/ordersaga.toml)
    file(INSTALL ${deploy_folder}/ordersaga.toml DESTINATION ${CONFIG_DIR})
endif()
