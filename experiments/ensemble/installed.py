"""The installation of this machine: model, data and calibration with which the commands run studies."""

from collections.abc import Mapping
from pathlib import Path

from experiments.ensemble.core import Ensemble
from experiments.ensemble.member_design import blocks, design
from experiments.ensemble.scenario import prepare
from experiments.ensemble.study_model import StudyModel
from experiments.installation import (
    Installation,
    ProvinceModel,
    ScenarioInputs,
    checksums,
    load_study,
    model_texts,
    predictive_errors,
)
from experiments.runs.store import Run
from experiments.study.files import DEFAULT
from experiments.study.schema import Study


def scenario_inputs(study: Study) -> ScenarioInputs:
    """Targets, mixes and common parameters of a study, whose rules are handed the study's own model."""
    return prepare(study, StudyModel(study))


def installed(threads: int = 1, study: Study | None = None) -> Installation:
    """The installation of this machine.

    Args:
        threads: how many the engine may use; 0: one per processor.
        study: whose own model files and provinces are run; default: the shipped model with all provinces.
    """
    simulate = ProvinceModel(threads, texts=model_texts(study))
    return Installation(scenario_inputs, design, predictive_errors, simulate, checksums, blocks)


def reference(study: Study) -> ProvinceModel:
    """The study's model under PySD's own run: slow, one member after the other, at least two provinces."""
    return ProvinceModel(backend="pysd", texts=model_texts(study))


def open_ensemble(
    study: str | Path | Study = DEFAULT, members: int | None = None, parameters: Mapping[str, float] | None = None
) -> Ensemble:
    """Calibrated members under the user's own assumptions, ready to be run under any target and policy.

    Args:
        study: a study, or the name or path of one.
        members: how many; default: as the study says.
        parameters: model constant → value, held in all members. The calibrated parameters of each member are fitted
            again, so that it still reproduces the measured years.

    Returns:
        the ensemble. Its arrays have the dims (member, province) or (member, province, …, year); every
        array carries its unit: reductions are fractions (units "1"), where `Run.metrics` has per cent (units "%").

    Raises:
        InputError: a name or value that the model does not allow, all at once.

    >>> from experiments import open_ensemble
    >>> ensemble = open_ensemble("twelfth-plan", members=4, parameters={"rebound": 0.3})
    >>> ensemble.reduction(ensemble.params("base")).shape
    (4, 30)
    >>> ensemble.reduction(ensemble.params("base")).attrs["units"]
    '1'
    """
    if isinstance(study, Study):
        asked = study
        if members or parameters:
            changes = {"members": members or asked.members, "parameters": {**asked.parameters, **(parameters or {})}}
            asked = asked.model_copy(update=changes)
    else:
        size = [f"members={members}"] if members else []
        asked = load_study(
            study, [*size, *(f"parameters.{name}={value!r}" for name, value in (parameters or {}).items())]
        )
    return Ensemble.of(asked, installed(0, asked))


def carry_out(study: Study, runs: str | Path = "runs") -> Run:
    """Simulate a study, or open its run where there is one, without the analyses and the report of `tanlu run`.

    Args:
        study: as from `load_study`.
        runs: folder of the runs.

    Returns:
        the complete run.
    """
    from experiments.ensemble import simulation

    here = installed(0, study)
    return simulation.resume(simulation.start(study, here, Path(runs)), here)
