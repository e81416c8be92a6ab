include(GNUInstallDirs)

# headrace_module(NAME DEPENDS module...): one module of core/, as target headrace_NAME with alias headrace::NAME.
# Sources are src/*.cpp; a module without any is header-only. What a module may include is what it links.
function(headrace_module name)
  cmake_parse_arguments(arg "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
  if(sources)
    add_library(headrace_${name} STATIC ${sources})
    set(scope PUBLIC)
    set_target_properties(headrace_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  else()
    add_library(headrace_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(headrace::${name} ALIAS headrace_${name})
  target_compile_features(headrace_${name} ${scope} cxx_std_20)
  target_include_directories(headrace_${name} ${scope}
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(headrace_${name} ${scope} headrace::${dependency})
  endforeach()
  set_target_properties(headrace_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS headrace_${name} EXPORT headraceTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/headrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endfunction()
