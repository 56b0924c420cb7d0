"""Build a date from Python: pip install 'winnow[sail]'."""

import winnow

made = winnow.build("examples/own_logs/winnow.yaml", "2026-01-01")
print(f"{made.ds}: {made.totals.positives} positives, {made.totals.hard} hard negatives")
for warning in made.warnings:
    print(f"warning: {warning}")
