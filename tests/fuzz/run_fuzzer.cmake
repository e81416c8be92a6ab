# Runs PROGRAM for RUNS inputs, from a fixed seed, on a copy of SEEDS: libFuzzer adds what it finds to its corpus.
# An input that breaks the program is kept in WORK.
file(REMOVE_RECURSE ${WORK}/corpus)
file(MAKE_DIRECTORY ${WORK}/corpus)
if(EXISTS ${SEEDS})
  file(COPY ${SEEDS}/ DESTINATION ${WORK}/corpus)
endif()
execute_process(COMMAND ${PROGRAM} -runs=${RUNS} -seed=1 -max_len=4096 -timeout=10 -print_final_stats=1 -verbosity=0
    -artifact_prefix=${WORK}/ ${WORK}/corpus
  COMMAND_ERROR_IS_FATAL ANY)
