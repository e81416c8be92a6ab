# Configures SOURCE into BUILD for fuzzing with COMPILER, and builds all fuzzers.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_BUILD_TYPE=
    "-DCMAKE_CXX_FLAGS=-g1 -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
    -DCMAKE_UNITY_BUILD=ON -DHEADRACE_FUZZERS=ON -DHEADRACE_BENCH=OFF -DHEADRACE_MIMALLOC=OFF
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target tests/all COMMAND_ERROR_IS_FATAL ANY)
