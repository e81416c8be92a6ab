# The suite of adapters to brokers: adapter/suite.cpp and adapter/NAME_rig.cpp, for each adapter that this build has.
foreach(adapter memory redis rabbitmq mqtt servicebus)
  if(NOT TARGET headrace::${adapter})
    continue()
  endif()
  add_executable(conformance_${adapter} ${CMAKE_CURRENT_SOURCE_DIR}/adapter/suite.cpp
    ${CMAKE_CURRENT_SOURCE_DIR}/adapter/${adapter}_rig.cpp)
  target_include_directories(conformance_${adapter} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/adapter
    ${PROJECT_SOURCE_DIR}/tests/support)
  target_link_libraries(conformance_${adapter} PRIVATE headrace::${adapter} GTest::gtest GTest::gtest_main)
  if(adapter STREQUAL servicebus)
    headrace_servicebus_emulator(conformance_servicebus)
  endif()
  if(adapter STREQUAL rabbitmq)
    # Its server takes seconds to start: one for all tests, and only where a second run would show something new.
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND NOT HEADRACE_SANITIZED)
      add_test(NAME conformance.rabbitmq COMMAND conformance_rabbitmq)
      set_tests_properties(conformance.rabbitmq PROPERTIES LABELS integration TIMEOUT 600)
    endif()
    continue()
  endif()
  gtest_discover_tests(conformance_${adapter} TEST_PREFIX "conformance.${adapter}." DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS integration TIMEOUT 600)
endforeach()
