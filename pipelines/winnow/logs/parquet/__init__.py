"""Parquet files: footers, frames, fields of structs, and which file is damaged."""
