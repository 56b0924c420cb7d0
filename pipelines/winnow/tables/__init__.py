"""Sample groups as rows: one module per table, no sampling and no shuffle."""
