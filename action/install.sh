#!/usr/bin/env bash
# Finds or installs the program for action.yml, and writes where it is as the output `rolecall-path`.
#
#   ROLECALL_INSTALL_PATH      a program that is there already, or empty
#   ROLECALL_INSTALL_VERSION   empty, a version that checksums.txt has, `path`, or `source`
#   ROLECALL_INSTALL_FROM      where VERSION folders with archives lie
#
# A downloaded archive is unpacked only when it is the very one whose SHA-256 stands in checksums.txt, which
# comes with the action and not from where the archive comes from. Works with the bash 3.2 of macOS and with
# the one of Git for Windows; nothing that is downloaded is run by a shell.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
given=${ROLECALL_INSTALL_PATH:-}
wanted=${ROLECALL_INSTALL_VERSION:-}
wanted=${wanted#v}
from=${ROLECALL_INSTALL_FROM:-}

say() { printf 'rolecall: %s\n' "$1"; }

# To GitHub's log: a line break or a percent sign would end the message, or begin another command.
fail() {
  local text=${1//'%'/%25}
  text=${text//$'\r'/%0D}
  text=${text//$'\n'/%0A}
  printf '::error title=rolecall::%s\n' "$text"
  exit 1
}

found() {
  case $1 in *$'\n'* | *$'\r'*) fail "the path of the program has a line break in it" ;; esac
  printf 'rolecall-path=%s\n' "$1" >>"$GITHUB_OUTPUT"
  say "using $1"
  exit 0
}

# Of its standard input.
sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

digest_of() { sha256 <"$1" | cut -d ' ' -f 1; }

exe=''
[ "${RUNNER_OS:-}" != Windows ] || exe=.exe

# What there is already.
if [ -n "$given" ]; then
  [ -f "$given" ] && [ -x "$given" ] || fail "rolecall-path: there is no program at $given"
  case $given in /* | [A-Za-z]:*) found "$given" ;; *) found "$PWD/$given" ;; esac
fi
if [ "$wanted" = path ]; then
  program=$(command -v rolecall) || fail "version: path is given, and there is no rolecall in PATH"
  found "$program"
fi

# What the release has for this machine.
case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
  Linux-X64) triple=x86_64-unknown-linux-musl ;;
  Linux-ARM64) triple=aarch64-unknown-linux-musl ;;
  macOS-X64) triple=x86_64-apple-darwin ;;
  macOS-ARM64) triple=aarch64-apple-darwin ;;
  Windows-X64) triple=x86_64-pc-windows-msvc ;;
  *) triple='' ;;
esac
archive=rolecall-$triple.tar.gz
version='' checksum='' known=''
while read -r a_version an_archive a_checksum; do
  case $a_version in '' | '#'*) continue ;; esac
  known=$a_version
  [ -z "$wanted" ] || [ "$wanted" = "$a_version" ] || continue
  version=$a_version
  [ "$an_archive" != "$archive" ] || checksum=$a_checksum
done <"$here/checksums.txt"

if [ -n "$wanted" ] && [ "$wanted" != source ] && [ -z "$version" ]; then
  fail "version: this commit of the action carries checksums of ${known:-no release}, and none of $wanted. Use the action at the tag v$wanted, or version: source"
fi

cache=${RUNNER_TOOL_CACHE:-$RUNNER_TEMP/tools}/rolecall

# The archive is kept, not what was in it: so it is checked each time, also when it comes from the cache; and what is
# checked and unpacked is a copy of this job's own.
install_release() {
  local kept=$cache/$version/$RUNNER_ARCH place copy status got
  place=$(mktemp -d "$RUNNER_TEMP/rolecall-XXXXXX") || fail "there is no room in $RUNNER_TEMP"
  copy=$place/archive.tar.gz
  if cp "$kept/$archive" "$copy" 2>/dev/null && [ "$(digest_of "$copy")" = "$checksum" ]; then
    say "$version is in the tool cache, with the right checksum"
  else
    say "downloading $from/v$version/$archive"
    status=$(curl --silent --show-error --location --proto '=https,http' --proto-redir '=https' --retry 3 \
      --max-time 300 --output "$copy" --write-out '%{http_code}' "$from/v$version/$archive") ||
      fail "the release $version could not be downloaded from $from. Run the job again, or use version: source"
    if [ "$status" = 404 ]; then
      rm -rf "$place"
      say "there is no $archive in the release $version at $from"
      return 1
    fi
    [ "$status" = 200 ] || fail "$from answered $status for $archive of $version. Run the job again, or use version: source"
    got=$(digest_of "$copy")
    if [ "$got" != "$checksum" ]; then
      rm -rf "$place"
      fail "$archive of $version has the SHA-256 $got, and the action expects $checksum. It is not used: it is not what was released"
    fi
    # For the next job; without it, that one downloads again.
    { mkdir -p "$kept" && cp "$copy" "$kept/$archive.$$" && mv -f "$kept/$archive.$$" "$kept/$archive"; } ||
      say "it could not be kept in the tool cache"
  fi
  # By a relative name: to tar, a drive's letter is a machine's name.
  (cd "$place" && tar -xzf archive.tar.gz && rm archive.tar.gz) || fail "$archive of $version cannot be unpacked"
  [ -f "$place/rolecall$exe" ] || fail "there is no rolecall$exe in $archive of $version"
  found "$place/rolecall$exe"
}

# From the source that this very commit of the action has; kept by what the source is.
build_source() {
  local source place key
  source=$(cd "$here/.." && pwd)
  command -v cargo >/dev/null ||
    fail "$1, and there is no cargo to build it from source. Install Rust in an earlier step, or give rolecall-path"
  key=$(cd "$source" && find Cargo.toml Cargo.lock src schemas -type f | LC_ALL=C sort | tr '\n' '\0' |
    xargs -0 cat | sha256 | cut -c 1-16)
  place=$cache/source-$key/${RUNNER_ARCH:-unknown}
  if [ -x "$place/bin/rolecall$exe" ]; then
    say "$1; it was built from this source before"
  else
    say "$1: building it from the action's own source, which takes some minutes"
    # What builds is the work of many; the credentials that the job has for rolecall are none of its business.
    local kept=() name
    for name in PATH HOME USERPROFILE SYSTEMROOT TMPDIR TEMP TMP CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN HTTP_PROXY \
      HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR; do
      [ -z "${!name:-}" ] || kept+=("$name=${!name}")
    done
    (cd "$source" && env -i "${kept[@]}" \
      cargo install --locked --path "$source" --root "$place" --target-dir "$RUNNER_TEMP/rolecall-build") ||
      fail "the action's own source could not be built; the lines above say why"
  fi
  found "$place/bin/rolecall$exe"
}

if [ "$wanted" = source ]; then
  build_source "version: source is given"
elif [ -z "$version" ]; then
  build_source "this commit of the action belongs to no release"
elif [ -z "$checksum" ]; then
  build_source "the release $version has nothing for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}"
else
  install_release || build_source "the release $version cannot be had"
fi
