"""An audit record as a real release has it, with figures that add up."""

import math

from winnow.audit.record import (
    AuditRecord,
    Funnel,
    GateResult,
    HardOrigin,
    Histogram,
    PopularityBand,
    TopItem,
)
from winnow.contracts.counts import RowCounts

from tests.report.sample_gates import NASTY, gates

NEGATIVES = ("easy", "hard", "fill", "shortfall")
FUNNEL = Funnel(
    logs={
        "impressions": RowCounts(
            read=1_284_310,
            valid=812_004,
            duplicate=3_120,
            rejected=212,
            filtered=12_974,
            other_date=456_000,
            reasons={"user_missing": 150, "impression_ts_unreadable": 62},
        ),
        "clicks": RowCounts(
            read=61_450,
            valid=41_020,
            duplicate=310,
            rejected=840,
            filtered=0,
            other_date=19_280,
            reasons={"orphan": 790, "action_unknown": 41, NASTY: 9},
        ),
        "ranking_log": RowCounts(
            read=4_120_450,
            valid=4_120_450,
            duplicate=0,
            rejected=0,
            filtered=0,
            other_date=0,
        ),
    },
    exposed=812_004,
    clicked=40_380,
    kept=33_117,
    requested=662_340,
    easy=331_170,
    hard=298_020,
    fill=19_016,
    shortfall=14_134,
)


def bands() -> tuple[PopularityBand, ...]:
    """Ten bands whose positives and draws add up to those of the funnel."""
    candidates = (24_980, 6_890, 3_410, 1_980, 1_240, 800, 520, 330, 170, 60)
    kept = (17_717, 6_890, 3_410, 1_980, 1_240, 800, 520, 330, 170, 60)
    clicks = (520_100, 140_300, 71_200, 41_900, 25_800, 16_300, 10_700, 6_900, 3_500, 600)
    q = (0.4161, 0.1702, 0.1102, 0.0811, 0.0622, 0.0488, 0.0395, 0.0322, 0.0242, 0.0155)
    starved = (0.79, 0.982, 1.05, 1.12, 1.17, 1.21, 1.235, 1.25, 1.262, 1.27)
    total = FUNNEL.easy + FUNNEL.fill
    weight = sum(a * b for a, b in zip(q, starved, strict=True))
    found = []
    for n in range(10):
        expected = total * q[n] * starved[n] / weight
        wobble = math.sin(7.1 * n) * math.sqrt(expected)
        found.append(
            PopularityBand(
                band=n + 1,
                items=1_000,
                clicks=clicks[n],
                candidates=candidates[n],
                kept=kept[n],
                q=q[n],
                expected=expected,
                drawn=round(expected + wobble),
            )
        )
    missing = total - sum(band.drawn for band in found)
    found[0] = found[0].model_copy(update={"drawn": found[0].drawn + missing})
    return tuple(found)


def top_items(count: int = 100) -> tuple[TopItem, ...]:
    """The most clicked items; the third has an id that is code."""
    found = []
    for rank in range(1, count + 1):
        q = 0.021 / rank**0.62
        expected = 350_186 * q * (0.42 + 0.4 * (rank / count) ** 0.5)
        found.append(
            TopItem(
                rank=rank,
                item_id=NASTY if rank == 3 else str(90_000 + rank * 37 % 1_000),
                clicks=round(31_000 / rank**0.8),
                candidates=round(1_500 / rank**0.8),
                kept=0 if rank == 77 else round(640 / rank**0.5),
                q=q,
                expected=expected,
                drawn=round(expected + 2 * math.sin(11.3 * rank) * math.sqrt(expected)),
            )
        )
    return tuple(found)


def hard_origins() -> tuple[HardOrigin, ...]:
    """Two stages; the rows add up to those of the funnel."""
    coarse = (0, 0, 2_140, 8_911, 15_020, 21_730, 26_800, 31_400, 35_990, 40_000)
    fine = (0, 0, 0, 0, 0, 27_300, 24_010, 22_419, 21_500, 20_800)
    return tuple(
        HardOrigin(stage=stage, source=source, hardness=hardness, band=band, rows=rows)
        for stage, source, hardness, counts in (
            ("coarse", "cut", 1, coarse),
            ("fine", "low", 2, fine),
        )
        for band, rows in enumerate(counts)
        if rows
    )


def log_q() -> Histogram:
    """Thirty columns that add up to the easy draws of the funnel."""
    edges = tuple(round(-14 + 0.35 * n, 2) for n in range(31))
    raw = [math.exp(-(((edges[n] + 8.6) / 2.1) ** 2)) for n in range(30)]
    total = FUNNEL.easy + FUNNEL.fill
    counts = [int(total * x / sum(raw)) for x in raw]
    counts[14] += total - sum(counts)
    return Histogram(edges=edges, counts=tuple(counts))


def record(*changed: GateResult) -> AuditRecord:
    """A record with everything in it; its verdict follows from the changed gates."""
    found = gates(*changed)
    states = {gate.status for gate in found}
    broken = states & {"fail", "error"}
    return AuditRecord(
        verdict="fail" if broken else "warn" if "warn" in states else "pass",
        gates=found,
        funnel=FUNNEL,
        bands=bands(),
        top_items=top_items(),
        hard_origins=hard_origins(),
        log_q=log_q(),
        shortfall={"pool_too_small": 24_310, "request_not_logged": 6_820, NASTY: 2_020},
        volume={"rows": 33_117, "click_rate": 0.0497, "users": 12_840, "items": 10_000},
        seconds=21.4,
    )
