"""The content of the page as plain data: members, kernels, presets, targets, words in both languages."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration import prior
from calibration.places import NATION
from experiments.analyses import feasibility
from experiments.analyses.solve import BEYOND as LIFTED
from experiments.analyses.solve import RESOLUTION, net_costs
from experiments.ensemble import outputs
from experiments.ensemble.triggers import with_triggers
from experiments.explore import answer, kernels
from experiments.explore.members import CARBON_INTENSITY, DELIVERY, OUTPUTS, Members
from experiments.words.measured import Measured
from experiments.words.quantities import co2, energy, real
from experiments.words.ratings import CLASSES, LIGHTS, NEITHER
from experiments.words.terms import LANGS, Terms
from experiments.words.tilemap import CODES, TILES
from models.parameters import defaults, parameters, row

if TYPE_CHECKING:
    from experiments.runs.store import Run
    from sim.wasm_export import WasmExport

HERE = Path(__file__).parent
GROUPS = ("economy", "demand", "supply", "response", "policy", "costs")
LEVER_INPUTS = {"lever strength", "lever start", "lever phase in"}
MOST_OPTIONS = 3
"""Options of a lever that are named with their amount."""
MEASURED = {"intensity": "energy_intensity", "energy": "energy", "gdp": "gdp"}


def texts_used() -> list[str]:
    """Keys of the texts that template and script show."""
    template = (HERE / "templates" / "explore.html").read_text(encoding="utf-8")
    script = (HERE / "static" / "app.js").read_text(encoding="utf-8")
    found = re.findall(r'data-t(?:itle|label)?="([^"]+)"', template) + re.findall(r'\bt\("([^"]+)"', script)
    return list(dict.fromkeys(found))


def single(values: Any) -> str:
    """Values as float32 in base64, little-endian, the last dim fastest."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def double(values: Any) -> str:
    """Values as float64 in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode()


@dataclass(frozen=True)
class Content:
    """The page's content. run: its chances are shown while nothing is moved."""

    held: Members
    run: "Run | None" = None

    @cached_property
    def terms(self) -> dict[str, Terms]:
        """Words by language."""
        return {lang: Terms(lang) for lang in LANGS}

    def both(self, key: str) -> dict[str, str]:
        """A name in both languages."""
        return {lang: terms.name(key) for lang, terms in self.terms.items()}

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Assumption → (low, high)."""
        rows = parameters().loc[self.held.movable]
        return {str(name): (float(one.low), float(one.high)) for name, one in rows.iterrows()}

    def shared(self) -> dict[str, Any]:
        """Data that both the page and the engine need."""
        held = self.held
        return {
            "leads": held.leads,
            "provinces": held.provinces,
            "levers": held.levers,
            "years": held.years,
            "plan": held.plan,
            "rules": held.rules,
            "targets": {rule: _plain(held.targets(_state(held, rule))) for rule in held.rules},
            "carbonTargets": {rule: _plain(held.carbon_targets(_state(held, rule))) for rule in held.rules},
            "presets": {label: self.preset(label) for label in held.presets},
            "reach": held.reach.astype(int).ravel().tolist(),
            "indicators": {
                "intensity": OUTPUTS.index(outputs.REPORTED),
                "carbon": None,
                "energy": OUTPUTS.index(outputs.ENERGY),
                "co2": OUTPUTS.index(outputs.CO2),
                "cost": OUTPUTS.index(outputs.COST),
                "gdp": OUTPUTS.index(outputs.GDP),
            },
            "levels": list(answer.LEVELS),
        }

    def engine(self) -> dict[str, Any]:
        """Data for the model runs beyond the shared ones: the bulk of the file, which the page compresses."""
        held = self.held
        exports = kernels.exports(held)
        steps = exports["nation"].description["steps"]
        sizes = {dim: len(names) for dim, names in exports["nation"].description["dims"].items()}
        by_name = {one["name"]: one["dims"] for one in exports["nation"].description["outputs"]}
        asked = held.inputs.common["target reduction"].transpose("province", "plan").sel(province=held.provinces)
        table = outputs.table()
        return {
            "members": held.study.members,
            "steps": steps,
            "plans": held.plans,
            "judged": held.plans.index(held.study.target.plan),
            "targetReduction": asked.values.ravel().tolist(),
            "pressing": {rule: _plain(held.pressing(_state(held, rule))) for rule in held.rules},
            "carbonPressing": {rule: _plain(held.carbon_pressing(_state(held, rule))) for rule in held.rules},
            "free": self.free(),
            "response": single(held.response),
            "reference": held.reference.tolist(),
            "assumptions": held.names,
            "drawn": single(held.drawn.to_numpy()),
            "drawnNames": list(held.drawn.columns),
            "drawnCells": [self.cell(str(name)) for name in held.drawn.columns],
            "errors": {str(name): single(one.values) for name, one in held.errors.data_vars.items()},
            "outputs": [
                {
                    "name": name,
                    "nation": str(table["nation"][name]).replace("mean:gdp", "mean"),
                    "errors": outputs.error_parts(name),
                }
                for name in OUTPUTS
            ],
            "gdp": OUTPUTS.index(outputs.GDP),
            "coupling": [
                {"name": name, "cells": int(np.prod([sizes[dim] for dim in by_name[name]]))}
                for name in kernels.coupling(held)
            ],
            "weights": {name: values.tolist() for name, values in answer.weights(held).items()},
            "progress": list(feasibility.PROGRESS),
            "redBeyond": feasibility.RED_BEYOND,
            "cost": net_costs(parameters(), held.levers).tolist(),
            "beyond": LIFTED,
            "resolution": RESOLUTION,
            **self.mixes(exports),
            "kernels": {
                name: {
                    "wasm": base64.b64encode(kernels.kernel(name, export)).decode(),
                    "description": export.description,
                    "values": double(export.data),
                }
                for name, export in exports.items()
            },
        }

    def mixes(self, exports: Mapping[str, "WasmExport"]) -> dict[str, Any]:
        """Inputs of each preset, other than its levers (costs, lifetimes), that differ from those of the first state.

        Args:
            exports: the kernels' descriptions.

        Returns:
            mixes: preset → input → number of its values; mixValues: values, each kept once.
        """
        held = self.held
        first, variables, sizes = held.common(held.first), held.model.variables, held.model.subscripts
        described = [one.description["programs"] for one in exports.values()]
        programs = [program for programs in described for program in programs.values() if program]
        read = {one.get("name") for p in programs for region in p["inputs"].values() for one in region}
        numbers: dict[str, int] = {}
        found: dict[str, dict[str, int]] = {}
        for label in held.presets:
            params = held.common(held.first.model_copy(update={"preset": label}))
            found[label] = {}
            for name in sorted(read & params.keys() - LEVER_INPUTS):
                value = xr.DataArray(params[name])
                if value.equals(xr.DataArray(first[name])):
                    continue
                dims = variables[name].dims
                ordered = value.sel({dim: list(sizes[dim]) for dim in dims}).transpose(*dims)
                found[label][name] = numbers.setdefault(double(ordered.values), len(numbers))
        return {"mixes": found, "mixValues": list(numbers)}

    def cell(self, column: str) -> dict[str, Any]:
        """Which cell of a model variable a column of draws is; none: all of them."""
        name, bracket, inside = column.partition("[")
        if not bracket:
            return {"name": name, "cell": None}
        dims = self.held.model.variables[name].dims
        sizes = [self.held.model.subscripts[dim] for dim in dims]
        at = [elements.index(one.strip()) for elements, one in zip(sizes, inside.rstrip("]").split(","), strict=True)]
        return {"name": name, "cell": int(np.ravel_multi_index(at, [len(elements) for elements in sizes]))}

    def preset(self, label: str) -> dict[str, Any]:
        """A mix as the engine takes it."""
        held = self.held
        mix = held.inputs.mix.sel(mix=label)
        delivery = held.delivery(label)
        return {
            "strength": single(held.strength(label)),
            "start": mix["lever start"].values.astype(float).tolist(),
            "phase": mix["lever phase in"].values.astype(float).tolist(),
            "delivery": {
                name: "members" if self.by_member(label, name) else delivery[name].tolist() for name in DELIVERY
            },
        }

    def by_member(self, label: str, name: str) -> bool:
        """Whether the members draw a preset's delay or compliance."""
        left_open = bool(np.isnan(self.held.inputs.mix[name].sel(mix=label).values.astype(float)).all())
        return left_open and name in self.held.drawn

    def free(self) -> dict[str, Any]:
        """The free parameters, and how they become inputs of the model (see `calibration.prior.model_inputs`)."""
        held = self.held
        sectors = [str(name) for name in held.inputs.common["sector"].values]
        known = prior.SECTORS
        base = held.inputs.common["base final energy"].sel(province=held.provinces, sector=list(known))
        if tuple(sectors) != known:
            raise ValueError(f"sectors are {sectors}")
        return {
            "values": single(held.free),
            "names": [
                {"parameter": parameter, "columns": [known.index(name) for name in members]}
                for parameter, members in prior.FREE.values()
            ],
            "low": held.posterior["low"].values.tolist(),
            "high": held.posterior["high"].values.tolist(),
            "sectors": len(known),
            "frontier": np.broadcast_to(defaults(row("frontier ratio")), (len(known),)).tolist(),
            "energy": base.transpose("province", "sector").values.ravel().tolist(),
        }

    def page(self) -> dict[str, Any]:
        """Data for the controls and pictures."""
        held = self.held
        return {
            "amounts": self.amounts(),
            "start": {"rule": held.rules[0], "preset": held.start},
            "study": {"name": held.study.name, "title": {"en": held.study.title, "zh": held.study.title_zh}},
            "first": answer.answer(held, held.first),
            "stored": self.stored(),
            "nation": NATION,
            "national": _plain(held.leading_targets(held.first)[-1:])[0],
            "names": {place: self.both(place) for place in [*held.provinces, "Tibet"]}
            | {NATION: {lang: terms("China (sum of provinces)") for lang, terms in self.terms.items()}},
            "tiles": TILES,
            "codes": CODES,
            "lights": [
                {"word": {lang: terms(light.word) for lang, terms in self.terms.items()}, "symbol": light.symbol}
                for _, light in sorted(LIGHTS.items())
            ],
            "classes": [
                {
                    "step": one.step,
                    "word": {lang: terms(one.word) for lang, terms in self.terms.items()},
                    "fill": one.fill,
                    "ink": one.ink,
                }
                for one in CLASSES
            ],
            "neither": list(NEITHER),
            "ruleNames": {rule: self.both(rule) for rule in held.rules},
            "presetNames": self.preset_names(),
            "packages": self.packages(),
            "groups": self.groups(),
            "measured": self.measured(),
            "texts": {lang: {key: terms(key) for key in texts_used()} for lang, terms in self.terms.items()},
        }

    def judged(self) -> pd.DataFrame:
        """The run's verdicts on what the page judges: carbon by the metric to 2025 where carbon leads."""
        assert self.run is not None  # asked before
        if self.held.leads == "energy" or self.run.study.target.leading.key == CARBON_INTENSITY:
            return self.run.table("feasibility")
        if "indicators" not in self.run.tables:
            return pd.DataFrame({"allocation": [], "mix": []})
        table = self.run.table("indicators").reset_index()
        return table[table["indicator"] == CARBON_INTENSITY]

    def amounts(self) -> dict[str, dict[str, dict[str, str]]]:
        """Lever → province → what its full strength is there, in real units, as the run's account has it."""
        from experiments.policy import catalogue
        from experiments.policy.catalogue import FIRST

        run = self.run
        if run is None or "costs" not in run.tables or run.study.policy is None:
            return {}
        mix = run.study.policy.mix or run.study.mixes[-1].label
        strength = pd.DataFrame(self.held.strength(mix), self.held.provinces, self.held.levers)
        specs = json.loads(self.held.inputs.mix.attrs["specs"])
        options = catalogue(specs[mix].get("catalogue", FIRST)).options
        rows = run.table("costs").reset_index()
        rows = rows[rows["province"].isin(self.held.provinces) & rows["option"].isin(options)]
        found: dict[str, dict[str, dict[str, str]]] = {}
        for (place, lever), own in rows.groupby(["province", rows["option"].map(lambda one: options[one].lever)]):
            full = float(strength[str(lever)][str(place)])
            if full > 0:
                found.setdefault(str(lever), {})[str(place)] = {
                    lang: _amounts(terms, own, full) for lang, terms in self.terms.items()
                }
        return found

    def stored(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Rule → preset → the run's chances by region, of all its members."""
        if self.run is None:
            return {}
        table = self.judged()
        regions = [*self.held.provinces, NATION]
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for (rule, preset), rows in table.groupby(["allocation", "mix"], sort=False):
            own = rows.set_index("province").reindex(regions)
            light = own["light"].map({"red": 1, "yellow": 2, "green": 3}).fillna(0)
            columns = {"chance": own.chance, "low": own.chance_low, "high": own.chance_high, "margin": own.margin}
            columns |= {"margin_10": own["margin_10"], "margin_90": own["margin_90"], "reduction": own.reduction}
            columns |= {"level": light, "target": own.target}
            found.setdefault(str(rule), {})[str(preset)] = {
                "members": int(own.members.max()),
                **{name: _plain(column) for name, column in columns.items()},
            }
        return found

    def preset_names(self) -> dict[str, dict[str, str]]:
        """Preset → its title, which says where triggers are left out: the page moves all members alike."""
        specs = json.loads(self.held.inputs.mix.attrs["specs"])
        left_out = with_triggers(self.held.inputs.mix)
        return {
            label: {
                lang: (specs[label].get(key) or label) + (terms("text: no triggers") if label in left_out else "")
                for (lang, terms), key in zip(self.terms.items(), ("title", "title_zh"), strict=True)
            }
            for label in self.held.presets
        }

    def packages(self) -> list[dict[str, Any]]:
        """Levers by package with meaning, effect at full strength, its range and source."""
        from experiments.policy import levers

        found: dict[str, list[dict[str, Any]]] = {}
        for name, lever in levers().items():
            maxima = [row(parameter) for parameter in lever.maxima]
            found.setdefault(lever.package, []).append(
                {
                    "key": name,
                    "name": self.both(name),
                    "meaning": {"en": lever.meaning, "zh": lever.meaning_zh},
                    "effects": [
                        {
                            "value": float(np.mean(defaults(one))),
                            "low": float(one["low"]),
                            "high": float(one["high"]),
                            "yearly": one["unit"] == "1/year",
                            "source": str(one["source"]),
                        }
                        for one in maxima
                    ],
                }
            )
        return [{"name": self.both(package), "levers": items} for package, items in found.items()]

    def groups(self) -> list[dict[str, Any]]:
        """Assumptions by group."""
        rows = parameters().loc[self.held.movable]
        return [
            {
                "name": self.both(group),
                "items": [
                    {
                        "key": str(name),
                        "name": self.both(str(name)),
                        "unit": {lang: terms.unit(str(one.unit)) for lang, terms in self.terms.items()},
                        "low": self.ranges[str(name)][0],
                        "high": self.ranges[str(name)][1],
                        "default": float(np.mean(defaults(one))),
                        "dims": str(one.dims),
                        "meaning": str(one.meaning),
                        "source": str(one.source),
                    }
                    for name, one in rows[rows.group == group].iterrows()
                ],
            }
            for group in dict.fromkeys([*GROUPS, *rows.group])
            if (rows.group == group).any()
        ]

    def measured(self) -> dict[str, dict[str, list[list[float]]]]:
        """Indicator → region → measured [year, value] pairs in the model's units."""
        data = Measured.load()
        found: dict[str, dict[str, list[list[float]]]] = {}
        for indicator, series in MEASURED.items():
            if series not in data.data:
                continue
            for region in self.held.provinces:
                years, values, _ = data.series(series, region)
                pairs = [[int(y), float(f"{v:.6g}")] for y, v in zip(years, values, strict=True)]
                found.setdefault(indicator, {})[region] = pairs
        return found


def _amounts(terms: Terms, rows: pd.DataFrame, strength: float) -> str:
    """A lever's strength in a province in real units: its options, the largest first, and their savings."""
    zh = terms.lang == "zh"
    shown = rows.sort_values("co2 avoided Mt", ascending=False).head(MOST_OPTIONS)
    named = zip(*(shown[f"{column}_zh" if zh else column] for column in ("title", "unit")), strict=True)
    parts = [
        f"{title} {real(terms, 1e6 * amount, unit)}"
        for (title, unit), amount in zip(named, shown["quantity million"], strict=True)
        if amount > 0
    ]
    return terms(
        "text: lever amounts",
        part=f"{100 * strength:.0f}",
        parts=("、" if zh else ", ").join(parts),
        energy=energy(terms, float(rows["energy saved Mtce"].sum())),
        co2=co2(terms, float(rows["co2 avoided Mt"].sum())),
    )


def _state(held: Members, rule: str) -> Any:
    return held.first.model_copy(update={"rule": rule})


def _plain(values: Any) -> list[float | None]:
    return [None if pd.isna(v) else float(v) for v in np.asarray(values, dtype=float)]
