# shellcheck shell=bash disable=SC2034
# Sourced by run.sh, test.sh and bench.sh: what they need from Debian, and how they say what they do.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages_build=(g++ cmake ninja-build git libmimalloc-dev libconcurrentqueue-dev)
packages_tools=(libcli11-dev libfmt-dev libtomlplusplus-dev nlohmann-json3-dev)
packages_adapters=(libsqlite3-dev pkg-config libhiredis-dev librabbitmq-dev libqpid-proton11-dev libssl-dev
  prometheus-cpp-dev libcivetweb-dev)
# which the adapters' tests start themselves
packages_servers=(redis-server rabbitmq-server openssl mosquitto libsasl2-modules prometheus)
packages_bench=(libboost1.81-dev libtbb-dev libreaderwriterqueue-dev libmosquitto-dev libcaf-dev)
packages_peers=(openjdk-17-jdk-headless libdisruptor-java) # peers that only a measurement needs
packages_test=(libgtest-dev googletest relacy-dev spin patch python3 clang g++-aarch64-linux-gnu qemu-user ccache)

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# install_packages PACKAGE...: with apt, only those that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=500 -qq update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=500 -qq install -y --no-install-recommends "${missing[@]}"
}

# install_servers PACKAGE...: the same, and none of them is started: each test starts its own.
install_servers() {
  local policy=/usr/sbin/policy-rc.d made=() as_root=()
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
    made=("$policy")
  fi
  install_packages "$@"
  ((${#made[@]} == 0)) || "${as_root[@]}" rm -f "${made[@]}"
}

# install_node_packages: what the broker of adapters/servicebus's tests needs from npm, into build/node: the versions of
# its package-lock.json. Where npm's registry cannot be reached those tests are skipped, and say so.
install_node_packages() {
  local packages=()
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
  install_packages "${packages[@]}"
  mkdir -p build/node
  cmp -s tests/support/servicebus/package-lock.json build/node/installed.json && return
  say "installing the npm packages of tests/support/servicebus"
  cp tests/support/servicebus/package.json tests/support/servicebus/package-lock.json build/node/
  if timeout 300 npm ci --prefix build/node --no-audit --no-fund --ignore-scripts \
    --fetch-retries=1 --fetch-timeout=60000 --loglevel=error; then
    cp build/node/package-lock.json build/node/installed.json
  else
    say "npm's registry cannot be reached: the tests of adapters/servicebus will be skipped"
  fi
}

# build PRESET [cmake argument...]: configures and builds; a second time it only looks for changes.
build() {
  local preset=$1
  shift
  say "building preset $preset in build/$preset"
  if command -v ccache >/dev/null; then
    # Paths below here do not count, so that another clone finds what this one compiled.
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  fi
  cmake --preset "$preset" --log-level=WARNING "$@" >/dev/null
  cmake --build --preset "$preset" --parallel "$(nproc)"
}
