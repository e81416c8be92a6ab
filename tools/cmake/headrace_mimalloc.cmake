# mimalloc replaces malloc in every program that links headrace::headrace: events that own memory are freed on
# another core than they were made on, which general allocators pay for and mimalloc is built for. The modules
# below it (headrace::ring, headrace::bus ...) leave the allocator alone.
find_package(mimalloc QUIET)
if(NOT mimalloc_FOUND)
  message(FATAL_ERROR "HEADRACE_MIMALLOC is ON, but mimalloc was not found. "
    "Install it (Debian: libmimalloc-dev) or configure with -DHEADRACE_MIMALLOC=OFF.")
endif()
target_link_libraries(headrace_headrace INTERFACE mimalloc)
