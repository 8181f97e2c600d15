#!/usr/bin/env bash
# Makes sure of what the tests use beside Python: a browser, curl, node with the locked packages.
# On Debian as root it installs what is missing; elsewhere it says what to install.
set -eu
cd "$(dirname "$0")/.."
examples=docs/examples/node

install() { # install WHAT PACKAGE...
  what=$1
  shift
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "setup: $what"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends "$@"; } > .venv/apt.log 2>&1 || { tail -n 20 .venv/apt.log; return 1; }
  else
    echo "The tests need $what. Install it; on Debian and Ubuntu: sudo apt-get install $*"
    return 1
  fi
}

has() { command -v "$1" > /dev/null; }
node_is_new() { has node && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))'; }

if ! has chromium && ! has chromium-browser && ! has google-chrome; then
  install "a browser" chromium
fi
has curl || install "curl" curl
if ! node_is_new || ! has npm; then
  install "node with npm" nodejs npm
  node_is_new || { echo "The tests need node 20 or newer; here is $(node --version)."; exit 1; }
fi
if [ ! -e $examples/node_modules/.package-lock.json ] ||
  [ $examples/package-lock.json -nt $examples/node_modules/.package-lock.json ]; then
  echo "setup: the packages of $examples"
  npm ci --prefix $examples --ignore-scripts --silent
  touch $examples/node_modules/.package-lock.json
fi
