"""Valid and invalid user input: files, numbers and names."""

import doctest
import json
import math
import os
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from models import reading
from models.reading.faults import InputError
from models.reading.json_file import parse_json
from models.reading.names import Spellings, choose, choose_all, match, near
from models.reading.numbers import read_number
from models.reading.schema import validated
from models.reading.table_file import read_table
from models.reading.text import read_text
from models.reading.yaml_file import DEEPEST, LARGEST, dump_yaml, parse_yaml, plain_value, read_yaml


@pytest.mark.parametrize("name", [info.name for info in iter_modules(reading.__path__)])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    assert doctest.testmod(import_module(f"{reading.__name__}.{name}")).failed == 0


# Names ---------------------------------------------------------------------------------------------------------------

PROVINCES = Spellings(
    {"Shanxi": ("山西",), "Shaanxi": ("陕西",), "Inner Mongolia": ("内蒙古",), "Guangdong": ("广东",)}
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Guangdong", "Guangdong"), ("GUANGDONG", "Guangdong"), ("广东", "Guangdong"),
        ("inner_mongolia", "Inner Mongolia"),
        ("ＳＨＡＮＸＩ", "Shanxi"), ("shaanxi", "Shaanxi"), (" Shaanxi ", "Shaanxi"), ("内蒙古", "Inner Mongolia"),
    ],
)  # fmt: skip
def test_a_name_is_known_in_any_case_and_by_its_other_spellings(typed: str, meant: str) -> None:
    assert choose(typed, PROVINCES, "province") == meant


@given(st.sampled_from(list(PROVINCES)), st.randoms())
def test_case_never_matters(name: str, rng: object) -> None:
    typed = "".join(letter.upper() if rng.random() < 0.5 else letter.lower() for letter in name)  # type: ignore[attr-defined]
    assert choose(typed, PROVINCES, "province") == name


@given(st.text(max_size=20))
def test_what_is_chosen_is_known_or_refused_with_what_was_typed(typed: str) -> None:
    if match(typed, PROVINCES) is None:
        with pytest.raises(InputError) as caught:
            choose(typed, PROVINCES, "province")
        assert "unknown province" in str(caught.value)
        assert "allowed: Shanxi, Shaanxi, Inner Mongolia, Guangdong" in str(caught.value)
    else:
        assert choose(typed, PROVINCES, "province") in PROVINCES


def test_an_exact_name_goes_before_another_case_and_two_meanings_are_none() -> None:
    assert choose("s1", ["S1", "s1"], "rule") == "s1"
    assert match("ab", Spellings({"one": ("AB",), "two": ("a b",)})) is None


def test_every_unknown_name_is_named_with_its_nearest() -> None:
    with pytest.raises(InputError) as caught:
        choose_all(["Guangdon", "Shanxi", "广冻"], PROVINCES, "province")
    assert caught.value.faults == [
        "unknown province 'Guangdon'; did you mean 'Guangdong'?; allowed: Shanxi, Shaanxi, Inner Mongolia, Guangdong",
        "unknown province '广冻'; did you mean 'Guangdong'?; allowed: Shanxi, Shaanxi, Inner Mongolia, Guangdong",
    ]
    assert near("zzz", PROVINCES) == ""


def test_a_long_name_and_a_long_list_are_shortened() -> None:
    with pytest.raises(InputError) as caught:
        choose("x" * 10_000, [f"variable {n}" for n in range(1000)], "variable")
    assert len(str(caught.value)) < 150
    assert "one of 1000 names" in str(caught.value)


# Text ----------------------------------------------------------------------------------------------------------------


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 11)
    cases = {
        tmp_path: "got a folder, allowed: a study file",
        tmp_path / "none": "there is no such file; give the path of a study file",
        tmp_path / "pipe": "got a device or a pipe",
        Path("/dev/zero"): "got a device or a pipe",
        tmp_path / "large": "got 11 bytes, allowed: a study file of at most 10",
        tmp_path / "large" / "inside": "cannot be read",
        Path("zero\0byte"): "cannot be read",
        Path("x" * 5000): "cannot be read",
    }
    for path, words in cases.items():
        with pytest.raises(InputError) as caught:
            read_text(path, "a study file", 10)
        assert words in str(caught.value)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\n省份".encode("gbk"), "x:2: got byte 0xb7, allowed: UTF-8 text; the file seems to be in GBK"),
        (b"a\nb\ncaf\xe9 x", "x:3: got byte 0xe9, allowed: UTF-8 text; save the file as UTF-8"),
        ("省".encode("utf-16"), "x: got UTF-16 text"),
        (b"a\n\0", "x:2: got a zero byte"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_text(tmp_path / "x", "a table")
    assert words in str(caught.value)


def test_the_mark_of_utf8_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("省份", encoding="utf-8-sig")
    assert read_text(tmp_path / "x", "a table") == "省份"


# YAML ----------------------------------------------------------------------------------------------------------------


def faults_of(text: str) -> list[str]:
    return parse_yaml(text, lambda line: f"x:{line}", "x", dict).faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 0100", "x:1: got 0100, which YAML reads as octal"),
        ("a: 1:40", "x:1: got 1:40, which YAML reads in base 60"),
        ("a: -1:40.5", "x:1: got -1:40.5, which YAML reads in base 60"),
        ("b: 1\na: .nan", "x:2: got .nan, allowed: a finite number"),
        ("a: [-.inf]", "x:1: got -.inf, allowed: a finite number"),
        ("a: 1.0e999", "x:1: got '1.0e999', allowed: a finite number"),
        ("a: " + 5000 * "9", "x:1: got 99999999999999999999…, a number of 5,000 digits, allowed: at most 30 digits"),
        ("a: 2011-13-45", "x:1: got 2011-13-45, which is no date"),
        ('a: "\\ud800"', "x:1: got the character U+D800 in a text"),
        ('a: "\\e[31m"', "x:1: got the character U+001B in a text"),
        ("a: 1\nb: 2\na: 3", "x:3: key 'a' appears twice, first on x:1; keep one"),
        ("a: &x 1\nb: *x", "x:2: YAML aliases (*name) are not allowed"),
        ("a: &x 1\n*x : 2", "x:2: YAML aliases (*name) are not allowed"),
        ("? [1, 2]\n: 3", "x:1: got a list or mapping as a key"),
        ("a: !!python/object:os.system x", "got the tag"),
        ("a: !mine {b: 1}", "x:1: got the tag '!mine'"),
        ("a: 1\n---\nb: 2", "x:2: a second document (---) begins"),
        ("- a", "x: got a list, allowed: a mapping"),
        ("", "x: got nothing, allowed: a mapping"),
        ("a: [1", "x:1: not YAML"),
        ("a:\n\t- b", "x:2: not YAML"),
        ("a: b\0", "x: not YAML"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, fault: str) -> None:
    assert any(one.startswith(fault) or fault in one for one in faults_of(text)), faults_of(text)


def test_all_faults_are_told_at_once() -> None:
    assert len(faults_of("a: 0100\na: 1:40\nb: .nan\nc: !x 1\nd: 2011-02-30")) == 6


@pytest.mark.parametrize("opener", ["[", "{a: "])
def test_depth_is_refused_before_the_end_is_read(opener: str) -> None:
    assert faults_of("a: " + opener * 30_000) == [f"x:1: got lists in lists without end, allowed: {DEEPEST} deep"]
    assert faults_of("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)) == []


@pytest.mark.parametrize(("text", "value"), [("1e5", 100_000), ("2E+3", 2000), ("1.0e5", 1e5), ("1e-3", 0.001)])
def test_an_exponent_makes_a_number(text: str, value: float) -> None:
    assert plain_value(text) == value
    assert isinstance(plain_value(text), int) == ("." not in text and "-" not in text)


def test_values_that_need_no_guess_are_read_as_they_stand() -> None:
    text = "{a: 100, b: 1e3, c: -1.5, d: yes, e: null, f: 0x10, g: 2011-01-05, h: '0100', i: p12, j: 1_0, k: 0, l: .5}"
    assert parse_yaml(text, str, "x").data == {
        "a": 100, "b": 1000.0, "c": -1.5, "d": True, "e": None, "f": 16, "g": date(2011, 1, 5), "h": "0100", "i": "p12",
        "j": 10, "k": 0, "l": 0.5,
    }  # fmt: skip


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.from_regex(r"[-+]?[0-9.]{1,3}(e[-+]?[0-9]{1,2})?", fullmatch=True) | st.sampled_from(["0o17", "1:40", "no"])
    | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=10) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxy ", min_size=1), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text("abc", min_size=1), plain, max_size=4))
def test_what_yaml_writes_is_read_back(data: dict[str, object]) -> None:
    document = parse_yaml(dump_yaml(data), str, "x", dict)
    assert document.faults == []
    assert document.data == data


@given(st.text(max_size=60))
def test_no_text_ends_in_an_exception(text: str) -> None:
    parse_yaml(text, str, "x", dict)
    parse_json(text, "x")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_python_writes_it(value: float) -> None:
    assert plain_value(repr(value)) == value


def test_the_place_of_every_value_is_known() -> None:
    document = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    - y\n", lambda line: f"x:{line}", "x")
    assert [document.place(route) for route in (("a", "b"), ("a", "c", 1), ("a", "c", 1, "z"), ("q",))] == [
        "x:2", "x:5", "x:5", "x:1",
    ]  # fmt: skip


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("# " + "x" * LARGEST)
    assert "allowed: a study file of at most 200,000" in read_yaml(tmp_path / "x.yaml", "a study file").faults[0]


def test_one_document_lies_over_another() -> None:
    base = parse_yaml("a: {x: 1, y: 2}\nb: 1", lambda line: f"base:{line}", "base")
    over = parse_yaml("a: {y: 3}", lambda line: f"over:{line}", "over").over(base)
    assert over.data == {"a": {"x": 1, "y": 3}, "b": 1}
    assert [over.place(("a", "x")), over.place(("a", "y")), over.place(("b",))] == ["base:1", "over:1", "base:2"]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: float
    code: str = Field(default="a1", pattern=r"^[a-z0-9]{2,4}$")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    parts: list[Inner] = []


def test_a_schema_names_every_fault_in_the_users_words() -> None:
    text = "nam: 5\nparts:\n  - size: big\n  - {size: 1, colour: red}\n  - {size: .nan}\n  - 7\n  - {size: 1, code: A}"
    document = parse_yaml(text, lambda line: f"x:{line}", "x")
    model, faults = validated(Outer, document)
    assert model is None
    assert [*document.faults, *faults] == [
        "x:5: got .nan, allowed: a finite number",
        "x:3: parts.0.size: got 'big', allowed: a number (write numbers without quotes or commas)",
        "x:4: parts.1.colour: unknown key; allowed here: size, code",
        "x:6: parts.3: got 7, allowed: a mapping (`key: value` lines)",
        "x:7: parts.4.code: got 'A', allowed: String should match pattern '^[a-z0-9]{2,4}$'",
        "x:1: nam: unknown key; did you mean 'name'?; allowed here: name, parts",
    ]


# CSV, JSON, numbers --------------------------------------------------------------------------------------------------


def table_faults(tmp_path: Path, text: str, **options: bool) -> list[str]:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    return read_table(tmp_path / "x.csv", "a table", ("name", "value"), **options).faults


def test_a_table_is_read_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('Value,NAME\n\n1,"a\nb"\n , \n 2 ,c\n', encoding="utf-8-sig")
    table = read_table(tmp_path / "x.csv", "a table", ("name", "value")).checked()
    assert list(table.records()) == [
        ("x.csv:4", {"value": "1", "name": "a\nb"}), ("x.csv:6", {"value": "2", "name": "c"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["x.csv:1: got no header"]),
        ("name,value,valu\n", ["x.csv:1: unknown column 'valu'; did you mean 'value'?"]),
        ("name,value,name\n", ["x.csv:1: column 'name' appears 2 times"]),
        ("name\n", ["x.csv:1: column value is missing; got 'name', needed: name, value"]),
        ("name,value\na\nb,1,2\nc,3\n", ["x.csv:2: got 1 cells", "x.csv:3: got 3 cells, allowed: 2 (name, value)"]),
        ('name,value\n"a,1\n', ["x.csv:2: not CSV"]),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path: Path, text: str, faults: list[str]) -> None:
    found = table_faults(tmp_path, text)
    assert len(found) == len(faults)
    assert all(one.startswith(fault) for one, fault in zip(found, faults, strict=True)), found


def test_other_columns_are_allowed_where_said(tmp_path: Path) -> None:
    assert table_faults(tmp_path, "name,value,,\na,1,,\n", other_columns=True) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": 1,\n "a": 2}', "x: key 'a' appears twice in one object"),
        ('{"a": NaN}', "x: got NaN, allowed: a finite number"),
        ('{"a": 1e999}', "x: got a number beyond"),
        ('{"a": "\\ud800"}', "half of a character"),
        ('{"a": ' + "9" * 5000 + "}", "a number of 5,000 digits"),
        ("[" * 100_000, "lists in lists without end"),
        ("[" * 30 + "]" * 30, "lists in lists without end"),
        ('{\n"a" 1}', "x:2: not JSON"),
        ("[1]", "x: got [1], allowed: an object"),
    ],
)
def test_what_is_no_plain_json_is_refused(text: str, fault: str) -> None:
    assert any(fault in one for one in parse_json(text, "x").faults)


def test_plain_json_is_read_as_it_stands() -> None:
    data = {"a": [1, 2.5, None, True, "省"], "b": {"c": -1}}
    document = parse_json(json.dumps(data), "x")
    assert (document.data, document.faults) == (data, [])


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "0x10", "１７", "", "1,5", "17%", "=1", "1e999", "--1", "1 3"])
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="allowed: a number"):
        read_number(text)


def test_the_bounds_of_a_number_belong_to_it() -> None:
    assert [read_number(text, 0, 100) for text in ("0", "100", "1e2", ".5", "+3.")] == [0, 100, 100, 0.5, 3]
    for text in ("-0.001", "100.001"):
        with pytest.raises(InputError, match="allowed: a number from 0 to 100"):
            read_number(text, 0, 100)
    with pytest.raises(InputError, match="a whole number of 1 or more"):
        read_number("1.5", 1, whole=True)
    assert math.isclose(read_number("-1e-3"), -0.001)
