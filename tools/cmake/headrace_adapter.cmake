# headrace_adapter(NAME "what it speaks to" [LIBRARIES library...]): one folder of adapters/, as target headrace_NAME
# with alias headrace::NAME, unless HEADRACE_NAME is OFF. The libraries stay private: no public header shows them.
# Called by the adapter's CMakeLists.txt after it has found them; headrace_adapter_option(NAME "...") comes before.
macro(headrace_adapter_option name what)
  string(TOUPPER ${name} headrace_adapter_upper)
  option(HEADRACE_${headrace_adapter_upper} "Build adapters/${name}: ${what}" ON)
  if(NOT HEADRACE_${headrace_adapter_upper})
    return()
  endif()
endmacro()

function(headrace_adapter name)
  cmake_parse_arguments(arg "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
  add_library(headrace_${name} STATIC ${sources})
  add_library(headrace::${name} ALIAS headrace_${name})
  target_compile_features(headrace_${name} PUBLIC cxx_std_20)
  target_include_directories(headrace_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(headrace_${name} PUBLIC headrace::port)
  foreach(library IN LISTS arg_LIBRARIES)
    target_link_libraries(headrace_${name} PRIVATE $<BUILD_INTERFACE:${library}>)
  endforeach()
  set_target_properties(headrace_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${name})
endfunction()
