"""The staged tables by themselves and beside each other: keys, rows, lists, agreement."""
