#!/usr/bin/env bash
# Builds and runs every test: all tiers natively, the unit tests for ARM64 under emulation, unit, conformance and
# stress tests under the sanitizers, one of them with clang. Closes on ctest's summary of them all.
#
#   tools/test.sh                            everything
#   tools/test.sh --preset release -L unit   some presets (repeat --preset), and what else ctest understands

# shellcheck source=tools/setup.sh
source "$(dirname "$0")/setup.sh"

presets=()
while [[ ${1-} == --preset ]]; do
  presets+=("${2:?--preset needs a name; cmake --list-presets names them}")
  shift 2
done
((${#presets[@]})) || presets=(release arm64 tsan asan-ubsan)

install_packages "${packages_build[@]}" "${packages_tools[@]}" "${packages_adapters[@]}" "${packages_bench[@]}" "${packages_test[@]}"
install_servers "${packages_servers[@]}"
install_node_packages
for preset in "${presets[@]}"; do build "$preset"; done

# One run of ctest over all builds, so that one summary counts them all.
mkdir -p build/test
for preset in "${presets[@]}"; do
  printf 'subdirs("../%s")\n' "$preset"
done >build/test/CTestTestfile.cmake

export TSAN_OPTIONS="suppressions=$PWD/tests/support/tsan.supp ${TSAN_OPTIONS-}"
say "testing ${presets[*]}"
# One more than there are cores: tests of real servers mostly wait.
exec ctest --test-dir build/test --output-on-failure --no-tests=error --parallel "$(($(nproc) + 1))" "$@"
