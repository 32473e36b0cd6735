# shellcheck shell=bash
# What the verbs of ./x share. Sourced; the current folder is the tree's root.
set -euo pipefail

say() { printf '%s\n' "$*"; }
die() {
  printf 'x: %s\n' "$*" >&2
  exit 1
}
usage_error() {
  printf 'x: %s\n' "$*" >&2
  exit 2
}

# help_wanted ARGS…: whether the first one asks for help.
help_wanted() { [[ ${1:-} == --help || ${1:-} == -h ]]; }

jobs_count() { nproc 2>/dev/null || echo 2; }

installed() {
  local status
  status=$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) || return 1
  [[ $status == installed ]]
}

# Another package of the same program will do: a machine that has nginx or node keeps it.
satisfied() {
  local program
  case $1 in
    nginx-light) program=nginx ;;
    nodejs) program=node ;;
    npm) program=npm ;;
    *) program= ;;
  esac
  installed "$1" || { [[ -n $program ]] && command -v "$program" >/dev/null; }
}

# as_root COMMAND…: runs it with the rights to install, without asking for a password.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 77
  fi
}

# ensure_packages GROUP…: installs what tools/packages.txt lists for them and is missing.
ensure_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: expecting the packages of tools/packages.txt ($*) to be there by other means" >&2
    return
  fi
  local missing=() group package why
  while read -r group package why; do
    [[ " $* " == *" $group "* ]] || continue
    satisfied "$package" && continue
    say "installing $package: $why" >&2
    missing+=("$package")
  done <tools/packages.txt
  [[ ${#missing[@]} == 0 ]] && return
  install_packages "${missing[@]}"
}

install_packages() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0) log status=0
  log=$(mktemp)
  { as_root "${apt[@]}" update && as_root "${apt[@]}" install -y --no-install-recommends "$@"; } \
    </dev/null >"$log" 2>&1 || status=$?
  if [[ $status == 77 ]]; then
    rm -f "$log"
    die "not allowed to install packages; run this once as root, or: sudo apt-get install $*"
  elif [[ $status != 0 ]]; then
    cat "$log" >&2
    rm -f "$log"
    die "apt-get could not install: $*"
  fi
  rm -f "$log"
}

# The groups that building a preset needs.
groups_of() {
  case $1 in
    dev | tsan | fuzz) say build test ;;
    bench) say build bench ;;
    *) say build ;;
  esac
}

# configure PRESET: quiet unless it fails.
configure() {
  local preset=$1 log
  mkdir -p "build/$preset"
  log=build/$preset/configure.log
  if ! cmake --preset "$preset" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    die "the build could not be configured (preset $preset)"
  fi
}

# What was compiled in one checkout need not be compiled again in another.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# build PRESET [TARGET…]: installs what it needs, configures and compiles.
build() {
  local preset=$1
  shift
  # shellcheck disable=SC2046  # one word a group
  ensure_packages $(groups_of "$preset")
  configure "$preset"
  NINJA_STATUS='[%f/%t %es] ' ninja -C "build/$preset" -j "$(jobs_count)" "$@" </dev/null
}

# install_interop: what the interop tests run against, as tests/interop/package-lock.json pins it. Not
# again until that changes.
install_interop() {
  local folder=build/interop pinned=tests/interop/package-lock.json
  cmp -s "$pinned" "$folder/installed" && return
  say "installing oidc-provider for the interop tests" >&2
  mkdir -p "$folder"
  rm -rf "$folder/node_modules" "$folder/installed"
  cp tests/interop/package.json "$pinned" "$folder/"
  if ! npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund </dev/null >"$folder/npm.log" 2>&1; then
    cat "$folder/npm.log" >&2
    die "npm could not install what tests/interop/package-lock.json names"
  fi
  cp "$pinned" "$folder/installed"
}

# Every C++ file of the tree.
sources() {
  find src apps tests fuzz bench examples cmake \( -name '*.h' -o -name '*.cc' \) -type f | LC_ALL=C sort
}
