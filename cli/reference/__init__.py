"""The reference pages, rendered from the tables and models that the code itself runs on.

`python -m cli.reference` writes docs/reference and docs/topics.md; a test fails when a committed page differs.
"""
