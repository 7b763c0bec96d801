"""Many threads on one pool: every unit is given once, none is lost, and readers see whole states."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import apportion as ap

THREADS, CLAIMS = 64, 1_000
UNITS = THREADS * CLAIMS


def pool_of(instances: int, units_each: int) -> ap.Pool:
    pool = ap.load({"types": {"slot": {"dimensions": {"units": {}}}}}, clock=1000)
    ids = [f"s{i}" for i in range(instances)]
    pool.add_many({"id": ids, "capacity.units": [units_each] * instances}, type="slot")
    return pool


def together(work: Callable[[int], None]) -> None:
    """Run `work` in all threads at once; what fails in one fails here."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        start.wait()
        work(number)

    with ThreadPoolExecutor(THREADS) as executor:
        list(executor.map(run, range(THREADS)))


def test_every_unit_is_given_once() -> None:
    pool = pool_of(instances=8, units_each=UNITS // 8)
    seen: list[list[str]] = [[] for _ in range(THREADS)]
    stop = threading.Event()
    torn: list[str] = []

    def read() -> None:
        """A table is one state: what is used is what its claims hold."""
        while not stop.is_set():
            table = pool.instances
            if table["used.units"].sum() != table["claims"].sum() or (table["free.units"] < 0).any():
                torn.append(repr(table))
            len(pool.journal), pool.hash, pool.revision

    def claim(number: int) -> None:
        for _ in range(CLAIMS):
            grant = pool.allocate("slot", units=1, consumer=f"c{number}")
            seen[number].append(grant.claims[0].id)  # type: ignore[union-attr]

    reader = threading.Thread(target=read)
    reader.start()
    together(claim)
    stop.set()
    reader.join()

    assert not torn
    ids = [id for per_thread in seen for id in per_thread]
    assert len(set(ids)) == len(ids) == UNITS
    assert set(pool.claims["claim"]) == set(ids)
    assert pool.instances["used.units"].sum() == UNITS
    assert not pool.allocate("slot", units=1, consumer="late")
    assert {row["claims"] for row in pool.consumers} == {CLAIMS}
    assert ap.Pool.restore(pool.snapshot()).hash == pool.hash


def test_claims_come_and_go() -> None:
    pool = pool_of(instances=4, units_each=THREADS)
    before = pool.fork()

    def churn(number: int) -> None:
        for i in range(20):
            grant = pool.allocate("slot", units=1 + i % 3, consumer=f"c{number}", policy="balance")
            if grant:
                pool.resize(grant, units=1)
                pool.transfer(grant, consumer=f"d{number}")
                pool.release(grant)

    together(churn)
    assert len(pool.claims) == len(pool.consumers) == 0
    assert pool.instances["used.units"].tolist() == before.instances["used.units"].tolist()
    assert pool.at(before.revision).hash == before.hash
    assert pool.at(pool.revision).hash == pool.hash


def test_one_thread_wins_a_key() -> None:
    pool = pool_of(instances=1, units_each=THREADS)
    answers: list[str] = []
    together(lambda number: answers.append(repr(pool.allocate("slot", units=1, consumer="c", key="once"))))
    assert len(set(answers)) == 1
    assert len(pool.claims) == 1
