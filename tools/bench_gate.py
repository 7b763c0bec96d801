"""Count the instructions of fixed workloads and compare them with a committed record.

Times differ from run to run and from machine to machine; instructions hardly do. Each workload of tests/bench/gate.cpp
runs under callgrind, which counts what happens inside `apportion_gate`. More than 3 % above the record fails.

    bench_gate.py GATE RECORD                  compare
    bench_gate.py GATE RECORD --update REASON  measure anew, and say why the record changes

Exit codes: 0 fine; 1 a workload costs more; 2 misuse, or valgrind is missing; 3 the record is another compiler's.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOLERANCE = 0.03
WORSE, MISUSE, FOREIGN = 1, 2, 3
_COUNTED = re.compile(r"Collected : (\d+)")


class GateError(Exception):
    """What a person has to put right."""


def workloads(gate: Path) -> list[str]:
    """Ask the program what it can run."""
    return subprocess.run([str(gate)], capture_output=True, text=True, check=True).stdout.split()


def count(gate: Path, workload: str) -> int:
    """Count the instructions of one workload."""
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=apportion_gate", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*command, str(gate), workload], capture_output=True, text=True, check=False)
    found = _COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        raise GateError(f"callgrind failed on {workload}:\n{done.stderr[-2000:]}")
    if int(found[1]) == 0:
        raise GateError(f"callgrind counted nothing in {workload}: apportion_gate was not found in {gate}")
    return int(found[1])


def compiler_of(gate: Path) -> str:
    """Give the compiler that built the program, as it wrote it down there."""
    text = re.search(rb"(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)", gate.read_bytes())
    return text[1].decode() if text else "unknown"


def compare(record: dict[str, int], counted: dict[str, int]) -> tuple[list[str], bool]:
    """Give a line per workload, and whether all are within the tolerance.

    >>> compare({"a": 1000, "b": 1000}, {"a": 1031, "b": 900})
    (['a: 1,031 instructions, +3.1 %: MORE THAN +3 %', 'b: 900 instructions, -10.0 %: better, record it'], False)
    """
    lines, fine = [], True
    for name in sorted(record.keys() | counted.keys()):
        if name not in record or name not in counted:
            lines.append(f"{name}: only in the {'record' if name in record else 'program'}")
            fine = False
            continue
        change = counted[name] / record[name] - 1
        verdict = "MORE THAN +3 %" if change > TOLERANCE else "better, record it" if change < -TOLERANCE else "fine"
        fine = fine and change <= TOLERANCE
        lines.append(f"{name}: {counted[name]:,} instructions, {100 * change:+.1f} %: {verdict}")
    return lines, fine


def update(path: Path, compiler: str, counted: dict[str, int], reason: str) -> None:
    """Write the record; the reason stays with it until the next one."""
    record = {"compiler": compiler, "reason": reason, "instructions": counted}
    path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check(gate: Path, path: Path) -> int:
    """Compare with the record; give the exit code."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["compiler"] != compiler_of(gate):
        print(f"the record is of {record['compiler']}, this program of {compiler_of(gate)}: nothing to compare")
        return FOREIGN
    lines, fine = compare(record["instructions"], {name: count(gate, name) for name in workloads(gate)})
    print("\n".join(lines))
    if not fine:
        print(f"if this is meant: make bench-gate-update REASON='...' rewrites {path}")
    return 0 if fine else WORSE


def main(arguments: list[str] | None = None) -> int:
    """Run; give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("gate", type=Path, help="the program of tests/bench/gate.cpp")
    parser.add_argument("record", type=Path, help="tests/bench/gate.json")
    parser.add_argument("--update", metavar="REASON", help="rewrite the record, for this reason")
    options = parser.parse_args(arguments)
    try:
        if shutil.which("valgrind") is None:
            raise GateError("valgrind is missing: apt install valgrind")
        if options.update is None:
            return check(options.gate, options.record)
        if not options.update.strip():
            raise GateError("say why the record changes: make bench-gate-update REASON='...'")
        counted = {name: count(options.gate, name) for name in workloads(options.gate)}
        update(options.record, compiler_of(options.gate), counted, options.update.strip())
        return 0
    except (GateError, OSError) as error:
        print(f"bench_gate: {error}", file=sys.stderr)
        return MISUSE


if __name__ == "__main__":
    sys.exit(main())
