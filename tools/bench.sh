#!/usr/bin/env bash
# Measures headrace against its peers and prints the ratios. Leave the machine alone meanwhile.
#
#   tools/bench.sh                         every row; writes bench/results/DATE-MACHINE.json
#   tools/bench.sh --filter 'ring\.spsc'   arguments go to headrace-bench; --json FILE writes elsewhere

# shellcheck source=tools/setup.sh
source "$(dirname "$0")/setup.sh"

install_packages "${packages_build[@]}" "${packages_tools[@]}" "${packages_adapters[@]}" "${packages_bench[@]}" "${packages_peers[@]}"
# the brokers that broker.* starts; what is not there is left out, and the program says so
install_servers "${packages_servers[@]}"
install_node_packages
build bench

if [[ " $* " != *" --json"* && " $* " != *" --list "* && " $* " != *" --help "* ]]; then
  mkdir -p bench/results
  set -- --json "bench/results/$(date +%Y%m%d-%H%M%S)-$(uname -m).json" "$@"
fi
say "headrace-bench $*"
exec build/bench/bin/headrace-bench "$@"
