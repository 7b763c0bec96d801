#!/usr/bin/env bash
# Prints the folder of Python.h where the interpreter itself does not know one, else nothing.
# Debian's and Ubuntu's python3 comes without its headers, and pip cannot bring them: their package is fetched
# into FOLDER and unpacked there, which takes no root. Usage: python_headers.sh PYTHON FOLDER
set -euo pipefail
python=$1
folder=$2

known=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[[ ! -f $known/Python.h ]] || exit 0

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
include=$folder/root/usr/include/python$version

fetch() {
  local package=libpython$version-dev private=(-o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache" -o "APT::Sandbox::User=")
  apt-get -qq download "$package" && return
  # No package lists, or old ones: use our own.
  mkdir -p lists/partial cache/archives/partial
  apt-get -qq "${private[@]}" update && apt-get -qq "${private[@]}" download "$package"
}

if [[ ! -f $include/Python.h ]]; then
  mkdir -p "$folder"
  if ! command -v dpkg-deb >/dev/null || ! (cd "$folder" && fetch) >"$folder/log" 2>&1 ||
    ! dpkg-deb -x "$folder"/libpython"$version"-dev_*.deb "$folder/root"; then
    echo "apportion: Python.h is missing (apt install python3-dev)" >&2
    exit 1
  fi
  # Debian's pyconfig.h includes <x86_64-linux-gnu/python3.x/pyconfig.h>, which lies one folder up.
  for triplet in "$folder"/root/usr/include/*-linux-*; do
    ln -sfn "../${triplet##*/}" "$include/${triplet##*/}"
  done
fi
echo "$include"
