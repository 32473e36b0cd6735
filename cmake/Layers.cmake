# cs_layer(NAME [LINK target...]): the library cs_NAME from every .cc below the calling folder that is not
# a test, and, with tests on, the program NAME_test from the *_test.cc beside them.
include(GoogleTest)

function(cs_layer name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(cs_${name} STATIC ${sources})
    target_include_directories(cs_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(cs_${name} PUBLIC ${ARG_LINK})
  else()
    add_library(cs_${name} INTERFACE)
    target_include_directories(cs_${name} INTERFACE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(cs_${name} INTERFACE ${ARG_LINK})
  endif()
  if(COUNTERSIGN_TESTS AND tests)
    cs_test(${name}_test SOURCES ${tests} LINK cs_${name} UNIT)
  endif()
endfunction()

# Where tests that start programs keep what these print, for tests/record to search.
set(COUNTERSIGN_RECORD "${CMAKE_BINARY_DIR}/record")

# cs_test(NAME SOURCES file... [LINK target...] [UNIT] [RECORDED]): a GoogleTest program whose tests CTest knows one
# by one.
# UNIT: nothing but unit tests, which need no process each. All of them together are also one test of CTest,
# "program.NAME": the whole suite runs that (label "program"), a selection of tests the single ones (label "unit").
# RECORDED: it starts programs, whose output is searched for secrets.
function(cs_test name)
  cmake_parse_arguments(ARG "UNIT;RECORDED" "" "SOURCES;LINK" ${ARGN})
  set(properties)
  if(ARG_UNIT)
    list(APPEND properties LABELS unit)
    add_test(NAME program.${name}
             COMMAND ${name} --gtest_brief=1 "--gtest_output=xml:${CMAKE_BINARY_DIR}/programs/${name}.xml")
    set_tests_properties(program.${name} PROPERTIES LABELS program)
  endif()
  if(ARG_RECORDED)
    list(APPEND ARG_SOURCES "${CMAKE_SOURCE_DIR}/tests/record/install_recorder.cc")
    list(APPEND ARG_LINK cs_record)
    list(APPEND properties ENVIRONMENT "COUNTERSIGN_RECORD=${COUNTERSIGN_RECORD}" FIXTURES_REQUIRED secret_record)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} cs_test_support GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE COUNTERSIGN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(properties)
    list(PREPEND properties PROPERTIES)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 ${properties})
endfunction()
