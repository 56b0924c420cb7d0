"""Valid rows as events: attribution, popularity, eligibility, orphans, and one narrow frame."""
