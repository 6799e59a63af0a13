"""Region packs: the template, refusals, and the origin of each model input."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from calibration import region
from models.reading.faults import InputError

EXAMPLES = Path(__file__).parents[2] / "docs" / "regions"


def test_a_template_needs_few_rows_and_each_empty_one_is_named(tmp_path: Path) -> None:
    assert region.init(tmp_path / "own", "Own land", ["North", "South"]) == 14
    with pytest.raises(InputError) as fault:
        region.read(tmp_path / "own")
    assert len(fault.value.faults) >= 14
    with pytest.raises(InputError, match="exists"):
        region.init(tmp_path / "own", "Own land", ["North"])


def test_faults_of_all_files_of_a_pack_are_told_at_once(tmp_path: Path) -> None:
    region.init(tmp_path / "own", "Own", ["North"])
    figures = "place,variable,year,value,unit,source\n" + "".join(
        f"North,{name},{year},{value},{unit},a source\n"
        for name, value, unit in (("gdp", 50, "Gyuan"), ("energy_total", 5, "Mtce"), ("population", 3, "Mperson"))
        for year in (2005, 2010)
    )
    (tmp_path / "own" / "targets.csv").write_text("place,plan,target_percent,source\nWest,p12,15,x\n")
    (tmp_path / "own" / "figures.csv").write_text(figures.replace("Mtce", "tce") + "North,gpd,2005,1,Gyuan,x\n")
    with pytest.raises(InputError) as fault:
        region.read(tmp_path / "own")
    told = "\n".join(fault.value.faults)
    for words in ("got unit 'tce', allowed: Mtce", "got variable 'gpd'", "no energy_total (Mtce) of North in 2010"):
        assert words in told
    assert "got place 'West', allowed: North" in told


def test_a_pack_states_its_own_measurement_errors_and_else_those_of_the_table_stand(tmp_path: Path) -> None:
    pack = shutil.copytree(EXAMPLES / "chongqing-city", tmp_path / "own")
    known = region.FIGURES_KNOWN["gdp"]
    assert known.errors[0] < known.error < known.errors[1]
    assert region.read(pack).error("gdp").loc["Chongqing", [2005, 2010]].tolist() == [known.error, known.error]
    figures = pd.read_csv(pack / "figures.csv", dtype=str).assign(error_percent="")
    figures.loc[figures["variable"] == "gdp", "error_percent"] = "7.5"
    figures.to_csv(pack / "figures.csv", index=False)
    own = region.read(pack)
    assert own.error("gdp").loc["Chongqing", [2005, 2010]].tolist() == [0.075, 0.075]
    assert own.error("energy_total").loc["Chongqing", 2010] == region.FIGURES_KNOWN["energy_total"].error
    wide = region._likelihood(own).whiten[0, 0]  # GDP comes first; a larger error has less weight
    assert abs(wide[0, 0]) < abs(region._likelihood(region.read(EXAMPLES / "chongqing-city")).whiten[0, 0][0, 0])
    figures.assign(error_percent="0").to_csv(pack / "figures.csv", index=False)
    with pytest.raises(InputError, match=r"figures\.csv:2: got .0., allowed: a number from 0.1"):
        region.read(pack)


@pytest.mark.parametrize("name", ["chongqing-city", "sealand"])
def test_inputs_of_the_examples_add_up_to_their_own_energy_and_say_where_they_come_from(name: str) -> None:
    from calibration import inputs

    pack = region.read(EXAMPLES / name)
    given = region.model_inputs(pack)
    energy = given.params["base final energy"] * given.params["base fuel share"]
    data = energy.to_dataset(name="final_energy").assign(coal_per_kwh=given.params["base coal per kWh"])
    total = inputs.modelled_total(data).to_series()
    pd.testing.assert_series_equal(
        total, pack.series("energy_total")[2005], check_names=False, check_index=False, rtol=1e-6
    )
    assert given.origins["base gdp"] == "figures.csv (gdp)"
    assert given.origins["base urban share"] == region.POOLED
    assert set(region.origins(pack)["input"]) == {n for n, v in given.params.items() if "province" in v.dims}
