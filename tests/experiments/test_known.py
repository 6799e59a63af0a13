"""Names known from files alone: the same as the compiled model's, and mistakes answered before anything heavy."""

import json
import subprocess
import sys

import pytest

from experiments import installation
from experiments.allocation.registry import rule
from experiments.study import known

MISTAKES = {
    "allocate --national 1700": "got a national target of 1700 %; allowed: 1 to below 100 %",
    "allocate --indicator co2 --national -3 --compare all": "got a national target of -3 %",
    "allocate --national 0.16": "allowed: 1 to below 100 %: set it with --national; it is in per cent: write 16 for",
    "allocate --national 16x": "got '16x', allowed: a number in per cent",
    "solve --province Guangxi --target 0.17": "allowed: 1 to below 100 %; it is in per cent: write 17 for 17 %",
    "update Guangxi 2026 --gdp 0.049 --energy 2.1%": "gdp: got a growth of 0.049 %",
    "run --assigned Guangxi=0.16": "it is in per cent: write 16 for 16 %",
    "run --set target.national=0.17": "it is in per cent: write 17 for 17 %",
    "solve --province Guangxi --rule offical": "official",
    "solve --province Guangxi --mix ful": "full",
    "solve --province Gungxi": "Guangxi",
    "allocate --rule offcial": "official",
    "allocate --compare s1,offcial": "official",
    "allocate --indicator carbon": "co2",
    "allocate --set weigth=3": "weight_intensity",
    "allocate --plan p55": "15FYP",
    "run --set memebers=3": "members",
    "run --set mixes=[ful]": "full",
    "run --set allocations=[offcial]": "official",
    'run --set allocations=[{"rule":"official","options":{"flor":1}}]': "floor",
    "run --set outputs.variables=[gpd]": "gdp",
    "run --set target.plan=p33": "p13",
    "run --assigned Guangxii=16": "Guangxi",
    "run twelveth-plan": "twelfth-plan",
    "ensemble --set memers=3": "members",
}
ASK = """
import json, sys
from typer.testing import CliRunner
from experiments.cli import app
found = {}
for words in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, words.split())
    found[words] = [done.exit_code, done.stderr, sorted({"pandas", "xarray", "pysd"} & set(sys.modules))]
print(json.dumps(found))
"""


def test_mistakes_are_answered_before_anything_heavy_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", ASK, json.dumps([*MISTAKES])], capture_output=True, check=True)
    for words, (code, said, loaded) in json.loads(done.stdout).items():
        assert (code, loaded) == (2, []), (words, said)
        assert MISTAKES[words] in " ".join(said.replace("│", " ").split()), (words, said)


def test_the_names_are_those_of_the_compiled_model() -> None:
    light, whole = known.vocabulary(), installation.vocabulary()
    assert len(light.variables) > 100
    assert light == whole


def test_a_rule_of_the_product_has_to_be_known() -> None:
    def propose(indicators: object, options: object) -> None: ...

    propose.__module__ = "experiments.allocation.rules.new_rule"
    with pytest.raises(ValueError, match="has to name it"):
        rule("new", title="New", origin="ours")(propose)  # type: ignore[arg-type]
