"""Several recipes of one config: their logs are read once, each has a release of its own."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from winnow.building.build import Begun, begin, released
from winnow.building.failures import problem_records, raise_gravest
from winnow.building.full_disk import room_explained
from winnow.building.inputs import Inputs, open_inputs, require_readable
from winnow.building.request import BuildRequest
from winnow.building.sampling import Counted, Joined, count_logs, run_in
from winnow.building.shared_logs import joined_logs, staged_logs, with_logs
from winnow.building.summary import BuildSummary
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.needed_dates import dates_needed
from winnow.errors import ConfigError, Problem, WinnowError
from winnow.release.commits import new_run_id
from winnow.release.paths import staging_path
from winnow.release.run_markers import run_at_work
from winnow.release.run_process import at_work
from winnow.release.staging import drop_staging


@dataclass(frozen=True)
class VariantBuilds:
    """How the builds of a config's variants ended, by their names, in the config's order.

    Attributes:
        made: The summaries of those that are released.
        failed: Why the others are not; nothing of these was published.
        seconds: Seconds per stage of what was done once for all.
        run_ids: The runs of all variants.
    """

    made: Mapping[str, BuildSummary]
    failed: Mapping[str, Exception]
    seconds: Mapping[str, float] = field(default_factory=dict)
    run_ids: Mapping[str, str] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        failed = {name: problem_records(error) for name, error in self.failed.items()}
        return {
            "variants": {name: made.as_record() for name, made in self.made.items()},
            "failed": failed,
            "seconds": {stage: round(took, 3) for stage, took in self.seconds.items()},
        }

    def raise_if_failed(self) -> None:
        """Raise what the variants failed by, as one error that names them.

        Raises:
            WinnowError: Of the kind of the gravest: what nobody knows goes before what a person can
                mend, and that before a conflict, which another run mends.
        """
        raise_gravest(self.failed, "variant")


def variant_configs(config: Config) -> dict[str, Config]:
    """Return the config of each variant, in order.

    Raises:
        ConfigError: The config has no variants.
    """
    if not config.variants:
        raise ConfigError(Problem("variants", "the config has no variants"))
    return {name: config.variant(name) for name in config.variants}


def build_variants(request: BuildRequest) -> VariantBuilds:
    """Build, audit and release the samples of one date for every variant of a config.

    Logs are read, mapped, judged, counted and joined once, or once for all variants that need the
    same dates of them; each variant is then sampled, audited and released as a config of its own.
    One that fails harms no other.

    Args:
        request: The build; its config has variants. Its suites are not looked at.

    Raises:
        ConfigError: The config has no variants, or contradicts itself or the tables that are there.
        InputError: A log is missing, damaged or not what its contract says. Nothing was built.
        ConservationError: Rows of a log do not add up. Nothing was built.
    """
    configs = variant_configs(request.config)
    progress = request.progress
    begun, failed, made = dict[str, Begun](), dict[str, Exception](), dict[str, BuildSummary]()
    run_ids = {name: new_run_id() for name in configs}
    for name, config in configs.items():
        run_id = run_ids[name]
        own = progress.of(name, run_id=run_id)
        one = replace(request, config=config, suites=None, progress=own, run_id=run_id)
        try:
            begun[name] = begin(one)
        except Exception as error:
            failed[name] = error
    for builds in _of_same_dates(begun, request.day):
        _build_some(builds, request, made, failed)
    errors = list({id(error): error for error in failed.values()}.values())
    if not made and len(errors) == 1 and len(failed) > 1:
        raise errors[0]  # what all share is wrong
    return VariantBuilds(
        {name: made[name] for name in configs if name in made},
        {name: failed[name] for name in configs if name in failed},
        dict(progress.seconds),
        run_ids,
    )


def _build_some(
    begun: Mapping[str, Begun],
    request: BuildRequest,
    made: dict[str, BuildSummary],
    failed: dict[str, Exception],
) -> None:
    """Build variants that need the same dates of the logs, and tell what came of each."""
    first, run_id = next(iter(begun.values())), new_run_id()
    one = replace(request, config=first.request.config)
    with at_work(staging_path(request.warehouse, run_id)), ExitStack() as every:
        # From the first row read, each warehouse knows of the run that may release it there: who
        # forgets users or vacuums meanwhile looks into no other warehouse.
        marked = dict[str, ExitStack]()
        for name, build in begun.items():
            own = build.request.warehouse
            try:
                with room_explained(own):
                    mark = every.enter_context(ExitStack())
                    mark.enter_context(run_at_work(own, build.run.scratch.tag))
            except Exception as error:
                failed[name] = error
            else:
                marked[name] = mark
        if not marked:
            return
        try:
            with room_explained(request.warehouse):
                inputs, counted, joined = _shared(one, run_id, first.clicks_from)
        except Exception as error:
            failed |= dict.fromkeys(marked, error)
            return
        for name, mark in marked.items():
            build = begun[name]
            try:
                with room_explained(build.request.warehouse), mark:
                    made[name] = released(build, inputs, counted, joined)
            except Exception as error:
                failed[name] = error
        drop_staging(request.warehouse, run_id)


def _of_same_dates(begun: Mapping[str, Begun], day: date) -> list[dict[str, Begun]]:
    """Return the builds of variants, together those that need the same dates of the logs."""
    groups: dict[str, dict[str, Begun]] = {}
    for name, one in begun.items():
        needs = dates_needed(one.request.config, day, one.clicks_from)
        groups.setdefault(repr(needs), {})[name] = one
    return list(groups.values())


def _shared(
    request: BuildRequest, run_id: str, clicks_from: date | None
) -> tuple[Inputs, Counted, Joined]:
    """Do what all variants have in common, by the config of one of them."""
    opened: dict[str, Log] = {}
    folder = staging_path(request.warehouse.parent, run_id)
    run, progress = run_in(folder, request, run_id), request.progress
    try:
        with progress.stage("check the logs"):
            inputs = open_inputs(request, clicks_from)
            opened |= inputs.logs
        request.engine.compile_kernels(progress.stage)
        request.engine.warm_up(audit=True)
        as_read = count_logs(inputs.logs, request, run)
        with progress.stage("stage the logs") as stage:
            copies = staged_logs(inputs.logs, run)
            shared, counted = with_logs(inputs, as_read, copies, run)
            stage.rows = sum(count.read for count in counted.counts.values())
        with progress.stage("join clicks") as stage:
            joined = joined_logs(as_read, counted, run)
            stage.rows = joined.attributed.pairs.rows
        return shared, counted, joined
    except WinnowError:
        raise
    except Exception as error:
        require_readable(request.config, opened, error)
        raise
