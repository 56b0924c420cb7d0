"""Attributes of items: columns of the items log that are carried, such as a city or a brand.

They are columns of the frame of a date's items, and of the Arrow table that the sampler makes its
draws of. Tables of samples know them by their own names, frames by a name that no other column has.
"""

ATTRIBUTE = "attribute_"
"""What the name of a carried column of the items begins with, until it is in a table."""
