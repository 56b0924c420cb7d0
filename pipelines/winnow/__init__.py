"""Winnow: training samples for retrieval models, made from a recommender's logs."""
