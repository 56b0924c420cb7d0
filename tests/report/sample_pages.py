"""Pages of releases as they really are, and of some runs that are broken."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from winnow.audit.record import AuditRecord
from winnow.report.page import HistoryEntry, ReportPage

from tests.report.sample_audit import FUNNEL, bands, record
from tests.report.sample_gates import EXPOSED_FAIL, LOG_Q_ERRS, NASTY, SHORTFALL_WARNS

DAY = date(2026, 3, 17)
NEGATIVES = {
    "per_positive": 20,
    "easy": [{"source": "popularity", "share": 0.5}],
    "hard": [{"source": "cut", "stage": "coarse"}, {"source": "low", "stage": "fine"}],
}
CONFIG = {
    "seed": 0,
    "calendar_zone": "UTC",
    "carry": ["scene", "experiment"],
    "funnel": {"cut_known_by": "passed", "stages": [{"name": "coarse"}, {"name": "fine"}]},
    "identity": {"anonymous_values": ["", "0", "-1"]},
    "negatives": NEGATIVES,
    "positives": {"downsampling": {"rule": "sqrt", "threshold_clicks": None}},
    "logs": {"clicks": {"path": "logs/clicks", "where": {}, "note": NASTY}},
}


def history(count: int = 6) -> tuple[HistoryEntry, ...]:
    """The releases of the dates before, newest first as a store may give them."""
    return tuple(
        HistoryEntry(
            release_id=f"20260{318 - n}T031412Z-{n:04d}",
            ds=DAY - timedelta(days=n),
            verdict="warn" if n == 4 else "pass",
            volume={
                "rows": 33_117 - 420 * n + 900 * (n % 2),
                "click_rate": 0.0497 - 0.0004 * (n % 3),
                "users": 12_840 - 110 * n,
                "items": 10_000 - 24 * n,
            },
            exposed=812_004 - 9_100 * n,
            clicked=40_380 - 300 * n,
            kept=33_117 - 420 * n + 900 * (n % 2),
            easy=331_170 - 4_200 * n,
            hard=298_020 - 3_900 * n,
            requested=643_324 - 9_000 * n,
            shortfall=14_134 - 900 * n,
        )
        for n in range(1, count + 1)
    )


def page(audit: AuditRecord | None = None) -> ReportPage:
    """A release with everything in it."""
    inputs = {
        "catalogue_from": "items",
        "history_days": 30,
        "logs": {
            "impressions": {
                "read": 1_284_310,
                "folders": [f"date=2026-03-{n:02d}" for n in range(10, 19)],
            },
            "clicks": {"read": 61_450, "folders": ["date=2026-03-17", "date=2026-03-18"]},
        },
        "mature": True,
    }
    return ReportPage(
        release_id="20260318T031412Z-7f3a",
        run_id="20260318T030155Z-91c27f3a",
        ds=DAY,
        created=datetime(2026, 3, 18, 3, 14, 12, tzinfo=UTC),
        code_version="0.1.0",
        config_json=json.dumps(CONFIG, sort_keys=True),
        inputs_json=json.dumps(inputs, sort_keys=True),
        tables={
            "positives": 33_117,
            "easy_negatives": 350_186,
            "hard_negatives": 298_020,
            "training_samples": 33_117,
            "ranking_samples": 812_004,
            "item_stats": 10_000,
            "rejected": 1_052,
        },
        record=record() if audit is None else audit,
        history=history(),
    )


def failed_page() -> ReportPage:
    """A run that published nothing, as negatives were shown to their users."""
    audit = record(EXPOSED_FAIL, LOG_Q_ERRS, SHORTFALL_WARNS)
    return replace(page(audit), release_id=None, created=None)


def empty_page() -> ReportPage:
    """A run whose audit stopped before it counted anything."""
    return ReportPage(
        release_id=None,
        run_id="run1",
        ds=DAY,
        created=None,
        code_version="0.1.0",
        config_json="{}",
        inputs_json="{}",
        tables={},
        record=AuditRecord(verdict="fail", gates=()),
    )


def later_page() -> ReportPage:
    """The release of the next date: one setting, some gates and all figures differ."""
    before = page(record(SHORTFALL_WARNS))
    funnel = FUNNEL.model_copy(update={"kept": 34_020, "shortfall": 9_004, "hard": 303_150})
    moved = tuple(
        band.model_copy(update={"kept": band.kept + 903 * (band.band == 1)}) for band in bands()
    )
    audit = before.record.model_copy(update={"funnel": funnel, "bands": moved})
    config = CONFIG | {"negatives": NEGATIVES | {"per_positive": 10}, "epoch": 1}
    return replace(
        before,
        release_id="20260319T031500Z-00b1",
        ds=DAY + timedelta(days=1),
        created=datetime(2026, 3, 19, 3, 15, tzinfo=UTC),
        record=audit,
        config_json=json.dumps(config, sort_keys=True),
        tables=dict(before.tables) | {"positives": 34_020, "training_samples_pointwise": 647_303},
    )
