#!/usr/bin/env bash
# The main job: builds headrace and runs an event stream through the bus.
#
#   tools/run.sh                  a year of Seattle's weather, hour by hour, from tools/data
#   tools/run.sh CONFIG.toml ...  another stream; arguments go to `headrace run`

# shellcheck source=tools/setup.sh
source "$(dirname "$0")/setup.sh"

install_packages "${packages_build[@]}" "${packages_tools[@]}" "${packages_adapters[@]}"
build release -DHEADRACE_TESTS=OFF -DHEADRACE_BENCH=OFF

if (($# == 0)); then set -- tools/examples/weather.toml; fi
say "headrace run $*"
exec build/release/bin/headrace run "$@"
