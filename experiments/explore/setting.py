"""What the page needs before anything moves: provinces, rules, levers with their ticks, assumptions, words."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from calibration.places import NATION
from experiments.words.measured import Measured
from experiments.words.ratings import LIGHTS
from experiments.words.terms import Terms
from experiments.words.tilemap import CODES, TILES
from models.parameters import parameters

if TYPE_CHECKING:
    from experiments.explore.live import Live

#: Levers behind "more levers": a dozen stay in view.
FURTHER = ("electrification", "heat reform", "appliance standards", "farm biogas")
GROUPS = ("economy", "demand", "supply", "response")
#: Texts that the script shows; the page's own texts are in its template.
SCRIPT_TEXTS = (
    "no new policy",
    "weak",
    "medium",
    "strong",
    "historical best",
    "target −{target} %",
    "with policy",
    "modified, no new policy",
    "modified, with policy",
    "measured",
    "tce per 10⁴ yuan",
    "{province}: {light}, chance {chance}",
    "{n} of {total} provinces are more likely to meet their {end} target than to miss it.",
    "text: live verdict",
    "{n} of {total} members; model-conditional, not a forecast.",
    "{province}: energy intensity falls {fall} % by {end}, target {target} %",
    "The link is copied.",
    "The link does not fit this explorer: {fault}",
    "The explorer does not answer; is it still running?",
    "status quo",
    "official plan",
    "all provinces",
    "{lever}: {word}, {percent} % of the historical best",
    "default",
)


@dataclass(frozen=True)
class Setting:
    """The page's fixed content in one language."""

    live: "Live"
    terms: Terms

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Assumption → (low, high): the uncertain parameters that are one number for all provinces."""
        rows = parameters()
        chosen = rows[(rows.role == "uncertain") & (rows.dims == "") & rows.group.isin(GROUPS)]
        return {str(r.name): (float(r.low), float(r.high)) for _, r in chosen.iterrows()}

    @cached_property
    def data(self) -> dict[str, Any]:
        """All of it as plain data."""
        live, terms = self.live, self.terms
        return {
            "lang": terms.lang,
            "provinces": [*live.provinces, NATION],
            "names": {p: terms.name(p) for p in [*live.provinces, "Tibet"]}
            | {NATION: terms("China (sum of provinces)")},
            "tiles": TILES,
            "codes": CODES if terms.lang == "en" else {p: terms.name(p) for p in CODES},
            "lights": {level: {"word": terms(light.word), "symbol": light.symbol} for level, light in LIGHTS.items()},
            "rules": [{"key": rule, "name": terms.name(rule)} for rule in live.rules],
            "packages": self.packages(),
            "assumptions": self.assumptions(),
            "members": live.study.members,
            "years": live.years,
            "plan": live.plan,
            "measured": self.measured(),
            "texts": {key: terms(key) for key in SCRIPT_TEXTS},
        }

    def packages(self) -> list[dict[str, Any]]:
        """Levers by package, each with its strength by region in the starting mix and in the official plan."""
        from experiments.policy import levers, mix

        start = self.live.strength(self.live.mix)
        plan = mix("plan").strength().sel(province=self.live.provinces).transpose("province", "lever")
        found: dict[str, list[dict[str, Any]]] = {}
        for name, lever in levers().items():
            column = self.live.levers.index(name)
            planned = plan.sel(lever=name).values
            found.setdefault(lever.package, []).append(
                {
                    "key": name,
                    "name": self.terms.name(name),
                    "meaning": lever.meaning if self.terms.lang == "en" else "",
                    "start": _with_mean(start[:, column]),
                    "plan": _with_mean(planned),
                    "further": name in FURTHER,
                }
            )
        return [{"key": package, "name": self.terms.name(package), "levers": items} for package, items in found.items()]

    def assumptions(self) -> list[dict[str, Any]]:
        """Uncertain parameters by group."""
        rows = parameters()
        return [
            {
                "key": group,
                "name": self.terms.name(group),
                "items": [
                    {
                        "key": name,
                        "name": self.terms.name(name),
                        "unit": rows.unit[name],
                        "low": low,
                        "high": high,
                        "default": float(rows.default[name]),
                        "meaning": rows.meaning[name],
                        "source": rows.source[name],
                    }
                    for name, (low, high) in self.ranges.items()
                    if rows.group[name] == group
                ],
            }
            for group in GROUPS
        ]

    def measured(self) -> dict[str, list[list[float]]]:
        """Measured energy intensity by region: [year, kgce/yuan] pairs, up to the last year shown."""
        data = Measured.load()
        found = {}
        for region in self.live.provinces:
            years, values, _ = data.series("energy_intensity", region)
            found[region] = [[int(y), round(float(v), 5)] for y, v in zip(years, values, strict=True)]
        return found


def _with_mean(values: np.ndarray[Any, Any]) -> list[float]:
    """Values by province with their mean, for the nation, at the end."""
    return [round(float(v), 3) for v in [*values, float(np.mean(values))]]
