"""Names of columns that pairs have only where the config asks for them; known to tasks as well."""


def value_column(name: str) -> str:
    """Return the column of pairs, and of what is made of them, with a value of the click log."""
    return f"value_{name}"
