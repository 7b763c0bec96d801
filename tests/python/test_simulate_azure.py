"""Traces: reading, refusing, writing, making up, the order of events."""

import math
from pathlib import Path

import pytest

import apportion as ap
from apportion.simulate import Trace, Vm, find, read, synthetic, write

HEAD = "vmId,tenantId,cores,ram,vmTypeId,starttime,endtime\n"


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    trace = synthetic(300, seed=4)
    write(trace, tmp_path / name)
    assert read(tmp_path / name).vms == trace.vms


def test_units(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(HEAD + "7,9,42.0,3.5,0,-1497.0,inf\n")
    assert read(tmp_path / "t.csv").vms == (Vm("7", "9", 0.42, 3.5, -1497.0, math.inf),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column vmId"),
        ("vmId,cores\n", "line 1: no column tenantId, ram, vmTypeId, starttime, endtime"),
        (HEAD, "holds no virtual machines"),
        (HEAD + "1,1,100,1,0,0,1\n2,1,many,1,0,0,1\n", "line 3: could not convert string to float: 'many'"),
        (HEAD + "1,1,100,1,0,0\n", "line 2: 6 of 7 columns"),
        (HEAD + "1,1,-1,1,0,0,1\n", "line 2: cores -1 and ram 1 must be 0 or more"),
        (HEAD + "1,1,nan,1,0,0,1\n", "line 2: cores nan"),
        (HEAD + "1,1,1,1,0,5,5\n", "line 2: the end 5 must be after the start 5"),
        (HEAD + "1,1,1,1,0,-inf,5\n", "line 2: the end 5 must be after the start -inf"),
        (HEAD + "1,1,1,1,0,0,nan\n", "line 2: the end nan"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ap.RequestError, match=message):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("data", [b"vmId,no gzip", b"\x1f\x8b\x08\x00"])
def test_damaged_archives_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv.gz").write_bytes(data)
    with pytest.raises(ap.RequestError, match="cannot be read"):
        read(tmp_path / "t.csv.gz")


def test_departures_come_before_arrivals_then_the_order_of_the_file() -> None:
    vms = (
        Vm("a", "t", 1, 1, 5.0, 6.0),
        Vm("b", "t", 1, 1, 0.0, 5.0),
        Vm("c", "t", 1, 1, 5.0, math.inf),
        Vm("d", "t", 1, 1, -1.0, 5.0),
    )
    assert [(e.time, e.arrives, vms[e.vm].id) for e in Trace("", "", vms).events()] == [
        (-1.0, True, "d"),
        (0.0, True, "b"),
        (5.0, False, "b"),
        (5.0, False, "d"),
        (5.0, True, "a"),
        (5.0, True, "c"),
        (6.0, False, "a"),
    ]


def test_columns_are_the_machines_and_their_events() -> None:
    trace = synthetic(300, seed=2)
    columns = trace.columns
    arrivals = [(vm.start, True, i) for i, vm in enumerate(trace.vms)]
    departures = [(vm.end, False, i) for i, vm in enumerate(trace.vms) if math.isfinite(vm.end)]
    assert [tuple(event) for event in trace.events()] == sorted(arrivals + departures)
    asked = zip(columns.tenant, columns.cores.tolist(), columns.ram_gb.tolist(), strict=True)
    assert list(asked) == [(vm.tenant, vm.cores, vm.ram_gb) for vm in trace.vms]
    assert trace.columns is columns, "made once"
    assert trace == synthetic(300, seed=2), "and no part of what the trace is"


def test_synthetic_traces_have_what_is_hard() -> None:
    trace = synthetic(1000, seed=3)
    arrivals = {vm.start for vm in trace.vms}
    assert any(vm.start < 0 for vm in trace.vms) and any(math.isinf(vm.end) for vm in trace.vms)
    assert len(arrivals) < 1000, "several arrive at one moment"
    assert arrivals & {vm.end for vm in trace.vms}, "some leave when others arrive"
    assert all(vm.start < vm.end for vm in trace.vms)
    assert trace != synthetic(1000, seed=4)
    with pytest.raises(ap.RequestError, match="a trace of 0 machines"):
        synthetic(0)


def test_data_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "azure" / "packing_1pct_batched_0.csv.gz"
    file.parent.mkdir()
    write(synthetic(3), file)
    assert find(tmp_path) == find(tmp_path / "azure") == find(file) == file
    monkeypatch.setenv("APPORTION_DATA", str(tmp_path))
    assert find() == file
    monkeypatch.setenv("APPORTION_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ap.RequestError, match=r"--data or \$APPORTION_DATA"):
        find()
