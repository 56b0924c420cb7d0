"""The sections of the page of a release, one file for each thing that people ask."""
