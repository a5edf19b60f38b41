"""Hyperparameter search with Optuna: pruned, seeded, and kept where a kill cannot spoil it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tfbs_hub import settings
from tfbs_hub.errors import StorageError, TrainingError
from tfbs_hub.experts.contract import Expert, Recipe
from tfbs_hub.files import storage_error
from tfbs_hub.progress import Event, Report, silent
from tfbs_hub.seeding import derive
from tfbs_hub.training.checkpoint import fingerprint

if TYPE_CHECKING:
    import optuna

__all__ = ["search", "search_expert"]

_WARM_UP_TRIALS: Final = 4
"""Trials that run to their end before any is pruned."""

Watch = Callable[[int, float], None]


def search(
    trials: int,
    objective: Callable[[optuna.Trial, Watch], float],
    *,
    folder: Path,
    digest: str,
    seed: int,
    report: Report = silent,
    task: str = "searching",
) -> optuna.trial.FrozenTrial:
    """The best of `trials` trials; those finished before a kill count, one cut short is run again.

    Args:
        objective: runs one trial and returns its validation AUROC; it is given a watcher to call with
            (epoch, AUROC) after each epoch, which ends a hopeless trial early. A `TrainingError` counts as one.
        folder: where the study is kept (SQLite: a journal file with a torn last line never opens again).
        digest: of everything that decides the search; another search is another study.

    Raises:
        TrainingError: no trial came to its end.
        StorageError: the study cannot be kept.
    """
    with _kept_study(folder / f"{digest[:32]}.sqlite", digest) as study:
        _run_trials(study, trials, objective, seed, report, task)
        if not _complete(study):
            raise TrainingError("no trial of the search came to its end", hint="give more --trials")
        return study.best_trial


@contextmanager
def _kept_study(path: Path, name: str) -> Iterator[optuna.Study]:
    """The study in a file, without trials that were cut short; what the file refuses becomes `StorageError`."""
    import optuna  # noqa: PLC0415 - half a second that only a search shall cost
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path.parent, settings.CACHE_HINT) from error
    with ExitStack() as stack:
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            stack.callback(storage.engine.dispose)
            stack.callback(storage.remove_session)
            study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
            for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
                storage.set_trial_state_values(trial._trial_id, state=optuna.trial.TrialState.FAIL)
            yield study
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            raise StorageError(
                f"the search cannot be kept: {error}", where=str(path), hint="free some space, or delete the file"
            ) from error


def _run_trials(
    study: optuna.Study,
    trials: int,
    objective: Callable[[optuna.Trial, Watch], float],
    seed: int,
    report: Report,
    task: str,
) -> None:
    import optuna  # noqa: PLC0415 - already loaded by `_kept_study`

    def run(trial: optuna.Trial) -> float:
        try:
            return objective(trial, _pruner(trial))
        except TrainingError as error:
            # Settings that diverge are an answer; as an error they would end the search, and every one after it.
            raise optuna.TrialPruned(error.what) from error

    while (done := len(_finished(study))) < trials:
        best = f"best AUROC {study.best_value:.4f}" if _complete(study) else ""
        report(Event(task, done, trials, best))
        # Seeded by the number of trials before it: a search that goes on proposes what an unbroken one would have.
        study.sampler = optuna.samplers.TPESampler(seed=derive(seed, "search", done) % (1 << 32))
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=_WARM_UP_TRIALS, n_warmup_steps=2)
        study.optimize(run, n_trials=1)
    report(Event(task, trials, trials, ""))


def _pruner(trial: optuna.Trial) -> Watch:
    def watch(epoch: int, auroc: float) -> None:
        import optuna  # noqa: PLC0415 - already loaded by `_kept_study`

        trial.report(auroc, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    return watch


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in {"COMPLETE", "PRUNED"}]


def _complete(study: optuna.Study) -> bool:
    return any(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False))


def search_expert(
    trials: int,
    architecture: type[Expert],
    recipe: Recipe,
    run: Callable[[dict[str, Any], Recipe, Watch], float],
    *,
    folder: Path,
    digest: str,
    seed: int,
    report: Report = silent,
    task: str = "searching",
) -> tuple[dict[str, Any], Recipe]:
    """The best configuration and recipe that `architecture.suggest` proposes, by validation AUROC."""

    def objective(trial: optuna.Trial, watch: Watch) -> float:
        config, changes = architecture.suggest(trial)
        trial.set_user_attr("config", config)
        trial.set_user_attr("recipe", changes)
        return run(config, replace(recipe, **changes), watch)

    best = search(
        trials,
        objective,
        folder=folder,
        digest=fingerprint(
            of=digest,
            architecture=f"{architecture.__module__}:{architecture.__qualname__}",
            recipe=recipe.as_dict(),
            seed=seed,
        ),
        seed=seed,
        report=report,
        task=task,
    )
    return best.user_attrs["config"], replace(recipe, **best.user_attrs["recipe"])
