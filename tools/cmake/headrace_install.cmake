# `cmake --install`: headers, archives and a package that find_package(headrace) takes up.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/headrace)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/headraceConfig.cmake.in
  ${PROJECT_BINARY_DIR}/headraceConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/headraceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT headraceTargets NAMESPACE headrace:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/headraceConfig.cmake ${PROJECT_BINARY_DIR}/headraceConfigVersion.cmake
  DESTINATION ${package_dir})
