# Writes OUTPUT with the commit of SOURCE_DIR, only when it has changed. Run at each build, so that a benchmark
# never names a commit that it was not built from.
set(commit "unknown")
execute_process(COMMAND git describe --always --dirty=+ --abbrev=9 --exclude=*
  WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE described ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE failed)
if(NOT failed)
  set(commit ${described})
endif()
set(text "#pragma once\n#define HEADRACE_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} ${text})
endif()
