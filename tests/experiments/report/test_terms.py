"""One term table: every text is in it, in both languages, with the same placeholders."""

import ast
import csv
import re
from pathlib import Path

import pandas as pd
import pytest

from calibration.places import Region
from experiments.report import content
from experiments.words.columns import heads
from experiments.words.terms import LANGS, TABLE, Terms, _of_region, table
from experiments.words.verdict import nowcast_lean

ROOT = Path(__file__).parents[3] / "experiments"
PYTHON = [path for room in ("report", "explore", "analyses") for path in (ROOT / room).rglob("*.py")]
TEMPLATES = [*(ROOT / "report" / "templates").glob("*.html"), *(ROOT / "explore" / "templates").glob("*.html")]


def literals(node: ast.AST) -> set[str]:
    """Texts that an expression may be: a literal, or either side of a conditional."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return literals(node.body) | literals(node.orelse) if isinstance(node, ast.IfExp) else set()


def in_python(path: Path) -> set[str]:
    """First arguments of `terms(…)`, `….terms(…)`, and of `message(…)` and `part(…)`, by which tables hold texts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found |= literals(node.args[0]) if name in ("terms", "message", "part") else set()
    return found


def in_template(path: Path) -> set[str]:
    """Arguments of `_("…")`."""
    found = re.findall(r"""_\((?:"([^"]+)"|'([^']+)')""", path.read_text(encoding="utf-8"))
    return {a or b for a, b in found}


@pytest.mark.parametrize("path", PYTHON + TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_source_is_in_the_table(path: Path) -> None:
    texts = in_python(path) if path.suffix == ".py" else in_template(path)
    assert not sorted(texts - set(table()))


def test_both_languages_have_the_same_placeholders() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [row["key"] or row["en"] for row in rows]
    assert len(keys) == len(set(keys))
    for row in rows:
        row["en"] = re.sub(r"{\w+:[^}]*\|[^}]*}", "", row["en"])  # singular or plural, which Chinese does not have
        assert row["en"].strip() or row["key"].startswith("counted "), row
        assert row["zh"].strip(), row
        assert sorted(re.findall(r"{\w+[^}]*}", row["en"])) == sorted(re.findall(r"{\w+[^}]*}", row["zh"])), row["en"]


def test_official_terms() -> None:
    chinese = " ".join(zh for _, zh in table().values())
    for term in ("能耗强度", "碳强度", "晴雨表", "超额完成", "吨标准煤", "淘汰落后产能", "分配方案"):
        assert term in chinese


def test_provinces_sectors_levers_and_rules_are_named() -> None:
    from calibration import tables
    from experiments import allocation, policy

    names = [*tables.provinces(), *policy.levers(), *policy.names(), *allocation.load()]
    assert not [name for name in names if name not in table()]
    assert Terms("zh").name("Inner Mongolia") == "内蒙古"


def test_texts_of_a_region_replace_texts_about_china_and_name_the_region() -> None:
    own = Region(Path(), "Sealand", "海地", True, ("Northport",), ())
    texts = _of_region(table(), own)
    assert not [key for key in texts if key not in table()]
    assert texts["China (sum of provinces)"] == ("Sealand (sum of its places)", "海地（各地合计）")
    assert "Sealand is made up" in texts["text: made up"][0]
    assert "State Council" not in texts["official"][0]
    assert not [key for key, (en, zh) in texts.items() if "{region}" in en + zh]


def test_unknown_names_stay_as_they_are() -> None:
    assert Terms("zh").name("my own mix") == "my own mix"
    with pytest.raises(KeyError):
        Terms("zh")("a text that nobody translated")


@pytest.mark.parametrize(
    ("chance", "shown"), [(0, "<1%"), (0.004, "<1%"), (0.426, "43%"), (1, ">99%"), (float("nan"), "–")]
)
def test_a_chance_is_never_certain(chance: float, shown: str) -> None:
    assert Terms("zh").chance(chance) == shown
    assert Terms("en").chance(chance).replace("\u202f", "") == shown


def test_amounts_come_in_the_units_of_chinese_officials_with_their_values() -> None:
    """346 万吨标准煤 are 3.456 Mtce, 12 亿元 are 1.2 billion yuan: the words of a head decide the values below it."""
    assert not [zh for _, zh in table().values() if re.search("百万吨|十亿元|千元", zh)]
    names = ["energy saved Mtce", "net cost Gyuan/year"]
    data = pd.DataFrame([[3.456, 1.2]], columns=names)
    shown = {}
    for lang in LANGS:
        made = content.listed(Terms(lang), "t", "", data, "costs", names)
        shown[lang] = [cell.text for cell in made.rows[0]]
    assert shown == {"en": ["3.46", "1.200"], "zh": ["345.60", "12"]}
    assert all("2005" in Terms(lang)(heads("costs", names)[names[1]]) for lang in LANGS)


def test_the_lean_of_the_nowcast_names_no_base_year_that_it_is_not_behind() -> None:
    (before,), (behind,) = nowcast_lean(Terms("en"), 2020), nowcast_lean(Terms("en"), 2025)
    assert "base year" not in before
    assert "the estimate behind the base year 2025" in behind
    assert re.findall(r"[\d.]+ to [\d.]+ points", before) == re.findall(r"[\d.]+ to [\d.]+ points", behind) != []
