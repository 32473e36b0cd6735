# `cmake --install`: the program, the library with what finds it, units, examples, license.
include(CMakePackageConfigHelpers)

install(TARGETS countersign RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS countersign_client EXPORT countersignTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/countersign" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

# find_package(countersign CONFIG REQUIRED), then countersign::client.
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/countersign")
if(BUILD_SHARED_LIBS)
  set(COUNTERSIGN_IS_STATIC OFF)
else()
  set(COUNTERSIGN_IS_STATIC ON)
endif()
configure_package_config_file("${CMAKE_SOURCE_DIR}/cmake/countersignConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/countersignConfig.cmake" INSTALL_DESTINATION "${config_folder}")
# Before 1.0.0 a program wants the minor version that it was written for.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/countersignConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/countersignConfig.cmake"
  "${CMAKE_BINARY_DIR}/countersignConfigVersion.cmake" DESTINATION "${config_folder}")
install(EXPORT countersignTargets NAMESPACE countersign:: DESTINATION "${config_folder}")

file(RELATIVE_PATH COUNTERSIGN_PREFIX_FROM_PC "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${CMAKE_SOURCE_DIR}/cmake/countersign.pc.in" "${CMAKE_BINARY_DIR}/countersign.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/countersign.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(DIRECTORY "${CMAKE_SOURCE_DIR}/packaging/systemd/" DESTINATION lib/systemd/system)
install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" "${CMAKE_SOURCE_DIR}/README.md"
  "${CMAKE_SOURCE_DIR}/CHANGELOG.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}" USE_SOURCE_PERMISSIONS)
