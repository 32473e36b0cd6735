# cs_client_library(TARGET STATIC|SHARED): countersign::client as others link it.
#
# Static: one archive with the objects of every layer it stands on, so that nothing of the house's
# inside is installed beside it. Shared: what the interface needs of them; only the interface is
# exported (src/client/exports.map).
function(cs_client_library target type)
  set(COUNTERSIGN_CLIENT_LAYERS core crypto jose protocol http net store consumer)
  # What those layers need; a program that links statically needs it too. The same stands in
  # cmake/countersignConfig.cmake.in and cmake/countersign.pc.in.
  set(COUNTERSIGN_CLIENT_NEEDS OpenSSL::SSL OpenSSL::Crypto fmt::fmt PkgConfig::TOMLPLUSPLUS Threads::Threads)

  set(objects $<TARGET_OBJECTS:cs_client>)
  if(type STREQUAL "STATIC")
    foreach(layer IN LISTS COUNTERSIGN_CLIENT_LAYERS)
      list(APPEND objects $<TARGET_OBJECTS:cs_${layer}>)
    endforeach()
  endif()
  add_library(${target} ${type} ${objects})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME countersign-client EXPORT_NAME client LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION}
    # Until 1.0.0 each minor version may break the ABI.
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} INTERFACE cxx_std_20)
  if(type STREQUAL "STATIC")
    target_link_libraries(${target} PRIVATE ${COUNTERSIGN_CLIENT_NEEDS})
  else()
    set(map "${CMAKE_SOURCE_DIR}/src/client/exports.map")
    foreach(layer IN LISTS COUNTERSIGN_CLIENT_LAYERS)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:cs_${layer}>)
    endforeach()
    target_link_options(${target} PRIVATE
      "LINKER:--version-script=${map}" "LINKER:--gc-sections" "LINKER:--as-needed")
    if(NOT COUNTERSIGN_SANITIZE)  # the sanitizers' own symbols come with the program
      target_link_options(${target} PRIVATE "LINKER:--no-undefined")
    endif()
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${map}")
  endif()
endfunction()
