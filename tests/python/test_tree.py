"""What a type needs, drawn."""

import xml.etree.ElementTree as ET

import pytest

import apportion as ap

DOCUMENT = b"""
[types.disk]
dimensions.gb = {}
fields.zone = { kind = "string" }

[types.line]
dimensions.mbit = {}

[types.mailbox]
dimensions.gb = {}
needs = [
  { type = "disk", as = "primary", gb = "request.gb", policy = "most_utilised" },
  { type = "disk", as = "backup", gb = 1, require = "self.zone != primary.zone", optional = true },
]

[types.office]
dimensions.people = {}
needs = [
  { type = "mailbox", gb = "2 * request.people", count = "request.people" },
  { as = "uplink", any_of = [{ type = "line", mbit = 5 }, { type = "disk", gb = 1, whole = true }] },
]
"""

TEXT = """\
office@1, an outcome
├─ mailbox@1 x request.people  gb = 2 * request.people
│  ├─ primary: disk@1  gb = request.gb, policy most_utilised
│  └─ backup: disk@1  gb = 1, require self.zone != primary.zone, optional
└─ uplink: any of
   ├─ line@1  mbit = 5
   └─ disk@1  gb = 1, whole"""


def test_text() -> None:
    tree = ap.load(DOCUMENT).tree("office")
    assert str(tree) == TEXT
    assert repr(tree) == "Tree(office@1, 6 needs)"
    assert tree.to_dict()["needs"][0]["needs"][1]["words"] == {"require": "self.zone != primary.zone", "optional": True}


def test_a_new_version_shows() -> None:
    pool = ap.load(DOCUMENT)
    pool.apply(b"[types.mailbox]\ndimensions.gb = {}\nneeds = [{ type = 'line', mbit = 1 }]")
    assert "├─ mailbox@2 x request.people" in str(pool.tree("office"))
    assert str(pool.tree("line")) == "line@1"


def test_drawing_is_well_formed_and_escaped() -> None:
    pool = ap.load(DOCUMENT)
    pool.apply(b"[types.odd]\nneeds = [{ type = 'disk', gb = 1, require = 'self.zone < \"b\"' }]")
    for name in ["office", "odd", "disk"]:
        drawn = ET.fromstring(pool.tree(name)._repr_html_())
        texts = [child for child in drawn if child.tag.endswith("text")]
        assert len(texts) == len(str(pool.tree(name)).splitlines())


def test_unknown_types_are_refused() -> None:
    with pytest.raises(ap.UnknownName, match="did you mean 'office'"):
        ap.load(DOCUMENT).tree("ofice")


def test_huge_trees_are_cut() -> None:
    types = {"t0": {"dimensions": {"x": {}}}}
    types |= {
        f"t{n}": {"needs": [{"type": f"t{n - 1}", "as": "a"}, {"type": f"t{n - 1}", "as": "b"}]} for n in range(1, 16)
    }
    assert len(str(ap.load({"types": types}).tree("t15")).splitlines()) < 3000


def test_every_word_of_a_need_is_a_word() -> None:
    """What a need may say besides amounts is no amount, whatever its form."""
    pool = ap.load(
        {
            "types": {
                "disk": {"dimensions": {"gb": {}}},
                "pair": {"needs": [{"type": "disk", "as": "store", "gb": 1}]},
                "both": {
                    "needs": [
                        {"type": "disk", "as": "home", "gb": 1, "policy": "first"},
                        {"type": "disk", "as": "log", "gb": 2, "same_as": "home", "prefer": "-free.gb"},
                        {"type": "pair", "same_as": {"store": "home"}},
                    ]
                },
            }
        }
    )
    tree = pool.tree("both")
    assert [list(need["amounts"]) for need in tree.to_dict()["needs"]] == [["gb"], ["gb"], []]
    assert "same_as home" in str(tree) and "prefer -free.gb" in str(tree) and "same_as store = home" in str(tree)
