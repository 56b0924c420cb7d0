"""Results of papers, computed again: does an estimate or a loss do what was published?"""
