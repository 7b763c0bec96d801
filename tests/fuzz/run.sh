#!/usr/bin/env bash
# Runs every fuzz target over its kept inputs for some seconds, as many at once as there are processors.
# New inputs go to build/, a crash is kept in build/fuzz/<target>/ and fails the run. Usage: run.sh FOLDER SECONDS
set -euo pipefail
folder=$1
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)

one() {
  local target=$1 name=${1##*/} found
  found=build/fuzz/$name
  mkdir -p "$found/corpus"
  local kept=$here/corpus/${name%_fuzz}
  if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found/" \
    "$found/corpus" "$kept" >"$found/log" 2>&1; then
    echo "$name: $(ls "$kept" | wc -l) kept inputs, $(tail -n 1 "$found/log")"
  else
    tail -n 60 "$found/log"
    echo "$name: failed; the input lies in $found/" >&2
    return 1
  fi
}
export -f one
export seconds here

targets=("$folder"/*_fuzz)
[[ -x ${targets[0]} ]] || {
  echo "apportion: no fuzz targets in $folder; they need clang++ (apt install clang)" >&2
  exit 1
}
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'set -euo pipefail; one "$1"' one
