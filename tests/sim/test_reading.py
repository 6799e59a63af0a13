"""What Vensim writes and PySD's parser does not take: encodings, comments, macros, lookups, data, mappings."""

import numpy as np
import pytest

from sim import Model
from sim.errors import ModelError, SimError
from sim.reading.encoding import read_text
from sim.reading.vensim_text import read_vensim
from sim.source import read
from tests.sim.conftest import CONTROL

CHINESE = "能源 = 3 ~ ~ |\nb = 能源 * 2 ~ ~ |\n" + CONTROL


@pytest.mark.parametrize(
    ("encoding", "marker"),
    [("utf-8", "{UTF-8}\n"), ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("gbk", ""), ("gbk", "{GBK}\n")],
)
def test_every_encoding_gives_the_same_names(tmp_path, encoding, marker):
    path = tmp_path / "model.mdl"
    path.write_bytes((marker + CHINESE).encode(encoding))
    assert float(Model.load(path).run(outputs=["能源"])["能源"][0]) == 3
    assert next(iter(read(path).elements)) == "能源"


def test_western_letters_in_remarks_are_no_chinese(tmp_path):
    path = tmp_path / "model.mdl"
    path.write_bytes(
        ("x = 3 ~ m\u00b2 ~ Fl\u00e4che, d\u00e9j\u00e0 vu, a\u00e7\u00e3o. |\n" + CONTROL).encode("cp1252")
    )
    assert "Fl\u00e4che" in read_text(path)
    assert float(Model.load(path).run(outputs=["x"])["x"][0]) == 3


def test_bytes_of_no_encoding_are_named_with_their_line(tmp_path):
    path = tmp_path / "model.mdl"
    path.write_bytes(b"x = 3 ~ ~ |\ny = 4 ~ ~ \xfe\xff\xfe\xff |\n" + CONTROL.encode())
    with pytest.raises(ModelError, match=r"line 2 holds bytes that are not utf-8: give encoding= .*gbk"):
        Model.load(path)
    with pytest.raises(ModelError, match="no encoding 'klingon'"):
        Model.load(path, encoding="klingon")
    with pytest.raises(ModelError, match="line 2 holds bytes that are not ascii: give another encoding"):
        Model.load(path, encoding="ascii")


def test_comments_in_braces_and_continued_lines(write):
    path = write('a = {why} 3 + {more = {and | more} ~ } 4 ~ ~ |\n"b {not a comment}" = a * \\\n\t2 ~ ~ |\n')
    result = Model.load(path).run()
    assert float(result["a"][0]) == 7
    assert float(result['"b {not a comment}"' if '"b {not a comment}"' in result else "b {not a comment}"][0]) == 14


def test_the_old_form_of_lookups(write):
    path = write("t(0,1,2,10,20,40) ~ ~ |\na = t(1.5) ~ ~ |\nb = WITH LOOKUP(1.5, (0,1,2,10,20,40)) ~ ~ |\n")
    result = Model.load(path).run(outputs=["a", "b"])
    assert (float(result["a"][0]), float(result["b"][0])) == (30, 30)


def test_data_variables_without_a_keyword(write, tmp_path):
    path = write("x ~ dmnl ~ measured |\ny = x * 2 ~ ~ |\n")
    with pytest.raises(SimError, match="'x' is a data variable without values"):
        Model.load(path).run()
    file = tmp_path / "data.csv"
    file.write_text("Time,x\n0,1\n8,9\n", encoding="utf-8")
    np.testing.assert_allclose(Model.load(path, data_files=[str(file)]).run(outputs=["y"])["y"], 2 + 2 * np.arange(9.0))


MACROS = """a = FIRST(1) ~ ~ |
:MACRO: FIRST(x)
FIRST = x + 1 ~ ~ |
:END OF MACRO:
b = SECOND(a : high, low) + 1 ~ ~ It calls a :MACRO: with two more outputs. |
:MACRO: SECOND(x : up, down)
up = x + TIME STEP$ ~ ~ |
down = x - INITIAL TIME$ ~ ~ |
SECOND = up * down ~ ~ |
:END OF MACRO:
c = high + low ~ ~ |
"""


def test_macros_anywhere_with_several_outputs_and_outer_names(write, backend):
    result = Model.load(write(MACROS)).run(outputs=["a", "b", "high", "low", "c"], backend=backend)
    assert [float(result[name][0]) for name in ("a", "b", "high", "low", "c")] == [2, 6, 2.5, 2, 4.5]


MAPPING = """big: b1, b2 -> (small: s12, s3) ~ ~ |
small: s1, s2, s3 ~ ~ |
s12: s1, s2 ~ ~ |
v[big] = 3, 5 ~ ~ |
w[small] = v[big] * 2 ~ ~ |
"""


def test_explicit_mappings_spread_a_range_over_another(write, backend):
    result = Model.load(write(MAPPING)).run(outputs=["w"], backend=backend)
    assert result["w"].isel(time=0).to_numpy().tolist() == [6, 6, 10]


def test_mappings_that_do_not_fit_are_refused(write):
    with pytest.raises(ModelError, match="has 1 parts for 2 elements"):
        Model.load(write(MAPPING.replace("s12, s3)", "s12)")))
    with pytest.raises(ModelError, match="leaves out s3"):
        Model.load(write(MAPPING.replace("s12, s3)", "s1, s2)")))


def test_an_equation_that_cannot_be_read_is_named_with_its_line(write):
    path = write("a = 3 ~ ~ |\n\nsecond one[x] = 3 ++* 4 ~ ~ |\n")
    with pytest.raises(ModelError, match=r"line 4, 'second one\[x\] = 3 \+\+\* 4': .*stops at ' \+\+\* 4'"):
        Model.load(path)


def test_an_entry_that_does_not_end_is_named_with_its_line(write):
    with pytest.raises(ModelError, match=r"line 3, 'b = 4': got 0 signs ~ before the next |"):
        Model.load(write("a = 3 ~ ~ |\nb = 4 |\nc = 5 ~ ~ |\n"))


def test_limits_that_are_no_numbers_are_dropped(write):
    assert float(Model.load(write("a = 3 ~ m [0,low] ~ |\n")).run()["a"][0]) == 3


def test_files_named_in_the_settings(write, tmp_path):
    (tmp_path / "real.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    settings = "\n\\\\\\---/// Sketch\n///---\\\\\\\n:L\x7f<%^E!@\n30:?data=real.csv\n"
    path = write("a = GET DIRECT CONSTANTS('?data', ',', 'B2') ~ ~ |\n", control=CONTROL + settings)
    assert "'real.csv'" in read_vensim(path).text
    assert float(Model.load(path).run()["a"][0]) == 4


def test_a_blank_cell_is_refused(write, tmp_path):
    (tmp_path / "blank.csv").write_text("1,2\n3,\n", encoding="utf-8")
    path = write("r: x, y ~ ~ |\na[r] = GET DIRECT CONSTANTS('blank.csv', ',', 'B1*') ~ ~ |\n")
    with pytest.raises(SimError, match=r"'a' \(line 3\).*blank"):
        Model.load(path)
