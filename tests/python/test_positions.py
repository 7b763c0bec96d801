import json

import pytest

from apportion._positions import Format, Locator, split_place

TOML = """\
top = 1
a.b."c.d" = { x.y = 1, "q" = [1, { z = 2 }] }
long = [
  "eins",  # a comment
  # another
  "zwei",
]

[types.disk.fields]
name = { kind = "string" }
ä = 1

[types.disk]
policy = "first"
fields.slots = { kind = "integer",
                 max_length = 3 }

[types."odd \\"name\\"".'lit']
x = 1

[[instances]]
id = "d1"
[[instances]]
id = "d2"
capacity.gb = 10
[instances.labels]
"a.b" = "x"
[[instances.parts]]
n = 1
[[instances.parts]]
n = 2
sub.deep = { "ö" = 1, last = 2 }
"""

TOML_PLACES = [
    ("", (1, 1)),
    ("top", (1, 1)),
    ("a.b", (2, 3)),
    ('a.b."c.d"', (2, 5)),
    ('a.b."c.d".x.y', (2, 17)),
    ('a.b."c.d".q', (2, 24)),
    ('a.b."c.d".q[0]', (2, 31)),
    ('a.b."c.d".q[1].z', (2, 36)),
    ("long[0]", (4, 3)),
    ("long[1]", (6, 3)),
    ("types.disk.fields.name", (10, 1)),
    ("types.disk.fields.name.kind", (10, 10)),
    ("types.disk", (13, 2)),
    ("types.disk.policy", (14, 1)),
    ("types.disk.fields.slots.max_length", (16, 18)),
    ('types."odd \\"name\\"".lit.x', (19, 1)),
    ("instances[0]", (21, 1)),
    ("instances[0].id", (22, 1)),
    ("instances[1].id", (24, 1)),
    ("instances[1].capacity.gb", (25, 10)),
    ("instances[1].labels", (26, 2)),
    ('instances[1].labels."a.b"', (27, 1)),
    ("instances[1].parts[0].n", (29, 1)),
    ("instances[1].parts[1].n", (31, 1)),
    ("instances[1].parts[1].sub.deep.last", (32, 23)),  # characters, not bytes: ö counts once
    # not in the text: the nearest ancestor that is
    ("types.disk.state.health", (13, 2)),
    ("instances[1].parts[1].n.x.y[4]", (31, 1)),
    ("instances[7].id", (21, 3)),
    ("nowhere", (1, 1)),
]


@pytest.mark.parametrize(("place", "expected"), TOML_PLACES)
def test_toml(place: str, expected: tuple[int, int]) -> None:
    assert Locator(TOML, "toml").locate(place) == expected


JSON = """\
{
  "types": {"disk": {"policy": "first", "odd key": 1}},
  "instances": [
    {"id": "d1"}, {"id": "d2",
     "capacity": {"gb": -1.5e3}}, 5
  ],
  "twice": 1, "tw\\u0069ce": 2, "ä": 3, "after": 4
}
"""

JSON_PLACES = [
    ("", (1, 1)),
    ("types", (2, 3)),
    ("types.disk.policy", (2, 22)),
    ('types.disk."odd key"', (2, 41)),
    ("instances[0]", (4, 5)),
    ("instances[0].id", (4, 6)),
    ("instances[1].capacity.gb", (5, 19)),
    ("instances[2]", (5, 35)),
    ("instances[2].id", (5, 35)),
    ("twice", (7, 15)),
    ("after", (7, 40)),
]


@pytest.mark.parametrize(("place", "expected"), JSON_PLACES)
def test_json(place: str, expected: tuple[int, int]) -> None:
    assert Locator(JSON, "json").locate(place) == expected


def test_json_constants_that_are_no_json() -> None:
    assert Locator('{"NaN": [-Infinity,\n NaN], "b": 1}', "json").locate("NaN[1]") == (2, 2)
    assert Locator('{"NaN": [-Infinity,\n NaN], "b": 1}', "json").locate("b") == (2, 8)


BROKEN: list[tuple[str, Format]] = [
    ("a = [1,", "toml"),
    ("[[", "toml"),
    ("= 3", "toml"),
    ('{"a": [', "json"),
    ("", "toml"),
    ("", "json"),
]


@pytest.mark.parametrize(("text", "notation"), BROKEN)
def test_broken_text_has_positions_too(text: str, notation: Format) -> None:
    line, column = Locator(text, notation).locate("a.b[3]")
    assert line == 1
    assert column >= 1


def test_deep_text_is_no_fault() -> None:
    text = '{"a": ' + "[" * 5000 + "]" * 5000 + "}"
    json_place = "a" + "[0]" * 4999
    assert Locator(text, "json").locate(json_place)[0] == 1


def test_split_place() -> None:
    assert split_place("") == []
    assert split_place("a.b-c[3][0].d_e") == ["a", "b-c", 3, 0, "d_e"]
    assert split_place('"a \\"b\\".c"[1]') == ['a "b".c', 1]
    assert split_place("a..b") == ["a"], "up to what is no place"
    key = 'x "y" \\ z.ä[0]'
    assert split_place("top." + json.dumps(key, ensure_ascii=False)) == ["top", key]
