"""Study files: values that are read, values that are refused, and the messages."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calibration import nowcast
from experiments.installation import load_study
from experiments.study import files as studies
from experiments.study.load import load, resolved
from experiments.study.schema import Vocabulary, schema
from experiments.words.headings import heading
from models.reading.faults import InputError

WORDS = Vocabulary(
    rules=("official", "uniform", "s1", "s2"),
    mixes=("base", "full", "delivered"),
    constants=("rebound", "switch rebound", "discount rate"),
    uncertain=("rebound", "discount rate"),
    variables=("gdp", "total energy", "energy intensity"),
    provinces=("Beijing", "Guangdong", "China"),
)
WORDS_OF_ANY = Vocabulary()
GOOD = """\
name: mine
members: 100
seed: 1
allocations: [official]
mixes: [base]
outputs:
  variables: [gdp]
"""

MALFORMED = {
    "empty": ("", ["mine.yaml: got nothing, allowed: a mapping (`key: value` lines)"]),
    "a list": ("- name\n- members\n", ["mine.yaml: got a list, allowed: a mapping"]),
    "not YAML": ("name: [mine\nmembers: 3\n", ["mine.yaml:2: not YAML: expected ',' or ']', but got ':'"]),
    "tab": ("name: mine\n\tmembers: 3\n", ["mine.yaml:2: not YAML: found character '\\t' that cannot start any token"]),
    "alias": ("name: &n mine\ntitle: *n\n", ["mine.yaml:2: YAML aliases (*name) are not allowed"]),
    "key twice": (GOOD + "seed: 2\n", ["mine.yaml:8: key 'seed' appears twice"]),
    "misspelt key": (
        GOOD + "membres: 5\n",
        ["mine.yaml:8: membres: unknown key; did you mean 'members'?; allowed here: "],
    ),
    "misspelt inner key": (
        GOOD + "sampling:\n  metod: sobol\n",
        ["mine.yaml:9: sampling.metod: unknown key; did you mean 'method'?; allowed here: method, posterior, predict"],
    ),
    "missing keys": (
        "name: mine\n",
        [f"mine.yaml:1: {key}: is missing" for key in ("members", "seed", "allocations", "mixes", "outputs")],
    ),
    "text for a number": (
        GOOD.replace("100", "many"),
        ["mine.yaml:2: members: got 'many', allowed: a whole number (write numbers without quotes or commas)"],
    ),
    "exponent": (GOOD.replace("100", "1e-1"), ["members: got 0.1, allowed: a whole number"]),
    "octal": (GOOD.replace("100", "0100"), ["mine.yaml:2: got 0100, which YAML reads as octal"]),
    "base 60": (GOOD.replace("100", "1:40"), ["mine.yaml:2: got 1:40, which YAML reads in base 60"]),
    "fraction of a member": (GOOD.replace("100", "10.5"), ["members: got 10.5, allowed: a whole number"]),
    "one member": (GOOD.replace("100", "1"), ["mine.yaml:2: members: got 1, allowed: at least 2"]),
    "yes for a number": (GOOD.replace("100", "yes"), ["members: got True, allowed: a whole number"]),
    "seed zero": (GOOD.replace("seed: 1", "seed: 0"), ["mine.yaml:3: seed: got 0, allowed: at least 1"]),
    "name with blanks": (
        GOOD.replace("mine", "My study"),
        ["mine.yaml:1: name: got 'My study', allowed: small letters"],
    ),
    "unknown rule": (
        GOOD.replace("[official]", "[oficial]"),
        ["mine.yaml:4: allocations.0.rule: unknown allocation rule 'oficial'; did you mean 'official'?; allo"],
    ),
    "unknown mix": (
        GOOD.replace("[base]", "[basic]"),
        ["mixes.0.mix: unknown policy mix 'basic'; did you mean 'base'?"],
    ),
    "no mixes": (GOOD.replace("[base]", "[]"), ["mine.yaml:5: mixes: got [], allowed: at least 1 of them"]),
    "mix not a list": (GOOD.replace("[base]", "base"), ["mine.yaml:5: mixes: got 'base', allowed: a list"]),
    "same label twice": (
        GOOD.replace("[base]", "[base, base]"),
        ["mine.yaml:5: mixes: the label 'base' appears 2 times; give each a `name` of its own"],
    ),
    "unknown variable": (
        GOOD.replace("[gdp]", "[gdp, total enrgy]"),
        ["outputs.variables: unknown model variable 'total enrgy'; did you mean 'total energy'?"],
    ),
    "unknown constant": (
        GOOD + "parameters:\n  switch rebond: 0\n",
        ["parameters: unknown model constant 'switch rebond'; did you mean 'switch rebound' or 'rebound'?"],
    ),
    "lever as uncertain": (
        GOOD + "uncertain:\n  lever start: {low: 1, high: 2}\n",
        ["unknown uncertain input 'lever star"],
    ),
    "bounds turned round": (
        GOOD + "uncertain:\n  rebound: {low: 0.6, high: 0.2}\n",
        ["mine.yaml:9: uncertain.rebound: got low 0.6, high 0.2, allowed: low ≤ default ≤ high"],
    ),
    "unknown distribution": (
        GOOD + "uncertain:\n  rebound: {distribution: gaussian}\n",
        ["uncertain.rebound.distribution: got 'gaussian', allowed: 'uniform', 'normal', 'lognormal' or 'triangular'"],
    ),
    "not a number": (GOOD + "parameters: {rebound: .nan}\n", ["mine.yaml:8: got .nan, allowed: a finite number"]),
    "fixed and drawn": (
        GOOD + "parameters: {rebound: 0.3}\nuncertain: {rebound: {low: 0.1}}\n",
        ["rebound: both fixed in `parameters` and drawn in `uncertain`; keep one"],
    ),
    "quantiles that fall": (
        GOOD + "  quantiles: [0.9, 0.1]\n",
        ["mine.yaml:8: outputs.quantiles: got [0.9, 0.1], allowed: rising levels, each once"],
    ),
    "quantile beyond one": (GOOD + "  quantiles: [0.1, 1.5]\n", ["outputs.quantiles.1: got 1.5, allowed: less than 1"]),
    "member that is not drawn": (
        GOOD + "  members: [100]\n",
        ["outputs.members names [100], but members are numbered 0 to 99"],
    ),
    "outputs end before the plan": (
        GOOD + "  last_year: 2015\ntarget: {plan: p13}\n",
        ["outputs.last_year is 2015, before the plan ends in 2020"],
    ),
    "plan unknown": (
        GOOD + "target: {plan: 99FYP}\n",
        ["target.plan: unknown plan '99FYP'; did you mean 'p15' or 'p14' or 'p13'?; allowed: p11, p12, p13, p14, p15"],
    ),
    "target negative": (GOOD + "target: {national: -16}\n", ["target.national: got -16, allowed: more than 0"]),
    "member kept twice": (GOOD + "  members: [0, 5, 0]\n", ["mine.yaml:8: outputs.members: 0 appears twice"]),
    "province unknown": (
        GOOD + "policy: {province: Guangdng, mix: base}\n",
        ["mine.yaml:8: policy.province: unknown province 'Guangdng'; did you mean 'Guangdong'?; allowed: Beijing"],
    ),
    "no such day": (
        GOOD + "title: 2012-02-30\n",
        ["mine.yaml:8: got 2012-02-30, which is no date (day is out of range for month)"],
    ),
    "date for a name": (GOOD.replace("mine", "2012-02-01"), ["mine.yaml:1: name: got 2012-02-01, allowed: a text"]),
    "tag": (
        GOOD + "title: !!python/name:os.system x\nsampling: {method: !own sobol}\n",
        ["mine.yaml:8: got the tag 'tag:yaml.org,2002:python/name:os.system'", "mine.yaml:9: got the tag '!own'"],
    ),
    "number of 5000 digits": (
        GOOD.replace("seed: 1", "seed: 1" + 5000 * "0"),
        ["mine.yaml:3: got 10000000000000000000…, a number of 5,001 digits, allowed: at most 30 digits"],
    ),
    "seed beyond 63 bits": (
        GOOD.replace("seed: 1", "seed: 9223372036854775808"),
        ["mine.yaml:3: seed: got 9223372036854775808, allowed: less than 9223372036854775808"],
    ),
    "list as a key": (GOOD + "? [a, b]\n: 3\n", ["mine.yaml:8: got a list or mapping as a key, allowed: a name"]),
    "too deep": (
        GOOD + "parameters: " + 3000 * "[" + 3000 * "]",
        ["mine.yaml:8: got lists in lists without end, allowed: 20 deep"],
    ),
    "too large": (
        GOOD + "# " + 1_000_000 * "x",
        ["mine.yaml: got 1,000,100 bytes, allowed: a study file of at most 200,000"],
    ),
    "control character": (GOOD + "title: a\0b\n", ["mine.yaml:8: got a zero byte, allowed: UTF-8 text"]),
    "extends nothing": (
        "extends: twelfth-plam\n",
        ["extends: unknown study 'twelfth-plam'; did you mean 'twelfth-plan'"],
    ),
    "extends itself": ("extends: mine.yaml\n", ["`extends` goes in a circle: mine.yaml → mine.yaml"]),
    "extends two": (
        "extends: [a, b]\n",
        ["mine.yaml:1: extends: got ['a', 'b'], allowed: the name or path of one study"],
    ),
}


def faults(tmp_path: Path, text: str | bytes, *overrides: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as raised:
        load(path, overrides, WORDS)
    return raised.value.faults


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(tmp_path: Path, case: str) -> None:
    text, wanted = MALFORMED[case]
    found = faults(tmp_path, text)
    assert len(found) == len(wanted), found
    for one in wanted:
        assert any(one in fault for fault in found), found


def test_all_faults_at_once_with_their_places(tmp_path: Path) -> None:
    found = faults(
        tmp_path, GOOD.replace("100", "0") + "extra: 1\nsampling: {method: sobel}\n", "mixes.0=basis", "seed=x"
    )
    places = [fault.split(": ")[0] for fault in found]
    assert places == ["mine.yaml:2", "--set seed=x", "--set mixes.0=basis", "mine.yaml:9", "mine.yaml:8"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("x" * 5000, "unknown study"), (".", "is a folder"), ("/dev/null", "is a device"), ("a\0b", "unknown study")],
)
def test_no_such_study(name: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        load(name, (), WORDS)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 300


def test_not_text(tmp_path: Path) -> None:
    assert faults(tmp_path, b"name: \xff\xfe")[0].startswith("mine.yaml:1: got byte 0xff, allowed: UTF-8 text")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("members", "--set members: allowed is path=value"),
        ("=3", "--set =3: allowed is path=value"),
        ("members=[", "--set members=[: not YAML"),
        ("seed=2012-02-30", "--set seed=2012-02-30: got 2012-02-30, which is no date"),
        ("seed=" + 3000 * "[", "got lists in lists without end"),
        ("mixes.4=full", "--set mixes.4=full: '4' is no place in a list of 1 (counted from 0)"),
        ("members.x=1", "--set members.x=1: nothing stands at 'members' in 'members.x'"),
        ("smapling.method=latin", "--set smapling.method=latin: smapling: unknown key; did you mean 'sampling'?"),
    ],
)
def test_malformed_overrides(tmp_path: Path, override: str, message: str) -> None:
    (found,) = faults(tmp_path, GOOD, override)
    assert message in found


def test_overrides_and_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(GOOD)
    path = tmp_path / "mine.yaml"
    path.write_text("extends: base.yaml\nname: other\nsampling: {method: latin}\n")
    study = load(path, ["sampling.posterior=false", "mixes.0=full", "parameters.switch rebound=0"], WORDS)
    assert (study.name, study.members, study.sampling.method, study.sampling.posterior) == (
        "other",
        100,
        "latin",
        False,
    )
    assert study.mixes[0].label == "full"
    assert study.parameters == {"switch rebound": 0}


def test_todays_study_is_the_fifteenth_plans_only_while_its_nowcast_passes() -> None:
    assert (studies.TODAY == "fifteenth-plan") == nowcast.load_check().passed


def test_every_shipped_study_is_valid() -> None:
    assert {studies.DEFAULT, studies.TODAY, *studies.OF_PLAN.values()} <= set(studies.names())
    for name in studies.names():
        assert load_study(name).members >= 2


def test_the_resolved_study_reads_back(tmp_path: Path) -> None:
    study = load_study(studies.DEFAULT, ["title='Größe: 能源 # not a comment'"])
    (tmp_path / "study.yaml").write_text(study.text(), encoding="utf-8")
    assert resolved(tmp_path / "study.yaml").model_dump() == study.model_dump()


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))


@given(NESTED, st.sampled_from(["members", "mixes", "outputs", "uncertain", "sampling.method", "allocations.0"]))
def test_whatever_stands_at_a_key_is_a_study_or_faults(value: object, key: str) -> None:
    try:
        study = load(studies.DEFAULT, [f"{key}={yaml.safe_dump(value)}"], WORDS_OF_ANY)
    except InputError as found:
        told = found.faults
    else:
        told = [study.name]
    assert all(told)


def test_the_published_schema_is_in_step() -> None:
    published = Path(__file__).parents[2] / "docs" / "study.schema.json"
    assert published.read_text(encoding="utf-8") == schema(), "run `python tools/write_schema.py`"
    described = json.loads(schema())
    assert [name for name, entry in described["properties"].items() if "description" not in entry] == []


def test_a_title_of_its_own_never_keeps_the_chinese_title_of_another_study(tmp_path: Path) -> None:
    shipped = load(studies.DEFAULT, (), WORDS_OF_ANY)
    assert heading(shipped, "en") == shipped.title
    assert heading(shipped, "zh") == shipped.title_zh != ""
    own = tmp_path / "own.yaml"
    own.write_text("extends: twelfth-plan\nname: own\ntitle: My province\n", encoding="utf-8")
    for study in (load(own, (), WORDS_OF_ANY), load(studies.DEFAULT, ["title=My province"], WORDS_OF_ANY)):
        assert heading(study, "zh") == "My province"
    both = load(studies.DEFAULT, ["title_zh=本省", "title=My province"], WORDS_OF_ANY)
    assert (heading(both, "en"), heading(both, "zh")) == ("My province", "本省")
    untitled = load(studies.DEFAULT, ["title=''"], WORDS_OF_ANY)
    assert heading(untitled, "zh").startswith(f"{studies.DEFAULT}：2010-2015年；目标分配 official, uniform")


def test_a_study_without_a_title_is_described_by_its_content_and_not_by_its_parent(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("extends: twelfth-plan\nname: own\nmixes: [plan]\nmembers: 64\n", encoding="utf-8")
    title = heading(load(own, (), WORDS_OF_ANY), "en")
    assert title == "own: 2010-2015; targets by official, uniform; mixes plan; 64 members"
