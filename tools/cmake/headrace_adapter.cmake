# headrace_adapter_option(NAME "what it speaks to" FOUND): option HEADRACE_NAME, on when its library was found. Leaves the
# adapter's CMakeLists.txt when it is off.
macro(headrace_adapter_option name what found)
  string(TOUPPER ${name} headrace_adapter_upper)
  set(headrace_adapter_default OFF)
  if("${found}")
    set(headrace_adapter_default ON)
  endif()
  option(HEADRACE_${headrace_adapter_upper} "Build adapters/${name}: ${what}" ${headrace_adapter_default})
  if(NOT HEADRACE_${headrace_adapter_upper})
    message(STATUS "adapters/${name} is left out")
    return()
  endif()
endmacro()

# headrace_adapter_support(): target headrace::adapter_support, for an adapter that needs it.
macro(headrace_adapter_support)
  if(NOT TARGET headrace::adapter_support)
    add_subdirectory(${PROJECT_SOURCE_DIR}/adapters/support ${PROJECT_BINARY_DIR}/adapters/support)
  endif()
endmacro()

# headrace_adapter(NAME [LIBRARIES library...] [HEADERS library...]): one folder of adapters/, as target headrace_NAME
# with alias headrace::NAME, and installed. The libraries stay private: no public header shows them. Who links the
# archive links LIBRARIES too, so headraceConfig.cmake.in finds them; HEADERS are needed for building only.
function(headrace_adapter name)
  cmake_parse_arguments(arg "" "" "LIBRARIES;HEADERS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
  add_library(headrace_${name} STATIC ${sources})
  add_library(headrace::${name} ALIAS headrace_${name})
  target_compile_features(headrace_${name} PUBLIC cxx_std_20)
  target_include_directories(headrace_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(headrace_${name} PUBLIC headrace::port)
  target_link_libraries(headrace_${name} PRIVATE ${arg_LIBRARIES})
  foreach(library IN LISTS arg_HEADERS)
    target_link_libraries(headrace_${name} PRIVATE $<BUILD_INTERFACE:${library}>)
  endforeach()
  set_target_properties(headrace_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON EXPORT_NAME ${name})
  install(TARGETS headrace_${name} EXPORT headraceTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/headrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()
