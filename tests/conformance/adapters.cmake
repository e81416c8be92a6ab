# The suite of adapters to brokers: adapter/suite.cpp and adapter/NAME_rig.cpp, for each adapter that this build has.
foreach(adapter memory redis)
  if(NOT TARGET headrace::${adapter})
    continue()
  endif()
  add_executable(conformance_${adapter} ${CMAKE_CURRENT_SOURCE_DIR}/adapter/suite.cpp
    ${CMAKE_CURRENT_SOURCE_DIR}/adapter/${adapter}_rig.cpp)
  target_include_directories(conformance_${adapter} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/adapter
    ${PROJECT_SOURCE_DIR}/tests/support)
  target_link_libraries(conformance_${adapter} PRIVATE headrace::${adapter} GTest::gtest GTest::gtest_main)
  gtest_discover_tests(conformance_${adapter} TEST_PREFIX "conformance.${adapter}." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS integration TIMEOUT 600)
endforeach()
