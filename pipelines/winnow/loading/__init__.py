"""What a data loader does before a framework comes in: which rows, in which order, as arrays.

NumPy and PyArrow alone. ``winnow.torch`` puts PyTorch's names on it.
"""
