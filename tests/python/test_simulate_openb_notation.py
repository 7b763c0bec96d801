"""Documents as TOML: what is written says the same."""

from decimal import Decimal

import pytest

from apportion import metadata
from apportion.simulate import openb


@pytest.mark.parametrize("policy", sorted(openb.policies_in()))
def test_documents_are_read_as_they_were(policy: str) -> None:
    tree = openb.document(openb.synthetic(20, seed=1), openb.policies_in()[policy], seed=5)
    assert metadata.read(openb.as_toml(tree)) == metadata.read(tree)


def test_texts_and_numbers() -> None:
    tree = {
        "a": {"b": {"text": 'say "x"\\\nand """y"""', "number": Decimal("0.10"), "list": [1, True, "é"], "none": {}}}
    }
    assert metadata.read(openb.as_toml(tree)) == tree
