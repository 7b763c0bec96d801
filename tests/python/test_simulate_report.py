"""The report's form."""

import json

from apportion import simulate


def test_form() -> None:
    trace, fleet = simulate.synthetic(60, seed=2), simulate.Fleet(3, cores=96, ram_gb=2048)
    outcome = simulate.run(trace, fleet, "first")
    report = json.loads(json.dumps(simulate.as_dict(trace, fleet, [outcome])))
    assert list(report) == ["trace", "fleet", "policies"]
    assert report["fleet"] == {"servers": 3, "cores": 96, "ram_gb": 2048}
    assert report["trace"]["machines"] == 60
    assert report["trace"]["events"] == len(trace.events())
    names = "policy placed denied peak_instances lower_bound mean_utilisation seconds events_per_second"
    assert list(report["policies"][0]) == names.split()


def test_all_machines_need_what_the_sums_say() -> None:
    # 3 x 64 cores alive at once, on servers of 96: ceil(192 / 96) = 2
    vms = tuple(simulate.Vm(str(n), "t", 64, 1, 0.0, 2.0) for n in range(3))
    fleet = simulate.Fleet(9, cores=96, ram_gb=2048)
    assert simulate.as_dict(simulate.Trace("", "", vms), fleet, [])["trace"]["servers_needed"] == 2


def test_rows_match_the_header() -> None:
    outcome = simulate.Outcome("first", 1, 2, 3, 3, 0.5, 0.1, 10.0)
    assert [len(row) for row in simulate.rows([outcome])] == [len(simulate.HEADER)]
