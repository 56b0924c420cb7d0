"""A name that a folder can have, with every sign that something gives a meaning."""

ODD = 'it\'s "a" b% c ü#?&=;$(x) {z}*+@é ds=2026-01-01'
