"""An audit of some gates alone: what else there is to measure is left out."""

import sys
from collections.abc import Collection, Iterator
from unittest import mock

from winnow.audit.audit import audit
from winnow.audit.evidence import Evidence
from winnow.audit.gate import Measurement
from winnow.audit.record import AuditRecord


def audit_of(evidence: Evidence, gates: Collection[str]) -> AuditRecord:
    """Take only the measurements that promise one of the gates, and nothing for the report."""
    asked = {name.partition(".")[0] for name in gates}
    of_audit = vars(sys.modules[audit.__module__])
    every = of_audit["lines_of_measurements"]

    def lines(evidence: Evidence) -> list[Iterator[Measurement]]:
        return [(one for one in line if asked & promised_by(one)) for line in every(evidence)]

    parts = {
        "lines_of_measurements": lines,
        "_drawn_by_the_report": lambda _evidence: {},
        "given_negatives": lambda _evidence: {},
    }
    assert parts.keys() <= of_audit.keys()
    with mock.patch.dict(of_audit, parts):
        return audit(evidence)


def promised_by(measurement: Measurement) -> set[str]:
    return {figure.name.partition(".")[0] for figure in measurement.promised}
