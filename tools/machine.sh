#!/usr/bin/env bash
# Says in one line what the machine lacks to build apportion. Usage: machine.sh PYTHON CXX
set -euo pipefail
python=$1
cxx=$2

lacks() {
  echo "apportion: $1" >&2
  exit 1
}

command -v "$python" >/dev/null || lacks "$python is missing (apt install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  lacks "$python is $("$python" -V), 3.11 is needed (make PYTHON=python3.12 names another)"
"$python" -c 'import ensurepip, venv' 2>/dev/null || lacks "python3-venv is missing (apt install python3-venv)"
command -v "${cxx##* }" >/dev/null || lacks "the C++ compiler ${cxx##* } is missing (apt install g++)"
echo '#include <concepts>' | $cxx -std=c++20 -fsyntax-only -x c++ - 2>/dev/null ||
  lacks "$cxx does not compile C++20: g++ >= 12 or clang++ >= 14 is needed (apt install g++)"
