"""``winnow mature``: dates that were released before their logs were complete, and are now."""

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    VariantOption,
    WarehouseOption,
    print_json,
)
from winnow.cli.stale import FromOption, ToOption, states_of
from winnow.terminal import plain_console


def mature(
    first: FromOption = None,
    last: ToOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    variant: VariantOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Tell which dates were released as immature, and whether what they lacked is there now.

    A build with --immature does not wait for the last clicks: rows say mature = false. Once the
    windows of the date have ended and the logs are there, winnow backfill --mature builds it again,
    and the new release is complete. Needs no engine.
    """
    found = [one for one in states_of(config, variant, warehouse, first, last, None)]
    ready = [one for one in found if one.because_of("immature")]
    waiting = [one for one in found if one.mature is False and one not in ready]
    if as_json:
        dates = {"ready": ready, "waiting": waiting}
        print_json({name: [one.as_record() for one in some] for name, some in dates.items()})
        return
    console = plain_console()
    for one in ready:
        console.print(f"{one.ds} can be built again: {one.text}")
    for one in waiting:
        console.print(f"{one.ds} waits: {one.waits_for}")
    console.print(f"{len(ready):,} complete now, {len(waiting):,} waiting")
